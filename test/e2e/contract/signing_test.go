package contract

import (
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/e2e/suite"
)

// TestNameConstraints has certwright make a CA that is bound to some names, and
// sign with it; openssl judges what the names are worth.
func TestNameConstraints(t *testing.T) {
	s := space(t)
	root := s.CA("root")
	bound := s.Issue("bound", suite.IssuerRef("root"), func(crt *cmapi.Certificate) {
		crt.Spec.IsCA, crt.Spec.CommonName, crt.Spec.DNSNames = true, "bound", nil
		crt.Spec.NameConstraints = &cmapi.NameConstraints{
			Critical:  true,
			Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"example.com"}, IPRanges: []string{"192.0.2.0/24"}, EmailAddresses: []string{"example.com"}, URIDomains: []string{".example.com"}},
			Excluded:  &cmapi.NameConstraintItem{DNSDomains: []string{"secret.example.com"}, IPRanges: []string{"192.0.2.128/25"}},
		}
	})
	s.CreateIssuer("bound", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "bound"}})
	s.IssuerReady("bound")
	d := newDesk(s)
	d.put("root", pemOf(root.Certificate))
	d.put("bound", pemOf(bound.Leaf))
	s.Mentions(d.run("openssl", "x509", "-in", "bound", "-noout", "-ext", "nameConstraints"),
		"critical", "Permitted:", "DNS:example.com", "IP:192.0.2.0/255.255.255.0", "email:example.com", "URI:.example.com",
		"Excluded:", "DNS:secret.example.com", "IP:192.0.2.128/255.255.255.128")

	for name, row := range map[string]struct {
		edit    suite.Edit
		refused string
	}{
		"allowed": {edit: func(crt *cmapi.Certificate) {
			crt.Spec.DNSNames, crt.Spec.IPAddresses = []string{"shop.example.com"}, []string{"192.0.2.1"}
			crt.Spec.EmailAddresses, crt.Spec.URIs = []string{"a@example.com"}, []string{"spiffe://a.example.com/sa"}
		}},
		"other-domain":     {func(crt *cmapi.Certificate) { crt.Spec.DNSNames = []string{"example.org"} }, "permitted subtree violation"},
		"other-address":    {func(crt *cmapi.Certificate) { crt.Spec.IPAddresses = []string{"198.51.100.1"} }, "permitted subtree violation"},
		"other-mail":       {func(crt *cmapi.Certificate) { crt.Spec.EmailAddresses = []string{"a@example.org"} }, "permitted subtree violation"},
		"excluded-domain":  {func(crt *cmapi.Certificate) { crt.Spec.DNSNames = []string{"a.secret.example.com"} }, "excluded subtree violation"},
		"excluded-address": {func(crt *cmapi.Certificate) { crt.Spec.IPAddresses = []string{"192.0.2.200"} }, "excluded subtree violation"},
	} {
		s.Create(name, suite.IssuerRef("bound"), row.edit)
		s.Ready(name)
		secret := s.AwaitSecret(name, filled)
		d.put(name, secret.Data["tls.crt"])
		verify := []string{"verify", "-CAfile", "root", "-untrusted", "bound", name}
		if row.refused == "" {
			d.run("openssl", verify...)
		} else {
			d.refuses(row.refused, "openssl", verify...)
		}
	}
}

// TestSignatureAlgorithms: the key signs its own request by it, and its own
// certificate where it is its own issuer.
func TestSignatureAlgorithms(t *testing.T) {
	t.Parallel()
	for algorithm, row := range map[cmapi.SignatureAlgorithm]struct {
		key  cmapi.CertificatePrivateKey
		name string // as openssl has it
	}{
		cmapi.SHA256WithRSA:   {cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm}, "sha256WithRSAEncryption"},
		cmapi.SHA384WithRSA:   {cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm}, "sha384WithRSAEncryption"},
		cmapi.SHA512WithRSA:   {cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm}, "sha512WithRSAEncryption"},
		cmapi.ECDSAWithSHA256: {cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 521}, "ecdsa-with-SHA256"},
		cmapi.ECDSAWithSHA384: {cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 256}, "ecdsa-with-SHA384"},
		cmapi.ECDSAWithSHA512: {cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: 384}, "ecdsa-with-SHA512"},
		cmapi.PureEd25519:     {cmapi.CertificatePrivateKey{Algorithm: cmapi.Ed25519KeyAlgorithm}, "ED25519"},
	} {
		t.Run(string(algorithm), func(t *testing.T) {
			s := space(t)
			s.SelfSigned("self")
			got := s.Issue("web", suite.IssuerRef("self"), func(crt *cmapi.Certificate) {
				crt.Spec.SignatureAlgorithm, crt.Spec.PrivateKey = algorithm, &row.key
				crt.Spec.CommonName = "web"
			})
			d := newDesk(s)
			d.put("leaf", got.Secret.Data["tls.crt"])
			d.put("csr", s.AllRequests()[0].Spec.Request)
			for _, out := range []string{
				d.run("openssl", "x509", "-in", "leaf", "-noout", "-text"),
				d.run("openssl", "req", "-in", "csr", "-noout", "-text", "-verify"),
			} {
				if !strings.Contains(out, "Signature Algorithm: "+row.name) {
					t.Errorf("it is not signed by %s:\n%s", row.name, out)
				}
			}
			d.run("openssl", "verify", "-CAfile", "leaf", "leaf")
		})
	}
}

// TestUsagesInTheRequest: some CAs refuse a request that names usages. The
// certificate has them all the same.
func TestUsagesInTheRequest(t *testing.T) {
	s := space(t)
	s.CA("ca")
	for name, encode := range map[string]*bool{"default": nil, "with": ptr.To(true), "without": ptr.To(false)} {
		got := s.Issue(name, suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
			crt.Spec.EncodeUsagesInRequest = encode
			crt.Spec.Usages = []cmapi.KeyUsage{cmapi.UsageDigitalSignature, cmapi.UsageServerAuth}
		})
		d := newDesk(s)
		d.put("leaf", got.Secret.Data["tls.crt"])
		s.Mentions(d.run("openssl", "x509", "-in", "leaf", "-noout", "-text"), "Key Usage: critical", "Digital Signature", "TLS Web Server Authentication")
		d.put("csr", s.AwaitRequest(name+"-1", func(*cmapi.CertificateRequest) bool { return true }).Spec.Request)
		out := d.run("openssl", "req", "-in", "csr", "-noout", "-text")
		for _, usage := range []string{"Digital Signature", "TLS Web Server Authentication"} {
			if has := strings.Contains(out, usage); has == (name == "without") {
				t.Errorf("%s: the request has %q: %t", name, usage, has)
			}
		}
	}
}
