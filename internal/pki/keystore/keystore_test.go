package keystore

import (
	"bytes"
	"crypto"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/internal/pki"
)

var testNow = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

const password = "changeit"

// newContent makes a leaf below an intermediate below a root.
func newContent(t testing.TB, algorithm cmapi.PrivateKeyAlgorithm) Content {
	t.Helper()
	root, _ := issue(t, cmapi.ECDSAKeyAlgorithm, "root", true, nil)
	middle, _ := issue(t, cmapi.ECDSAKeyAlgorithm, "middle", true, &root)
	leaf, chain := issue(t, algorithm, "leaf", false, &middle)
	keyPEM, err := pki.EncodeKey(leaf.Key, cmapi.PKCS1)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Read(keyPEM, chain.Certificates, chain.CA)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func issue(t testing.TB, algorithm cmapi.PrivateKeyAlgorithm, name string, isCA bool, by *pki.KeyPair) (pki.KeyPair, pki.Chain) {
	t.Helper()
	crt := &cmapi.Certificate{Spec: cmapi.CertificateSpec{CommonName: name, IsCA: isCA, PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: algorithm}}}
	spec, err := pki.KeySpecOf(crt)
	if err != nil {
		t.Fatal(err)
	}
	key, err := pki.GenerateKey(spec)
	if err != nil {
		t.Fatal(err)
	}
	csr, err := pki.NewRequest(crt, key)
	if err != nil {
		t.Fatal(err)
	}
	template, err := pki.Template(&cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{Request: csr, IsCA: isCA}}, testNow)
	if err != nil {
		t.Fatal(err)
	}
	var chain pki.Chain
	if by == nil {
		chain, err = pki.SelfSign(template, key)
	} else {
		chain, err = by.Sign(template, key.Public())
	}
	if err != nil {
		t.Fatal(err)
	}
	certs, err := pki.ParseCertificates(append(bytes.Clone(chain.Certificates), rootOf(by, chain)...))
	if err != nil {
		t.Fatal(err)
	}
	return pki.KeyPair{Certificates: certs, Key: key}, chain
}

func rootOf(by *pki.KeyPair, chain pki.Chain) []byte {
	if by == nil {
		return nil // it is in the chain already
	}
	return chain.CA
}

// formats lists every format with every setting that matters.
func formats() map[string]Format {
	return map[string]Format{
		"JKS":           JKS{Password: password},
		"JKS alias":     JKS{Password: password, Alias: "Web"},
		"JKS alias ca":  JKS{Password: password, Alias: "ca"},
		"PKCS12":        PKCS12{Password: password},
		"PKCS12 RC2":    PKCS12{Password: password, Profile: cmapi.LegacyRC2PKCS12Profile},
		"PKCS12 DES":    PKCS12{Password: password, Profile: cmapi.LegacyDESPKCS12Profile},
		"PKCS12 2023":   PKCS12{Password: password, Profile: cmapi.Modern2023PKCS12Profile},
		"PKCS12 2026":   PKCS12{Password: password, Profile: cmapi.Modern2026PKCS12Profile},
		"PKCS12 umlaut": PKCS12{Password: "pässwörd€"},
		"JKS umlaut":    JKS{Password: "pässwörd"},
	}
}

// What is written is recognized, in spite of salts and times; any other
// content, password, alias or profile is not.
func TestRecognizesItsOwn(t *testing.T) {
	t.Parallel()
	content, other := newContent(t, cmapi.ECDSAKeyAlgorithm), newContent(t, cmapi.Ed25519KeyAlgorithm)
	noCA, otherKey, shortChain, otherCA := content, content, content, content
	noCA.CA, otherKey.Key, shortChain.Chain, otherCA.CA = nil, other.Key, content.Chain[:1], other.CA
	for name, format := range formats() {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			data := mustKeystore(t, format, content)
			if !format.HasKeystore(data, content) || !format.HasKeystore(mustKeystore(t, format, content), content) {
				t.Error("a keystore is not recognized")
			}
			for what, c := range map[string]Content{"without CA": noCA, "another key": otherKey, "a shorter chain": shortChain, "another CA": otherCA, "everything else": other} {
				if format.HasKeystore(data, c) {
					t.Errorf("%s is recognized", what)
				}
			}
			trust := mustTruststore(t, format, content)
			if !format.HasTruststore(trust, content) || format.HasTruststore(trust, otherCA) || format.HasTruststore(trust, noCA) {
				t.Error("a truststore is not told from another")
			}
			if format.HasKeystore(trust, content) || format.HasTruststore(data, content) {
				t.Error("keystore and truststore are taken for each other")
			}
			alone := mustKeystore(t, format, noCA)
			if !format.HasKeystore(alone, noCA) || format.HasKeystore(alone, content) {
				t.Error("a keystore without CA is not told from one with it")
			}
		})
	}
}

