package certificates_test

import (
	"crypto/x509"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Every field that the certificate depends on has it issued anew when it is
// edited, and the event names it. The reference forgets nameConstraints,
// signatureAlgorithm and encodeUsagesInRequest.
func TestEditsThatIssueAnew(t *testing.T) {
	t.Parallel()
	no := false
	subject := func(s cmapi.X509Subject) func(*cmapi.CertificateSpec) {
		return func(spec *cmapi.CertificateSpec) { spec.Subject = &s }
	}
	for field, row := range map[string]struct {
		edit func(*cmapi.CertificateSpec)
		leaf func(*x509.Certificate) bool // whether the new certificate follows the edit
	}{
		"spec.commonName": {func(s *cmapi.CertificateSpec) { s.CommonName = "new" },
			func(c *x509.Certificate) bool { return c.Subject.CommonName == "new" }},
		"spec.dnsNames": {func(s *cmapi.CertificateSpec) { s.DNSNames = append(s.DNSNames, "*.example.com") },
			func(c *x509.Certificate) bool { return len(c.DNSNames) == 2 }},
		"spec.ipAddresses": {func(s *cmapi.CertificateSpec) { s.IPAddresses = []string{"192.0.2.1", "2001:db8::1"} },
			func(c *x509.Certificate) bool { return len(c.IPAddresses) == 2 }},
		"spec.uris": {func(s *cmapi.CertificateSpec) { s.URIs = []string{"spiffe://example.org/web"} },
			func(c *x509.Certificate) bool { return len(c.URIs) == 1 }},
		"spec.emailAddresses": {func(s *cmapi.CertificateSpec) { s.EmailAddresses = []string{"web@example.com"} },
			func(c *x509.Certificate) bool { return len(c.EmailAddresses) == 1 }},
		"spec.otherNames": {func(s *cmapi.CertificateSpec) {
			s.OtherNames = []cmapi.OtherName{{OID: "1.3.6.1.4.1.311.20.2.3", UTF8Value: "web@example.com"}}
		}, func(c *x509.Certificate) bool { return strings.Contains(string(c.Raw), "web@example.com") }},
		"spec.literalSubject": {func(s *cmapi.CertificateSpec) { s.CommonName, s.LiteralSubject = "", "CN=web,O=Shop" },
			func(c *x509.Certificate) bool { return c.Subject.String() == "CN=web,O=Shop" }},
		"spec.subject.organizations": {subject(cmapi.X509Subject{Organizations: []string{"Shop"}}),
			func(c *x509.Certificate) bool { return c.Subject.Organization[0] == "Shop" }},
		"spec.subject.organizationalUnits": {subject(cmapi.X509Subject{OrganizationalUnits: []string{"Web"}}),
			func(c *x509.Certificate) bool { return c.Subject.OrganizationalUnit[0] == "Web" }},
		"spec.subject.countries": {subject(cmapi.X509Subject{Countries: []string{"DE"}}),
			func(c *x509.Certificate) bool { return c.Subject.Country[0] == "DE" }},
		"spec.subject.provinces": {subject(cmapi.X509Subject{Provinces: []string{"BW"}}),
			func(c *x509.Certificate) bool { return c.Subject.Province[0] == "BW" }},
		"spec.subject.localities": {subject(cmapi.X509Subject{Localities: []string{"Ulm"}}),
			func(c *x509.Certificate) bool { return c.Subject.Locality[0] == "Ulm" }},
		"spec.subject.postalCodes": {subject(cmapi.X509Subject{PostalCodes: []string{"89073"}}),
			func(c *x509.Certificate) bool { return c.Subject.PostalCode[0] == "89073" }},
		"spec.subject.streetAddresses": {subject(cmapi.X509Subject{StreetAddresses: []string{"Main Street 1"}}),
			func(c *x509.Certificate) bool { return c.Subject.StreetAddress[0] == "Main Street 1" }},
		"spec.subject.serialNumber": {subject(cmapi.X509Subject{SerialNumber: "42"}),
			func(c *x509.Certificate) bool { return c.Subject.SerialNumber == "42" }},
		"spec.duration": {func(s *cmapi.CertificateSpec) { s.Duration = &metav1.Duration{Duration: 24 * time.Hour} },
			func(c *x509.Certificate) bool { return c.NotAfter.Sub(handlertest.Now) < 25*time.Hour }},
		"spec.usages": {func(s *cmapi.CertificateSpec) { s.Usages = []cmapi.KeyUsage{cmapi.UsageClientAuth} },
			func(c *x509.Certificate) bool { return c.ExtKeyUsage[0] == x509.ExtKeyUsageClientAuth }},
		"spec.isCA": {func(s *cmapi.CertificateSpec) { s.IsCA = true },
			func(c *x509.Certificate) bool { return c.IsCA }},
		"spec.encodeUsagesInRequest": {func(s *cmapi.CertificateSpec) { s.EncodeUsagesInRequest = &no },
			func(c *x509.Certificate) bool { return c.KeyUsage&x509.KeyUsageDigitalSignature != 0 }},
		"spec.signatureAlgorithm": {func(s *cmapi.CertificateSpec) { s.SignatureAlgorithm = cmapi.ECDSAWithSHA512 },
			func(*x509.Certificate) bool { return true }}, // the CA's key decides on its signature
		"spec.nameConstraints": {func(s *cmapi.CertificateSpec) {
			s.IsCA = true
			s.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"example.com"}}}
		}, func(c *x509.Certificate) bool { return len(c.PermittedDNSDomains) == 1 }},
		"spec.privateKey.algorithm": {func(s *cmapi.CertificateSpec) { s.PrivateKey.Algorithm = cmapi.Ed25519KeyAlgorithm },
			func(c *x509.Certificate) bool { return c.PublicKeyAlgorithm == x509.Ed25519 }},
		"spec.privateKey.size": {func(s *cmapi.CertificateSpec) { s.PrivateKey.Size = 384 },
			func(c *x509.Certificate) bool { return c.PublicKeyAlgorithm == x509.ECDSA }},
	} {
		t.Run(field, func(t *testing.T) {
			t.Parallel()
			w, p, _ := settled(t)
			edit(w, row.edit)
			p.Settle()
			w.Wrote(reissue...)
			if len(w.Events) == 0 || !strings.Contains(w.Events[0], field) {
				t.Errorf("the event does not name %s: %q", field, w.Events)
			}
			isReady(t, w, 2, "ca-pair")
			if leaf := served(t, w.Secret("web-tls")); !row.leaf(leaf) {
				t.Errorf("the new certificate does not follow the edit: %s", leaf.Subject)
			}
		})
	}
}

