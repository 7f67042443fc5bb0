package pki

import (
	"bytes"
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
)

// Every kind of CA key signs for every kind of leaf key, with the hash fit for
// the CA's key, and OpenSSL accepts the chain.
func TestSign(t *testing.T) {
	t.Parallel()
	for caKey, want := range map[KeySpec]x509.SignatureAlgorithm{
		specRSA: x509.SHA256WithRSA, specP256: x509.ECDSAWithSHA256, specP384: x509.ECDSAWithSHA384,
		specP521: x509.ECDSAWithSHA512, specEd25519: x509.PureEd25519,
	} {
		t.Run(string(caKey.Algorithm)+want.String(), func(t *testing.T) {
			t.Parallel()
			ca := newCA(t, "root", testKey(t, caKey), nil)
			for _, leafKey := range []KeySpec{specRSA, specP384, specEd25519} {
				key := testKey(t, leafKey)
				chain := signFor(t, certificate(func(s *cmapi.CertificateSpec) {
					s.PrivateKey, s.Usages = privateKeyFor(key), []cmapi.KeyUsage{"server auth", "digital signature"}
				}), key, ca)
				leaf := one(t, chain.Leaf)
				if leaf.SignatureAlgorithm != want || !SamePublicKey(leaf.PublicKey, key.Public()) {
					t.Errorf("%v: signed by %v", leafKey, leaf.SignatureAlgorithm)
				}
				if !bytes.Equal(leaf.AuthorityKeyId, ca.Certificates[0].SubjectKeyId) || len(leaf.SubjectKeyId) != 20 {
					t.Errorf("%v: key identifiers % x, % x", leafKey, leaf.AuthorityKeyId, leaf.SubjectKeyId)
				}
				out, err := openssl(t, map[string][]byte{"ca": chain.CA, "leaf": chain.Certificates},
					"verify", "-x509_strict", "-purpose", "sslserver", "-verify_hostname", "www.example.com", "-attime", "1772366400", "-CAfile", "ca", "leaf")
				if err != nil {
					t.Errorf("%v: %v\n%s", leafKey, err, out)
				}
			}
		})
	}
}

func TestSignBelowIntermediates(t *testing.T) {
	t.Parallel()
	root := newCA(t, "root", newKey(t, specP384), nil)
	upper := newCA(t, "upper", newKey(t, specP256), &root)
	lower := newCA(t, "lower", newKey(t, specP256), &upper)
	alone, err := ParseCA(EncodeCertificates(lower.Certificates[0]), pemKey(t, lower.Key), testNow)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		ca         KeyPair
		chain, top string
	}{
		"root":          {root, "web.example.com", "root"},
		"one between":   {upper, "web.example.com,upper", "root"},
		"two between":   {lower, "web.example.com,lower,upper", "root"},
		"made by hand":  {KeyPair{Certificates: lower.Certificates, Key: lower.Key}, "web.example.com,lower,upper", "root"},
		"root unknown":  {alone, "web.example.com,lower", "lower"},
		"root, by hand": {KeyPair{Certificates: root.Certificates, Key: root.Key}, "web.example.com", "root"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain := signFor(t, certificate(), testKey(t, specP256), c.ca)
			if got := names(t, chain.Certificates); got != c.chain {
				t.Errorf("chain %s, want %s", got, c.chain)
			}
			if got := names(t, chain.CA); got != c.top {
				t.Errorf("CA %s, want %s", got, c.top)
			}
			// NewChain must come to the same result from the parts.
			certs, err := ParseCertificates(slices.Concat(chain.CA, chain.Certificates))
			if err != nil {
				t.Fatal(err)
			}
			again, err := NewChain(one(t, chain.Leaf), certs)
			if err != nil || !cmp.Equal(again, chain) {
				t.Errorf("put together again: %v", err)
			}
			if out, err := openssl(t, map[string][]byte{"ca": chain.CA, "leaf": chain.Leaf, "chain": chain.Certificates},
				"verify", "-x509_strict", "-partial_chain", "-attime", "1772366400", "-CAfile", "ca", "-untrusted", "chain", "leaf"); err != nil {
				t.Errorf("%v\n%s", err, out)
			}
		})
	}
}

// A CA whose certificate has no subject key identifier still gets named in what
// it signs: by the identifier its key would have.
func TestSignWithoutKeyIdentifier(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "root", testKey(t, specP256), nil)
	want := ca.Certificates[0].SubjectKeyId
	plain := *ca.Certificates[0]
	plain.SubjectKeyId = nil
	chain := signFor(t, certificate(), testKey(t, specP256), KeyPair{Certificates: []*x509.Certificate{&plain}, Key: ca.Key})
	if got := one(t, chain.Leaf).AuthorityKeyId; !bytes.Equal(got, want) {
		t.Errorf("% x, want % x", got, want)
	}
}

// The end of the CA does not cut the end of the leaf.
func TestSignBeyondCA(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "root", testKey(t, specP256), nil)
	cr := requestFor(t, certificate(), testKey(t, specP256))
	template, err := Template(cr, ca.Certificates[0].NotAfter)
	if err != nil {
		t.Fatal(err)
	}
	before := *template
	chain, err := ca.Sign(template, nil)
	if err != nil {
		t.Fatal(err)
	}
	if leaf := one(t, chain.Leaf); !leaf.NotAfter.Equal(ca.Certificates[0].NotAfter.Add(90 * 24 * time.Hour)) {
		t.Errorf("ends %s", leaf.NotAfter)
	}
	if template.AuthorityKeyId != nil || template.SubjectKeyId != nil || template.SignatureAlgorithm != before.SignatureAlgorithm {
		t.Error("the template was changed")
	}
}

