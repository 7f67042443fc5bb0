package pki

import (
	"bytes"
	"crypto"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// rareSAN has, besides a DNS name, the kinds of names that Go has no field for:
// an otherName that is no UTF8String, a directoryName and a registeredID.
var rareSAN = []byte{
	0x30, 0x2e,
	0x82, 0x01, 'a',
	0xa0, 0x0d, 0x06, 0x03, 0x2a, 0x03, 0x04, 0xa0, 0x06, 0x04, 0x04, 1, 2, 3, 4,
	0xa4, 0x15, 0x30, 0x13, 0x31, 0x11, 0x30, 0x0f, 0x06, 0x03, 0x55, 0x04, 0x03, 0x0c, 0x08, 'd', 'i', 'r', '.', 'n', 'a', 'm', 'e',
	0x88, 0x03, 0x2a, 0x03, 0x04,
}

func rareNames(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	return customRequest(t, key, pkix.Name{}, pkix.Extension{Id: oidSubjectAltName, Value: rareSAN})
}

func customRequest(t testing.TB, key crypto.Signer, subject pkix.Name, list ...pkix.Extension) []byte {
	t.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, &x509.CertificateRequest{Subject: subject, ExtraExtensions: list}, key)
	if err != nil {
		t.Fatal(err)
	}
	return pemBlock("CERTIFICATE REQUEST", der)
}

func TestTemplate(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 999, time.FixedZone("x", 3600))
	got, err := Template(requestFor(t, certificate(everything, func(s *cmapi.CertificateSpec) {
		s.Duration = &metav1.Duration{Duration: 36 * time.Hour}
	}), testKey(t, specP256)), now)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 3, 1, 10, 55, 0, 0, time.UTC); got.NotBefore != want {
		t.Errorf("begins %s, want %s", got.NotBefore, want)
	}
	if want := time.Date(2026, 3, 2, 23, 0, 0, 0, time.UTC); got.NotAfter != want {
		t.Errorf("ends %s, want %s", got.NotAfter, want)
	}
	if got.KeyUsage != 1|32|64 || !cmp.Equal(got.ExtKeyUsage, []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}) {
		t.Errorf("usages %d %v", got.KeyUsage, got.ExtKeyUsage)
	}
	if !got.BasicConstraintsValid || !got.IsCA || got.MaxPathLen != -1 || got.MaxPathLenZero {
		t.Errorf("basic constraints %t %t %d %t", got.BasicConstraintsValid, got.IsCA, got.MaxPathLen, got.MaxPathLenZero)
	}
	if !SamePublicKey(got.PublicKey, testKey(t, specP256).Public()) {
		t.Error("another public key")
	}
	if !cmp.Equal(got.DNSNames, []string{"web.example.com", "www.example.com"}) || got.Subject.CommonName != "web.example.com" {
		t.Errorf("names %v %v", got.DNSNames, got.Subject)
	}
}

func TestTemplateDefaults(t *testing.T) {
	t.Parallel()
	got, err := Template(requestFor(t, certificate(), testKey(t, specP256)), testNow)
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 5, 30, 12, 0, 0, 0, time.UTC); got.NotAfter != want {
		t.Errorf("ends %s, want %s: 90 days", got.NotAfter, want)
	}
	if got.KeyUsage != 1|4 || got.ExtKeyUsage != nil || got.IsCA || !got.BasicConstraintsValid || got.MaxPathLen != 0 {
		t.Errorf("usages %d %v, CA %t", got.KeyUsage, got.ExtKeyUsage, got.IsCA)
	}
}

// Serial numbers: positive, at most 20 bytes, random in about 128 bits.
func TestTemplateSerial(t *testing.T) {
	t.Parallel()
	cr := requestFor(t, certificate(), testKey(t, specP256))
	seen, longest := map[string]bool{}, 0
	for range 50 {
		cert, err := Template(cr, testNow)
		if err != nil {
			t.Fatal(err)
		}
		bits := cert.SerialNumber.BitLen()
		if cert.SerialNumber.Sign() <= 0 || bits > 128 || seen[cert.SerialNumber.String()] {
			t.Fatalf("serial number %x", cert.SerialNumber)
		}
		seen[cert.SerialNumber.String()], longest = true, max(longest, bits)
	}
	if longest < 120 {
		t.Errorf("the longest of 50 serial numbers has %d bits", longest)
	}
}

// Every name of a request arrives in the certificate, and the extension is
// critical exactly when there is no subject.
func TestTemplateKeepsNames(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	for _, c := range []struct {
		subject  pkix.Name
		critical bool
	}{{pkix.Name{}, true}, {pkix.Name{CommonName: "cn"}, false}} {
		csr := customRequest(t, key, c.subject, pkix.Extension{Id: oidSubjectAltName, Value: rareSAN, Critical: !c.critical})
		template, err := Template(&cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{Request: csr}}, testNow)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := SelfSign(template, key)
		if err != nil {
			t.Fatal(err)
		}
		got := extension(one(t, chain.Leaf).Extensions, oidSubjectAltName)
		if got == nil || !bytes.Equal(got.Value, rareSAN) || got.Critical != c.critical {
			t.Errorf("subject %q: %+v", c.subject, got)
		}
		out, err := openssl(t, map[string][]byte{"crt": chain.Leaf}, "x509", "-in", "crt", "-noout", "-ext", "subjectAltName")
		if err != nil || !strings.Contains(out, "DNS:a, othername: 1.2.3.4::<unsupported>, DirName:/CN=dir.name, Registered ID:1.2.3.4") {
			t.Errorf("openssl: %v\n%s", err, out)
		}
	}
}

