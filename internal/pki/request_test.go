package pki

import (
	"crypto/x509"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
)

// everything sets every field of a spec that a request can carry.
func everything(s *cmapi.CertificateSpec) {
	s.Subject = &cmapi.X509Subject{
		Organizations: []string{"Acme, Inc.", "Other"}, Countries: []string{"DE"}, OrganizationalUnits: []string{"Unit"},
		Localities: []string{"Walldorf"}, Provinces: []string{"BW"}, StreetAddresses: []string{"Weg 1"},
		PostalCodes: []string{"69190"}, SerialNumber: "42",
	}
	s.IPAddresses = []string{"192.0.2.1", "2001:db8::1", "::ffff:192.0.2.2"}
	s.URIs = []string{"spiffe://example.org/ns/a/sa/b", "urn:x:y"}
	s.EmailAddresses = []string{"web@example.com"}
	s.OtherNames = []cmapi.OtherName{{OID: "1.3.6.1.4.1.311.20.2.3", UTF8Value: "web@ad.example.com"}, {OID: "2.25.329800735698586629295641978511506172918", UTF8Value: "ü"}}
	s.IsCA = true
	s.Usages = []cmapi.KeyUsage{"digital signature", "crl sign", "server auth", "client auth"}
	s.SignatureAlgorithm = cmapi.ECDSAWithSHA512
	s.NameConstraints = &cmapi.NameConstraints{
		Critical:  true,
		Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"example.com"}, IPRanges: []string{"192.0.2.0/24", "2001:db8::/32"}, EmailAddresses: []string{".example.com"}, URIDomains: []string{"example.org"}},
		Excluded:  &cmapi.NameConstraintItem{DNSDomains: []string{"secret.example.com"}},
	}
}

var blanks = regexp.MustCompile(`\s+`)

// What OpenSSL reads in a request that carries everything.
func TestRequestByOpenSSL(t *testing.T) {
	t.Parallel()
	csr, err := NewRequest(certificate(everything), testKey(t, specP256))
	if err != nil {
		t.Fatal(err)
	}
	out, err := openssl(t, map[string][]byte{"csr": csr}, "req", "-in", "csr", "-verify", "-noout", "-text", "-nameopt", "sep_comma_plus,esc_2253")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out = blanks.ReplaceAllString(out, " ")
	for _, want := range []string{
		"self-signature verify OK",
		`Subject: C=DE,ST=BW,L=Walldorf,street=Weg 1,postalCode=69190,O=Other+O=Acme\, Inc.,OU=Unit,CN=web.example.com,serialNumber=42`,
		"Signature Algorithm: ecdsa-with-SHA512",
		"X509v3 Key Usage: critical Digital Signature, Certificate Sign, CRL Sign",
		"X509v3 Extended Key Usage: TLS Web Server Authentication, TLS Web Client Authentication",
		"X509v3 Basic Constraints: critical CA:TRUE ",
		"X509v3 Subject Alternative Name: DNS:web.example.com, DNS:www.example.com, email:web@example.com, URI:spiffe://example.org/ns/a/sa/b, URI:urn:x:y, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, IP Address:192.0.2.2, othername:",
		"X509v3 Name Constraints: critical Permitted: DNS:example.com email:.example.com URI:example.org IP:192.0.2.0/255.255.255.0 IP:2001:DB8:0:0:0:0:0:0/FFFF:FFFF:0:0:0:0:0:0 Excluded: DNS:secret.example.com",
	} {
		if !strings.Contains(out, want) {
			t.Errorf("missing: %s", want)
		}
	}
	if t.Failed() {
		t.Log(out)
	}
}

// The other names byte by byte, as openssl asn1parse shows their content.
func TestOtherNamesByOpenSSL(t *testing.T) {
	t.Parallel()
	csr, err := NewRequest(certificate(func(s *cmapi.CertificateSpec) {
		s.DNSNames, s.OtherNames = nil, []cmapi.OtherName{{OID: "1.3.6.1.4.1.311.20.2.3", UTF8Value: "upn@ad"}}
	}), testKey(t, specP256))
	if err != nil {
		t.Fatal(err)
	}
	out, err := openssl(t, map[string][]byte{"csr": csr}, "req", "-in", "csr", "-noout", "-text")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if !strings.Contains(out, "UPN") || !strings.Contains(out, "upn@ad") {
		t.Errorf("no UPN in\n%s", out)
	}
	parsed, err := ParseRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{
		0x30, 0x18, // SEQUENCE OF GeneralName
		0xa0, 0x16, // [0] otherName
		0x06, 0x0a, 0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x14, 0x02, 0x03, // OBJECT IDENTIFIER
		0xa0, 0x08, // [0] EXPLICIT
		0x0c, 0x06, 'u', 'p', 'n', '@', 'a', 'd', // UTF8String
	}
	if got := extension(parsed.Extensions, oidSubjectAltName); got == nil || !cmp.Equal(got.Value, want) {
		t.Errorf("% x\nwant % x", got.Value, want)
	}
}