// Edits that leave the certificate as it is write no more than they must: the
// status, which names the generation of the spec that it is of.
func TestEditsThatIssueNothing(t *testing.T) {
	t.Parallel()
	yes, two := true, int32(2)
	for name, change := range map[string]func(*cmapi.CertificateSpec){
		"renewBefore":               func(s *cmapi.CertificateSpec) { s.RenewBefore = &metav1.Duration{Duration: day} },
		"revisionHistoryLimit":      func(s *cmapi.CertificateSpec) { s.RevisionHistoryLimit = &two },
		"policy Disabled":           func(s *cmapi.CertificateSpec) { s.Renewal = &cmapi.CertificateRenewal{Policy: "Disabled"} },
		"rotationPolicy":            func(s *cmapi.CertificateSpec) { s.PrivateKey.RotationPolicy = cmapi.RotationPolicyNever },
		"default duration":          func(s *cmapi.CertificateSpec) { s.Duration = &metav1.Duration{Duration: 90 * day} },
		"default size":              func(s *cmapi.CertificateSpec) { s.PrivateKey.Size = 256 },
		"default encoding":          func(s *cmapi.CertificateSpec) { s.PrivateKey.Encoding = cmapi.PKCS1 },
		"default usages":            func(s *cmapi.CertificateSpec) { s.Usages = cmapi.DefaultKeyUsages() },
		"default signature":         func(s *cmapi.CertificateSpec) { s.SignatureAlgorithm = cmapi.ECDSAWithSHA256 },
		"default encodeUsages":      func(s *cmapi.CertificateSpec) { s.EncodeUsagesInRequest = &yes },
		"a name twice":              func(s *cmapi.CertificateSpec) { s.DNSNames = append(s.DNSNames, s.DNSNames[0]) },
		"subject without any entry": func(s *cmapi.CertificateSpec) { s.Subject = &cmapi.X509Subject{} },
		"issuer's kind spelled out": func(s *cmapi.CertificateSpec) { s.IssuerRef.Kind = "Issuer" },
		"an empty template":         func(s *cmapi.CertificateSpec) { s.SecretTemplate = &cmapi.CertificateSecretTemplate{} },
		"keystores not to be made":  func(s *cmapi.CertificateSpec) { s.Keystores = &cmapi.CertificateKeystores{} },
		"formats none of them": func(s *cmapi.CertificateSpec) {
			s.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{}
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p, _ := settled(t)
			generation := w.Certificate("web").Generation
			edit(w, change)
			p.Settle()
			if w.Certificate("web").Generation == generation {
				w.Wrote() // an edit that is none
			} else {
				w.Wrote("update certificates/status web")
			}
			w.Told()
			isReady(t, w, 1, "ca-pair")
		})
	}
}