func TestSelfSign(t *testing.T) {
	t.Parallel()
	for spec, want := range map[KeySpec]x509.SignatureAlgorithm{specRSA: x509.SHA256WithRSA, specP521: x509.ECDSAWithSHA512, specEd25519: x509.PureEd25519} {
		key := testKey(t, spec)
		chain := selfSignedFor(t, certificate(func(s *cmapi.CertificateSpec) { s.PrivateKey = privateKeyFor(key) }), key, testNow)
		leaf := one(t, chain.Leaf)
		if leaf.SignatureAlgorithm != want || !bytes.Equal(chain.Leaf, chain.CA) || !bytes.Equal(chain.Leaf, chain.Certificates) {
			t.Errorf("%v: %v", spec, leaf.SignatureAlgorithm)
		}
		if out, err := openssl(t, map[string][]byte{"crt": chain.Leaf}, "verify", "-attime", "1772366400", "-check_ss_sig", "-CAfile", "crt", "crt"); err != nil {
			t.Errorf("%v: %v\n%s", spec, err, out)
		}
	}
	// What the user asked for in signatureAlgorithm is kept.
	leaf := one(t, selfSignedFor(t, certificate(func(s *cmapi.CertificateSpec) { s.SignatureAlgorithm = cmapi.ECDSAWithSHA512 }), testKey(t, specP256), testNow).Leaf)
	if leaf.SignatureAlgorithm != x509.ECDSAWithSHA512 {
		t.Errorf("signed by %v", leaf.SignatureAlgorithm)
	}
	template, err := Template(requestFor(t, certificate(), testKey(t, specP256)), testNow)
	if err != nil {
		t.Fatal(err)
	}
	_, err = SelfSign(template, testKey(t, specP384))
	if want := "self-sign: the private key is not the one that made the request: a certificate can only sign itself with its own key"; errorText(err) != want {
		t.Errorf("another key: %v", err)
	}
}

// A CA with name constraints: OpenSSL and Go accept a leaf inside and refuse
// one outside.
func TestNameConstraintsByVerification(t *testing.T) {
	t.Parallel()
	ca := newCA(t, "root", newKey(t, specP256), nil, func(s *cmapi.CertificateSpec) {
		s.NameConstraints = &cmapi.NameConstraints{
			Critical:  true,
			Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"example.com"}, IPRanges: []string{"192.0.2.0/24"}, EmailAddresses: []string{"example.com"}, URIDomains: []string{".example.com"}},
			Excluded:  &cmapi.NameConstraintItem{DNSDomains: []string{"secret.example.com"}},
		}
	})
	for name, c := range map[string]struct {
		edit func(*cmapi.CertificateSpec)
		ok   bool
	}{
		"inside":          {func(s *cmapi.CertificateSpec) {}, true},
		"outside":         {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"www.example.org"} }, false},
		"excluded":        {func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"a.secret.example.com"} }, false},
		"address inside":  {func(s *cmapi.CertificateSpec) { s.IPAddresses = []string{"192.0.2.7"} }, true},
		"address outside": {func(s *cmapi.CertificateSpec) { s.IPAddresses = []string{"192.0.3.7"} }, false},
		"e-mail inside":   {func(s *cmapi.CertificateSpec) { s.EmailAddresses = []string{"a@example.com"} }, true},
		"e-mail outside":  {func(s *cmapi.CertificateSpec) { s.EmailAddresses = []string{"a@example.org"} }, false},
		"URI inside":      {func(s *cmapi.CertificateSpec) { s.URIs = []string{"https://a.example.com/x"} }, true},
		"URI outside":     {func(s *cmapi.CertificateSpec) { s.URIs = []string{"https://example.org/x"} }, false},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			chain := signFor(t, certificate(func(s *cmapi.CertificateSpec) { s.CommonName = ""; s.DNSNames = []string{"www.example.com"} }, c.edit), testKey(t, specP256), ca)
			out, err := openssl(t, map[string][]byte{"ca": chain.CA, "leaf": chain.Leaf}, "verify", "-x509_strict", "-attime", "1772366400", "-CAfile", "ca", "leaf")
			if (err == nil) != c.ok || !c.ok && !strings.Contains(out, "subtree violation") {
				t.Errorf("openssl: %v\n%s", err, out)
			}
			roots := x509.NewCertPool()
			roots.AddCert(ca.Certificates[0])
			_, err = one(t, chain.Leaf).Verify(x509.VerifyOptions{Roots: roots, CurrentTime: testNow})
			if (err == nil) != c.ok {
				t.Errorf("Go: %v", err)
			}
		})
	}
}

func TestSignRefuses(t *testing.T) {
	t.Parallel()
	template, err := Template(requestFor(t, certificate(), testKey(t, specP256)), testNow)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := (KeyPair{}).Sign(template, nil); errorText(err) != "sign: the CA has no certificate or no key" {
		t.Errorf("empty pair: %v", err)
	}
	ca := newCA(t, "root", testKey(t, specP256), nil)
	if _, err := ca.Sign(template, "key"); err == nil {
		t.Error("a text was put into a certificate as public key")
	}
}