// The subject is copied byte for byte, whatever its strings are made of.
func TestTemplateKeepsSubject(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	crt := certificate(func(s *cmapi.CertificateSpec) { s.CommonName, s.LiteralSubject = "", "CN=a+UID=b,DC=c,OU=ü" })
	cr := requestFor(t, crt, key)
	csr, err := ParseRequest(cr.Spec.Request)
	if err != nil {
		t.Fatal(err)
	}
	leaf := one(t, selfSignedFor(t, crt, key, testNow).Leaf)
	if !bytes.Equal(leaf.RawSubject, csr.RawSubject) || !bytes.Equal(leaf.RawIssuer, csr.RawSubject) {
		t.Errorf("subject % x of request % x", leaf.RawSubject, csr.RawSubject)
	}
}

func TestTemplatePathLength(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	for want, constraints := range map[string][]byte{
		"CA:TRUE":             {0x30, 3, 1, 1, 0xff},
		"CA:TRUE, pathlen:0":  {0x30, 6, 1, 1, 0xff, 2, 1, 0},
		"CA:TRUE, pathlen:3":  {0x30, 6, 1, 1, 0xff, 2, 1, 3},
		"CA:TRUE, no request": nil,
	} {
		var list []pkix.Extension
		if constraints != nil {
			list = append(list, pkix.Extension{Id: oidBasicConstraints, Value: constraints})
		}
		template, err := Template(&cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{
			Request: customRequest(t, key, pkix.Name{CommonName: "ca"}, list...), IsCA: true,
		}}, testNow)
		if err != nil {
			t.Fatal(err)
		}
		chain, err := SelfSign(template, key)
		if err != nil {
			t.Fatal(err)
		}
		out, err := openssl(t, map[string][]byte{"crt": chain.Leaf}, "x509", "-in", "crt", "-noout", "-ext", "basicConstraints")
		text, _, _ := strings.Cut(want, ", no request")
		if err != nil || strings.TrimSpace(out) != "X509v3 Basic Constraints: critical\n    "+text {
			t.Errorf("%s: %v\n%s", want, err, out)
		}
	}
}

// Extensions other than those known here are not copied: a request must not
// be able to bring its own authority key identifier or policies.
func TestTemplateDropsForeignExtensions(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	template, err := Template(&cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{Request: customRequest(t, key, pkix.Name{CommonName: "a"},
		pkix.Extension{Id: asn1.ObjectIdentifier{2, 5, 29, 32}, Value: []byte{0x30, 0}},
		pkix.Extension{Id: oidSubjectAltName, Value: []byte{0x30, 0}},
	)}}, testNow)
	if err != nil {
		t.Fatal(err)
	}
	if len(template.ExtraExtensions) != 0 {
		t.Errorf("copied %v", template.ExtraExtensions)
	}
}

