package contract

import (
	"fmt"
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
)

// openssl's words for every kind of key.
var (
	rsaOf = func(bits string) []string { return []string{"RSA", "-pkeyopt", "rsa_keygen_bits:" + bits} }
	ecOf  = func(curve string) []string { return []string{"EC", "-pkeyopt", "ec_paramgen_curve:" + curve} }
)

// request has openssl make a key and a CSR with these extensions, as files
// NAME.key and NAME.csr on the desk, and returns the CSR.
func (d *desk) request(name string, key []string, extensions ...string) []byte {
	d.Helper()
	d.put(name+".cnf", []byte("[req]\nprompt=no\ndistinguished_name=dn\n"+
		"[dn]\nO=Example\nCN="+name+"\n[ext]\n"+strings.Join(extensions, "\n")+"\n"))
	d.run("openssl", append([]string{"genpkey", "-out", name + ".key", "-algorithm"}, key...)...)
	args := []string{"req", "-new", "-key", name + ".key", "-config", name + ".cnf", "-out", name + ".csr"}
	if len(extensions) > 0 {
		args = append(args, "-reqexts", "ext")
	}
	d.run("openssl", args...)
	return d.file(name + ".csr")
}

// signed waits until a request is issued, lays the certificate on the desk as
// NAME.crt, and holds its key against NAME.key.
func (d *desk) signed(name string) *cmapi.CertificateRequest {
	d.Helper()
	cr, _ := d.RequestEnds(name, cmapi.CertificateRequestReasonIssued)
	d.put(name+".crt", cr.Status.Certificate)
	d.put("ca", cr.Status.CA)
	if d.run("openssl", "x509", "-in", name+".crt", "-noout", "-pubkey") != d.run("openssl", "pkey", "-in", name+".key", "-pubout") {
		d.Errorf("%s: the certificate is for another key", name)
	}
	return cr
}

func usages(usages ...cmapi.KeyUsage) func(*cmapi.CertificateRequest) {
	return func(cr *cmapi.CertificateRequest) { cr.Spec.Usages = usages }
}

func TestForeignRequestOfEveryKeyType(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		key  []string
		says string
	}{
		"rsa-2048": {rsaOf("2048"), "Public-Key: (2048 bit)"},
		"rsa-3072": {rsaOf("3072"), "Public-Key: (3072 bit)"},
		"rsa-4096": {rsaOf("4096"), "Public-Key: (4096 bit)"},
		"p-256":    {ecOf("P-256"), "NIST CURVE: P-256"},
		"p-384":    {ecOf("P-384"), "NIST CURVE: P-384"},
		"p-521":    {ecOf("P-521"), "NIST CURVE: P-521"},
		"ed25519":  {[]string{"ED25519"}, "ED25519 Public-Key"},
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			d := newDesk(s)
			s.Ask(name, suite.IssuerRef("ca"), d.request(name, row.key, "subjectAltName=DNS:foreign.example.com"))
			d.signed(name)
			d.run("openssl", "verify", "-CAfile", "ca", "-verify_hostname", "foreign.example.com", name+".crt")
			s.Mentions(d.run("openssl", "x509", "-in", name+".crt", "-noout", "-text"), row.says, "Subject: O = Example, CN = "+name)
		})
	}
}

func TestForeignRequestWithExtensions(t *testing.T) {
	s := space(t)
	s.CA("ca")
	d := newDesk(s)
	csr := d.request("full", ecOf("P-256"),
		"subjectAltName=DNS:a.example.com,DNS:*.example.com,IP:192.0.2.1,IP:2001:db8::1,URI:spiffe://example.com/ns/a/sa/b,email:a@example.com,otherName:1.3.6.1.4.1.311.20.2.3;UTF8:upn@example.com",
		"keyUsage=critical,digitalSignature,keyEncipherment", "extendedKeyUsage=serverAuth,clientAuth", "basicConstraints=critical,CA:FALSE")
	s.Ask("full", suite.IssuerRef("ca"), csr,
		usages(cmapi.UsageDigitalSignature, cmapi.UsageKeyEncipherment, cmapi.UsageServerAuth, cmapi.UsageClientAuth))
	d.signed("full")
	d.run("openssl", "verify", "-CAfile", "ca", "-purpose", "sslclient", "-verify_hostname", "b.example.com", "-verify_ip", "2001:db8::1", "full.crt")
	s.Mentions(d.run("openssl", "x509", "-in", "full.crt", "-noout", "-text"),
		"DNS:a.example.com, DNS:*.example.com, IP Address:192.0.2.1, IP Address:2001:DB8:0:0:0:0:0:1, URI:spiffe://example.com/ns/a/sa/b, email:a@example.com, othername: UPN::upn@example.com",
		"Digital Signature, Key Encipherment", "TLS Web Server Authentication, TLS Web Client Authentication", "CA:FALSE")
}