func TestRequestSubject(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		edit    func(*cmapi.CertificateSpec)
		subject string // as openssl prints it, in the order of the certificate
		sanMark string
	}{
		"common name": {func(*cmapi.CertificateSpec) {}, "CN=web.example.com", "Subject Alternative Name: DNS:"},
		"literal": {func(s *cmapi.CertificateSpec) {
			s.CommonName, s.LiteralSubject = "", `CN=foo+UID=1,OU=Ünit,DC=corp,DC=example,C=DE`
		}, `C=DE,DC=example,DC=corp,OU=\C3\9Cnit,CN=foo+UID=1`, "Subject Alternative Name: DNS:"},
		"none": {func(s *cmapi.CertificateSpec) { s.CommonName = "" }, "", "Subject Alternative Name: critical DNS:"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			csr, err := NewRequest(certificate(c.edit), testKey(t, specP256))
			if err != nil {
				t.Fatal(err)
			}
			out, err := openssl(t, map[string][]byte{"csr": csr}, "req", "-in", "csr", "-noout", "-text", "-nameopt", "sep_comma_plus,esc_2253,esc_msb,utf8")
			if err != nil {
				t.Fatalf("%v\n%s", err, out)
			}
			out = blanks.ReplaceAllString(out, " ")
			if !strings.Contains(out, "Subject: "+c.subject+" Subject Public Key") && !strings.Contains(out, "Subject:"+c.subject+" Subject Public Key") || !strings.Contains(out, c.sanMark) {
				t.Errorf("want %q and %q in\n%s", c.subject, c.sanMark, out)
			}
		})
	}
}

// A domain component is an IA5String (tag 22), a country a PrintableString (19),
// text outside ASCII a UTF8String (12).
func TestLiteralSubjectStringTypes(t *testing.T) {
	t.Parallel()
	csr, err := NewRequest(certificate(func(s *cmapi.CertificateSpec) {
		s.CommonName, s.LiteralSubject = "", "CN=ü,DC=a,C=DE"
	}), testKey(t, specP256))
	if err != nil {
		t.Fatal(err)
	}
	parsed, err := ParseRequest(csr)
	if err != nil {
		t.Fatal(err)
	}
	want := []byte{
		0x30, 0x2d,
		0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x06, 0x13, 0x02, 'D', 'E',
		0x31, 0x11, 0x30, 0x0f, 0x06, 0x0a, 0x09, 0x92, 0x26, 0x89, 0x93, 0xf2, 0x2c, 0x64, 0x01, 0x19, 0x16, 0x01, 'a',
		0x31, 0x0b, 0x30, 0x09, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x02, 0xc3, 0xbc,
	}
	if !cmp.Equal(parsed.RawSubject, want) {
		t.Errorf("% x\nwant % x", parsed.RawSubject, want)
	}
}

func TestRequestWithoutUsages(t *testing.T) {
	t.Parallel()
	no := false
	parsed, err := ParseRequest(requestFor(t, certificate(func(s *cmapi.CertificateSpec) {
		s.EncodeUsagesInRequest, s.Usages = &no, []cmapi.KeyUsage{"server auth"}
	}), testKey(t, specP256)).Spec.Request)
	if err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, e := range parsed.Extensions {
		ids = append(ids, e.Id.String())
	}
	if !cmp.Equal(ids, []string{"2.5.29.17"}) {
		t.Errorf("extensions %v, want the alternative names only", ids)
	}
}