func TestCheckRequest(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	cr := func(edit ...func(*cmapi.CertificateRequestSpec)) *cmapi.CertificateRequest {
		out := requestFor(t, certificate(func(s *cmapi.CertificateSpec) {
			s.Usages = []cmapi.KeyUsage{"digital signature", "server auth", "client auth"}
		}), key)
		for _, e := range edit {
			e(&out.Spec)
		}
		return out
	}
	with := func(list ...pkix.Extension) func(*cmapi.CertificateRequestSpec) {
		return func(s *cmapi.CertificateRequestSpec) {
			s.Request = customRequest(t, key, pkix.Name{CommonName: "a"}, list...)
		}
	}
	for name, c := range map[string]struct {
		cr   *cmapi.CertificateRequest
		want string
	}{
		"good": {cr(), ""},
		"usages in another order": {cr(func(s *cmapi.CertificateRequestSpec) {
			s.Usages = []cmapi.KeyUsage{"client auth", "signing", "server auth"}
		}), ""},
		"no usages in the CSR":        {cr(with()), ""},
		"extended usages only":        {cr(with(pkix.Extension{Id: oidExtKeyUsage, Value: []byte{0x30, 0x14, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 1, 6, 8, 0x2b, 6, 1, 5, 5, 7, 3, 2}})), ""},
		"CA without constraints":      {cr(with(), func(s *cmapi.CertificateRequestSpec) { s.IsCA = true }), ""},
		"not a CA, and says so":       {cr(with(pkix.Extension{Id: oidBasicConstraints, Value: []byte{0x30, 0}})), ""},
		"no PEM":                      {cr(func(s *cmapi.CertificateRequestSpec) { s.Request = nil }), "spec.request: certificate request: no PEM block found: create a new request with a valid PEM certificate signing request"},
		"duration negative":           {cr(func(s *cmapi.CertificateRequestSpec) { s.Duration = &metav1.Duration{Duration: -time.Hour} }), "spec.duration: -1h0m0s is not a lifetime: use a positive duration, or leave it out for 2160h0m0s"},
		"usage unknown":               {cr(func(s *cmapi.CertificateRequestSpec) { s.Usages = []cmapi.KeyUsage{"x"} }), `spec.usages[0]: "x" is not a usage: use one of the names of the API, such as "server auth" or "digital signature"`},
		"usages differ":               {cr(func(s *cmapi.CertificateRequestSpec) { s.Usages = nil }), "spec.usages: the CSR in spec.request has the key usages [digital signature], but spec.usages and spec.isCA stand for [digital signature, key encipherment]: make them agree, or leave usages out of the CSR"},
		"extended usages differ":      {cr(func(s *cmapi.CertificateRequestSpec) { s.Usages = s.Usages[:2] }), "spec.usages: the CSR in spec.request has the extended key usages [client auth, server auth], but spec.usages and spec.isCA stand for [server auth]: make them agree, or leave usages out of the CSR"},
		"extended usage nobody knows": {cr(with(pkix.Extension{Id: oidExtKeyUsage, Value: []byte{0x30, 4, 6, 2, 0x2a, 3}})), "spec.usages: the CSR in spec.request has the extended key usages [1.2.3], but spec.usages and spec.isCA stand for [client auth, server auth]: make them agree, or leave usages out of the CSR"},
		"CA in the spec":              {cr(func(s *cmapi.CertificateRequestSpec) { s.IsCA = true }), "spec.usages: the CSR in spec.request has the key usages [digital signature], but spec.usages and spec.isCA stand for [cert sign, digital signature]: make them agree, or leave usages out of the CSR"},
		"CA in the CSR":               {cr(with(pkix.Extension{Id: oidBasicConstraints, Value: []byte{0x30, 3, 1, 1, 0xff}})), "spec.isCA: it is false, but the basic constraints of the CSR in spec.request say true: make them agree"},
		"not a CA in the CSR":         {cr(with(pkix.Extension{Id: oidBasicConstraints, Value: []byte{0x30, 0}}), func(s *cmapi.CertificateRequestSpec) { s.IsCA = true }), "spec.isCA: it is true, but the basic constraints of the CSR in spec.request say false: make them agree"},
		"constraints without a CA":    {cr(with(pkix.Extension{Id: oidNameConstraints, Value: []byte{0x30, 7, 0xa0, 5, 0x30, 3, 0x82, 1, 'a'}})), "spec.isCA: the CSR in spec.request has name constraints, which only a CA may have: set spec.isCA, or leave them out of the CSR"},
		"usages broken":               {cr(with(pkix.Extension{Id: oidKeyUsage, Value: []byte{5, 0}})), "spec.request: key usage: its encoding is damaged"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := errorText(CheckRequest(c.cr)); got != c.want {
				t.Errorf("error = %s\nwant    %s", got, c.want)
			}
			if _, err := Template(c.cr, testNow); errorText(err) != c.want {
				t.Errorf("Template: %v", err)
			}
		})
	}
}

// A template of one's own, as for a webhook's CA.
func TestNewTemplate(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	template, err := NewTemplate(testNow, 24*time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	template.Subject, template.IsCA, template.KeyUsage = pkix.Name{CommonName: "webhook-ca"}, true, x509.KeyUsageCertSign
	chain, err := SelfSign(template, key)
	if err != nil {
		t.Fatal(err)
	}
	ca, err := ParseCA(chain.CA, pemKey(t, key), testNow)
	if err != nil {
		t.Fatal(err)
	}
	cert := ca.Certificates[0]
	begin, end := time.Date(2026, 3, 1, 11, 55, 0, 0, time.UTC), time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	if !cert.NotBefore.Equal(begin) || !cert.NotAfter.Equal(end) || len(cert.SubjectKeyId) != 20 || cert.SignatureAlgorithm != x509.ECDSAWithSHA256 {
		t.Errorf("from %s to %s, %v", cert.NotBefore, cert.NotAfter, cert.SignatureAlgorithm)
	}
}

// What Go would put into a certificate but not read back never leaves Sign.
func TestUnreadableCertificate(t *testing.T) {
	t.Parallel()
	key := testKey(t, specP256)
	template, err := Template(&cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{
		Request: customRequest(t, key, pkix.Name{CommonName: "ca"}, pkix.Extension{Id: oidNameConstraints, Value: []byte{0x30, 0}}), IsCA: true,
	}}, testNow)
	if err != nil {
		t.Fatal(err)
	}
	_, err = SelfSign(template, key)
	if want := "sign: the request leads to a certificate that nobody could read: x509: empty name constraints extension"; errorText(err) != want {
		t.Errorf("error = %v", err)
	}
}