// TestForeignRequestOfACA lets openssl sign with what it got.
func TestForeignRequestOfACA(t *testing.T) {
	s := space(t)
	s.CA("ca")
	d := newDesk(s)
	csr := d.request("sub", ecOf("P-384"), "basicConstraints=critical,CA:TRUE,pathlen:0", "keyUsage=critical,keyCertSign,cRLSign")
	s.Ask("sub", suite.IssuerRef("ca"), csr, usages(cmapi.UsageCertSign, cmapi.UsageCRLSign),
		func(cr *cmapi.CertificateRequest) { cr.Spec.IsCA = true })
	d.signed("sub")
	s.Mentions(d.run("openssl", "x509", "-in", "sub.crt", "-noout", "-text"), "CA:TRUE, pathlen:0", "Certificate Sign, CRL Sign")
	d.request("leaf", ecOf("P-256"))
	d.run("openssl", "x509", "-req", "-in", "leaf.csr", "-CA", "sub.crt", "-CAkey", "sub.key", "-CAcreateserial", "-out", "leaf.crt")
	d.run("openssl", "verify", "-x509_strict", "-CAfile", "ca", "sub.crt")
	d.run("openssl", "verify", "-CAfile", "ca", "-untrusted", "sub.crt", "leaf.crt")
}

func TestForeignRequestThatContradictsItself(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		extensions []string
		edit       func(*cmapi.CertificateRequest)
		words      []string
	}{
		"key usage":           {[]string{"keyUsage=digitalSignature"}, usages(cmapi.UsageDigitalSignature, cmapi.UsageKeyEncipherment), []string{"spec.usages", "key encipherment"}},
		"extended key usage":  {[]string{"extendedKeyUsage=serverAuth"}, usages(cmapi.UsageClientAuth), []string{"spec.usages", "server auth", "client auth"}},
		"usage without name":  {[]string{"extendedKeyUsage=1.3.6.1.4.1.99999.2"}, usages(cmapi.UsageServerAuth), []string{"spec.usages", "1.3.6.1.4.1.99999.2"}},
		"default usages":      {[]string{"extendedKeyUsage=serverAuth"}, usages(), []string{"spec.usages", "server auth"}},
		"CA in the CSR only":  {[]string{"basicConstraints=CA:TRUE"}, usages(), []string{"spec.isCA"}},
		"CA in the spec only": {[]string{"basicConstraints=CA:FALSE"}, func(cr *cmapi.CertificateRequest) { cr.Spec.IsCA = true }, []string{"spec.isCA"}},
		"no lifetime":         {nil, func(cr *cmapi.CertificateRequest) { cr.Spec.Duration = &metav1.Duration{Duration: -time.Hour} }, []string{"spec.duration"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			csr := newDesk(s).request("bad", ecOf("P-256"), append(row.extensions, "subjectAltName=DNS:a.example.com")...)
			if _, err := s.TryAsk("bad", suite.IssuerRef("ca"), csr, row.edit); err != nil {
				s.Mentions(err.Error(), row.words...)
				return
			}
			cr, message := s.RequestEnds("bad", cmapi.CertificateRequestReasonFailed)
			s.Mentions(message, row.words...)
			if len(cr.Status.Certificate) > 0 || cr.Status.FailureTime == nil {
				t.Errorf("certificate of %d bytes, failure at %v", len(cr.Status.Certificate), cr.Status.FailureTime)
			}
		})
	}
}

func TestForeignRequestsOfEveryDuration(t *testing.T) {
	s := space(t)
	s.CA("ca")
	d := newDesk(s)
	csr := d.request("brief", ecOf("P-256"))
	for name, want := range map[string]time.Duration{
		"minutes": 10 * time.Minute, "hour": time.Hour, "default": 90 * 24 * time.Hour, "years": 5 * 365 * 24 * time.Hour,
	} {
		s.Ask(name, suite.IssuerRef("ca"), csr, func(cr *cmapi.CertificateRequest) {
			if name != "default" {
				cr.Spec.Duration = &metav1.Duration{Duration: want}
			}
		})
		cr, _ := s.RequestEnds(name, cmapi.CertificateRequestReasonIssued)
		d.put(name, cr.Status.Certificate)
		out := strings.TrimSpace(d.run("openssl", "x509", "-in", name, "-noout", "-enddate"))
		end, err := time.Parse("notAfter=Jan _2 15:04:05 2006 MST", out)
		s.Must(err)
		// It begins earlier, for clocks that are late, but ends when it was asked to.
		if off := end.Sub(cr.CreationTimestamp.Time) - want; off < -time.Second || off > time.Minute {
			t.Errorf("%s: it ends at %s, want %s after %s", name, end, want, cr.CreationTimestamp)
		}
	}
}

func TestForeignRequestWithAHundredNames(t *testing.T) {
	s := space(t)
	s.CA("ca")
	d := newDesk(s)
	var names []string
	for i := range 100 {
		names = append(names, fmt.Sprintf("DNS:name-%d.example.com", i))
	}
	s.Ask("many", suite.IssuerRef("ca"), d.request("many", rsaOf("2048"), "subjectAltName="+strings.Join(names, ",")))
	d.signed("many")
	s.Mentions(d.run("openssl", "x509", "-in", "many.crt", "-noout", "-ext", "subjectAltName"), strings.Join(names, ", "))
}