func TestRequestSignatureAlgorithm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		key  KeySpec
		spec cmapi.SignatureAlgorithm
		want x509.SignatureAlgorithm
	}{
		{specRSA, "", x509.SHA256WithRSA},
		{specRSA, cmapi.SHA512WithRSA, x509.SHA512WithRSA},
		{specP256, "", x509.ECDSAWithSHA256},
		{specP384, "", x509.ECDSAWithSHA384},
		{specP521, "", x509.ECDSAWithSHA512},
		{specP521, cmapi.ECDSAWithSHA256, x509.ECDSAWithSHA256},
		{specEd25519, "", x509.PureEd25519},
		{specEd25519, cmapi.PureEd25519, x509.PureEd25519},
	} {
		key := testKey(t, c.key)
		parsed, err := ParseRequest(requestFor(t, certificate(func(s *cmapi.CertificateSpec) { s.SignatureAlgorithm = c.spec }), key).Spec.Request)
		if err != nil || parsed.SignatureAlgorithm != c.want {
			t.Errorf("%v %s: %v, %v", c.key, c.spec, parsed.SignatureAlgorithm, err)
		}
	}
}

func TestNewRequestRefuses(t *testing.T) {
	t.Parallel()
	for want, edit := range map[string]func(*cmapi.CertificateSpec){
		`spec.signatureAlgorithm: "SHA256WithRSA": a key of spec.privateKey.algorithm ECDSA cannot make it: use ECDSAWithSHA256, ECDSAWithSHA384, ECDSAWithSHA512, or leave it out`: func(s *cmapi.CertificateSpec) {
			s.SignatureAlgorithm = cmapi.SHA256WithRSA
		},
		`spec.literalSubject: at byte 0: the attribute type "X" is not known: use CN, O, OU, C, L, ST, STREET, DC, UID or SERIALNUMBER`: func(s *cmapi.CertificateSpec) {
			s.LiteralSubject = "X=1"
		},
		`spec.dnsNames[1]: only ASCII characters can stand in a certificate here: write an international domain name in its xn-- form`: func(s *cmapi.CertificateSpec) {
			s.DNSNames = []string{"a", "münchen.de"}
		},
		`spec.ipAddresses[0]: "1.2.3" is not an IP address`: func(s *cmapi.CertificateSpec) { s.IPAddresses = []string{"1.2.3"} },
		`spec.otherNames[0].oid: "1.x": it is not an object identifier: write numbers with dots, such as 1.3.6.1.4.1.311.20.2.3`: func(s *cmapi.CertificateSpec) {
			s.OtherNames = []cmapi.OtherName{{OID: "1.x", UTF8Value: "a"}}
		},
		`spec.usages[0]: "none" is not a usage: use one of the names of the API, such as "server auth" or "digital signature"`: func(s *cmapi.CertificateSpec) {
			s.Usages = []cmapi.KeyUsage{"none"}
		},
		`spec.nameConstraints.permitted.ipRanges[0]: "10.0.0.0" is not an address range: write it as 10.0.0.0/8 or fd00::/8`: func(s *cmapi.CertificateSpec) {
			s.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{IPRanges: []string{"10.0.0.0"}}}
		},
		`spec.nameConstraints.excluded.uriDomains[0]: only ASCII characters can stand in a certificate here: write an international domain name in its xn-- form`: func(s *cmapi.CertificateSpec) {
			s.NameConstraints = &cmapi.NameConstraints{Excluded: &cmapi.NameConstraintItem{URIDomains: []string{"ü"}}}
		},
	} {
		_, err := NewRequest(certificate(edit), testKey(t, specP256))
		if errorText(err) != want {
			t.Errorf("error = %v\nwant    %s", err, want)
		}
	}
}

// A request with some hundred names is made and recognized; one that no parser
// here would take is refused.
func TestManyNames(t *testing.T) {
	t.Parallel()
	many := func(n int) *cmapi.Certificate {
		return certificate(func(s *cmapi.CertificateSpec) {
			for i := range n {
				s.DNSNames = append(s.DNSNames, fmt.Sprintf("host-%04d.example.com", i))
			}
		})
	}
	crt := many(900)
	cr := requestFor(t, crt, testKey(t, specP256))
	crt.Spec.DNSNames[0], crt.Spec.DNSNames[899] = crt.Spec.DNSNames[899], crt.Spec.DNSNames[0]
	if got := RequestViolations(cr, crt); got != nil {
		t.Errorf("reordered: %v", got)
	}
	crt.Spec.DNSNames[5] = "other"
	if got := RequestViolations(cr, crt); !cmp.Equal(got, []string{"spec.dnsNames"}) {
		t.Errorf("one name changed: %v", got)
	}
	_, err := NewRequest(many(4000), testKey(t, specP256))
	if !errors.Is(err, ErrTooLarge) || !strings.HasSuffix(errorText(err), "at most 80000 are read: spread the names over several Certificates") {
		t.Errorf("error = %v", err)
	}
}