// Two settings that mean the same recognize each other's stores; no others do.
func TestTellsSettingsApart(t *testing.T) {
	t.Parallel()
	content := newContent(t, cmapi.ECDSAKeyAlgorithm)
	same := map[string]string{"PKCS12": "PKCS12 RC2", "PKCS12 RC2": "PKCS12"}
	for writer, w := range formats() {
		data, trust := mustKeystore(t, w, content), mustTruststore(t, w, content)
		for reader, r := range formats() {
			if got, want := r.HasKeystore(data, content), reader == writer || same[reader] == writer; got != want {
				t.Errorf("%s recognizes the keystore of %s: %t", reader, writer, got)
			}
			// A truststore has no alias of the user's.
			plain := strings.HasPrefix(reader, "JKS") && strings.HasPrefix(writer, "JKS") && (reader == "JKS umlaut") == (writer == "JKS umlaut")
			if got, want := r.HasTruststore(trust, content), reader == writer || same[reader] == writer || plain; got != want {
				t.Errorf("%s recognizes the truststore of %s: %t", reader, writer, got)
			}
		}
	}
}

func TestSelfSigned(t *testing.T) {
	t.Parallel()
	pair, chain := issue(t, cmapi.RSAKeyAlgorithm, "alone", false, nil)
	keyPEM, err := pki.EncodeKey(pair.Key, cmapi.PKCS8)
	if err != nil {
		t.Fatal(err)
	}
	content, err := Read(keyPEM, chain.Certificates, chain.CA)
	if err != nil {
		t.Fatal(err)
	}
	for name, format := range formats() {
		if !format.HasKeystore(mustKeystore(t, format, content), content) || !format.HasTruststore(mustTruststore(t, format, content), content) {
			t.Errorf("%s: not recognized", name)
		}
	}
}

func TestRefuses(t *testing.T) {
	t.Parallel()
	content := newContent(t, cmapi.ECDSAKeyAlgorithm)
	noCA := content
	noCA.CA = nil
	for want, do := range map[string]func() ([]byte, error){
		"the keystore password is empty: give passwordSecretRef or password a text":                                                  func() ([]byte, error) { return JKS{}.Keystore(content, testNow) },
		"the keystore password is empty: give passwordSecretRef or password a text ":                                                 func() ([]byte, error) { return PKCS12{}.Truststore(content, testNow) },
		"the password of a JKS keystore has a character above U+00FF, which the format cannot hold: use another password or PKCS#12": func() ([]byte, error) { return JKS{Password: "€"}.Keystore(content, testNow) },
		"PKCS#12: pkcs12: string contains characters that cannot be encoded in UCS-2":                                                func() ([]byte, error) { return PKCS12{Password: "🔑"}.Keystore(content, testNow) },
		`spec.keystores.pkcs12.profile: "X" is not known: use LegacyRC2, LegacyDES, Modern2023 or Modern2026`:                        func() ([]byte, error) { return PKCS12{Password: "x", Profile: "X"}.Keystore(content, testNow) },
		"there is no CA certificate for a truststore":                                                                                func() ([]byte, error) { return JKS{Password: "x"}.Truststore(noCA, testNow) },
		"there is no CA certificate for a truststore ":                                                                               func() ([]byte, error) { return PKCS12{Password: "x"}.Truststore(noCA, testNow) },
		"PKCS#12: there is no certificate for a keystore":                                                                            func() ([]byte, error) { return PKCS12{Password: "x"}.Keystore(Content{Key: content.Key}, testNow) },
	} {
		if data, err := do(); err == nil || data != nil || err.Error() != strings.TrimSpace(want) {
			t.Errorf("error = %v\nwant    %s", err, want)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	t.Parallel()
	_, chain := issue(t, cmapi.ECDSAKeyAlgorithm, "a", false, nil)
	other, err := pki.EncodeKey(newKey(t), cmapi.PKCS8)
	if err != nil {
		t.Fatal(err)
	}
	for want, in := range map[string][3][]byte{
		"private key: no PEM block found":                                      {nil, chain.Leaf, nil},
		"certificate: no PEM block found":                                      {other, nil, nil},
		"keystore: the private key and the certificate do not belong together": {other, chain.Leaf, nil},
	} {
		if _, err := Read(in[0], in[1], in[2]); err == nil || err.Error() != want {
			t.Errorf("error = %v\nwant    %s", err, want)
		}
	}
}

func newKey(t testing.TB) crypto.Signer {
	t.Helper()
	key, err := pki.GenerateKey(pki.KeySpec{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256})
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func mustKeystore(t testing.TB, f Format, c Content) []byte {
	t.Helper()
	data, err := f.Keystore(c, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func mustTruststore(t testing.TB, f Format, c Content) []byte {
	t.Helper()
	data, err := f.Truststore(c, testNow)
	if err != nil {
		t.Fatal(err)
	}
	return data
}

// run calls a program in a folder that holds the given files, and skips the
// test where the program is missing.
func run(t *testing.T, files map[string][]byte, program string, args ...string) (string, error) {
	t.Helper()
	if _, err := exec.LookPath(program); err != nil {
		t.Skipf("%s is not installed: it is not asked to read these stores", program)
	}
	dir := t.TempDir()
	for name, data := range files {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cmd := exec.CommandContext(t.Context(), program, args...)
	cmd.Dir = dir
	cmd.Env = append(os.Environ(), "LC_ALL=C.UTF-8") // for passwords outside ASCII
	out, err := cmd.CombinedOutput()
	return string(out), err
}