// It is the same issuer: what the Secret says about it stays.
func TestIssuerGroupSpelledOut(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	edit(w, func(s *cmapi.CertificateSpec) { s.IssuerRef.Group = "cert-manager.io" })
	p.Settle()
	w.Wrote("update certificates/status web")
	w.Told()
	isReady(t, w, 1, "ca-pair")
}

func TestAnotherIssuer(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	second := handlertest.NewAuthority(t, "Second CA")
	w.Create(handlertest.CAIssuer("second", "second-pair"), handlertest.PairSecret(t, "second-pair", second))
	edit(w, func(s *cmapi.CertificateSpec) { s.IssuerRef = cmmeta.IssuerReference{Name: "second"} })
	p.Settle()
	w.Wrote(reissue...)
	w.Told(`Certificate/web Normal Issuing: Issuing certificate as Secret was previously issued by "Issuer.cert-manager.io/ca"`,
		"CertificateRequest/web-2 Normal CertificateIssued: ", "Certificate/web Normal Issuing: ")
	isReady(t, w, 2, "ca-pair", "second-pair")
	if leaf := served(t, w.Secret("web-tls")); leaf.Issuer.CommonName != "Second CA" {
		t.Errorf("issued by %s, want Second CA", leaf.Issuer)
	}
}

// Another Secret is filled; the old one stays, because somebody may use it.
func TestAnotherSecret(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	edit(w, func(s *cmapi.CertificateSpec) { s.SecretName = "web-new" })
	p.Settle()
	want := append([]string{}, reissue...)
	want[2] = "apply secrets web-new"
	w.Wrote(want...)
	isReady(t, w, 2, "ca-pair", "web-tls")
}

// Edits while a request waits: it is made anew at once for what is asked now.
func TestEditWhileTheRequestWaits(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.Web(external))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	w.Forget()
	edit(w, func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"new.example.com"} })
	p.Settle()
	w.Wrote(
		"delete certificaterequests web-1",
		"update certificates/status web",
		"create certificaterequests web-1",
		"update certificaterequests/status web-1",
	)
	signer{handlertest.NewAuthority(t, "PCA")}.signs(t, w)
	p.Settle()
	isReady(t, w, 1)
}

// Another key is asked for while a request waits: the one kept makes room.
func TestAnotherKeyWhileTheRequestWaits(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.Web(external))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	edit(w, func(s *cmapi.CertificateSpec) { s.PrivateKey.Size = 384 })
	p.Settle()
	signer{handlertest.NewAuthority(t, "PCA")}.signs(t, w)
	p.Settle()
	isReady(t, w, 1)
}
