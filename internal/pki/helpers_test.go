package pki

import (
	"bytes"
	"crypto"
	"encoding/pem"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var testNow = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// testKeys holds one key of each kind for the whole run: RSA keys take long.
var testKeys = struct {
	sync.Mutex
	byspec map[KeySpec]crypto.Signer
}{byspec: map[KeySpec]crypto.Signer{}}

var (
	specRSA     = KeySpec{cmapi.RSAKeyAlgorithm, 2048}
	specP256    = KeySpec{cmapi.ECDSAKeyAlgorithm, 256}
	specP384    = KeySpec{cmapi.ECDSAKeyAlgorithm, 384}
	specP521    = KeySpec{cmapi.ECDSAKeyAlgorithm, 521}
	specEd25519 = KeySpec{cmapi.Ed25519KeyAlgorithm, 0}
)

func testKey(t testing.TB, s KeySpec) crypto.Signer {
	t.Helper()
	testKeys.Lock()
	defer testKeys.Unlock()
	if testKeys.byspec[s] == nil {
		testKeys.byspec[s] = newKey(t, s)
	}
	return testKeys.byspec[s]
}

func newKey(t testing.TB, s KeySpec) crypto.Signer {
	t.Helper()
	key, err := GenerateKey(s)
	if err != nil {
		t.Fatalf("GenerateKey(%v): %v", s, err)
	}
	return key
}

// certificate makes a Certificate for the P-256 test key, changed by edit.
func certificate(edit ...func(*cmapi.CertificateSpec)) *cmapi.Certificate {
	crt := &cmapi.Certificate{Spec: cmapi.CertificateSpec{
		SecretName: "web-tls",
		CommonName: "web.example.com",
		DNSNames:   []string{"web.example.com", "www.example.com"},
		PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
		IssuerRef:  cmmeta.IssuerReference{Name: "ca"},
	}}
	for _, e := range edit {
		e(&crt.Spec)
	}
	return crt
}

// requestFor makes the CertificateRequest that a Certificate asks for.
func requestFor(t testing.TB, crt *cmapi.Certificate, key crypto.Signer) *cmapi.CertificateRequest {
	t.Helper()
	csr, err := NewRequest(crt, key)
	if err != nil {
		t.Fatalf("NewRequest: %v", err)
	}
	return &cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{
		Duration:  crt.Spec.Duration,
		IssuerRef: crt.Spec.IssuerRef,
		Request:   csr,
		IsCA:      crt.Spec.IsCA,
		Usages:    crt.Spec.Usages,
	}}
}

// selfSignedFor issues a Certificate with its own key.
func selfSignedFor(t testing.TB, crt *cmapi.Certificate, key crypto.Signer, now time.Time) Chain {
	t.Helper()
	template, err := Template(requestFor(t, crt, key), now)
	if err != nil {
		t.Fatalf("Template: %v", err)
	}
	chain, err := SelfSign(template, key)
	if err != nil {
		t.Fatalf("SelfSign: %v", err)
	}
	return chain
}

// newCA makes a CA certificate below a parent, or a root without one.
func newCA(t testing.TB, name string, key crypto.Signer, parent *KeyPair, edit ...func(*cmapi.CertificateSpec)) KeyPair {
	t.Helper()
	crt := certificate(append([]func(*cmapi.CertificateSpec){func(s *cmapi.CertificateSpec) {
		s.CommonName, s.DNSNames, s.IsCA = name, nil, true
		s.Duration = &metav1.Duration{Duration: 10 * 365 * 24 * time.Hour}
		s.PrivateKey = privateKeyFor(key)
	}}, edit...)...)
	var chain Chain
	if parent == nil {
		chain = selfSignedFor(t, crt, key, testNow)
	} else {
		chain = signFor(t, crt, key, *parent)
	}
	pair, err := ParseCA(append(chain.Certificates, chain.CA...), pemKey(t, key), testNow)
	if err != nil {
		t.Fatalf("ParseCA: %v", err)
	}
	return pair
}

func privateKeyFor(key crypto.Signer) *cmapi.CertificatePrivateKey {
	s := keySpecOfKey(key.Public())
	return &cmapi.CertificatePrivateKey{Algorithm: s.Algorithm, Size: s.Size}
}

func signFor(t testing.TB, crt *cmapi.Certificate, key crypto.Signer, ca KeyPair) Chain {
	t.Helper()
	template, err := Template(requestFor(t, crt, key), testNow)
	if err != nil {
		t.Fatalf("Template: %v", err)
	}
	chain, err := ca.Sign(template, key.Public())
	if err != nil {
		t.Fatalf("Sign: %v", err)
	}
	return chain
}

func pemKey(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	out, err := EncodeKey(key, cmapi.PKCS8)
	if err != nil {
		t.Fatalf("EncodeKey: %v", err)
	}
	return out
}

func pemBlock(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// openssl runs the program on files written to a folder of the test and
// returns all it printed. The test is skipped where the program is missing.
func openssl(t *testing.T, files map[string][]byte, args ...string) (string, error) {
	t.Helper()
	program, err := exec.LookPath("openssl")
	if err != nil {
		t.Skip("openssl is not installed: its opinion on these certificates is not asked")
	}
	dir := t.TempDir()
	for name, content := range files {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	var out bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &out
	err = cmd.Run()
	return out.String(), err
}
