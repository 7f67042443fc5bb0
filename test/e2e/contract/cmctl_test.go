package contract

import (
	"encoding/hex"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"sigs.k8s.io/yaml"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestCmctlCheckAPI: cmctl calls the API ready when a good request is taken and
// told who made it, and a bad one is refused, both by dry run.
func TestCmctlCheckAPI(t *testing.T) {
	d := newDesk(space(t))
	// Policies take a moment to come into force after they were created.
	d.Mentions(d.cmctl("check", "api", "--wait=60s", "--interval=1s"), "The cert-manager API is ready")
	if made := d.AllRequests(); len(made) > 0 {
		t.Errorf("a check left requests behind:\n%s", harness.Show(made...))
	}
}

func TestCmctlShows(t *testing.T) {
	s := space(t)
	s.CA("ca")
	got := s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) { crt.Spec.CommonName = "the web" })
	d, serial := newDesk(s), hex.EncodeToString(got.Leaf.SerialNumber.Bytes())
	s.AwaitEvent("web", "Issuing", "successfully issued")

	out := d.cmctl("status", "certificate", "web")
	s.Mentions(out, "Ready: True, Reason: Ready, Message: Certificate is up to date and has not expired", "web.example.com",
		"Kind: Issuer", "Signing CA verified", "Issuer Common Name: ca", "Serial Number: "+serial, "Digital Signature",
		"The certificate has been successfully issued", "Not After: "+got.Leaf.NotAfter.Format("2006-01-02T15:04:05Z"))
	out = d.cmctl("inspect", "secret", "web")
	s.Mentions(out, "web.example.com", "the web", "Issued By:", "Common Name:\tca", "Trusted by this computer:", "CRL Status:")

	s.Create("waits", suite.IssuerRef("nobody"))
	s.RequestEnds("waits-1", cmapi.CertificateRequestReasonPending)
	s.Await("waits", func(crt *cmapi.Certificate) bool {
		return harness.Condition(crt, cmapi.CertificateConditionIssuing) != nil && harness.Condition(crt, cmapi.CertificateConditionReady) != nil
	})
	s.Mentions(d.cmctl("status", "certificate", "waits"), "Issuing: True", "Ready: False", "DoesNotExist", "Name: waits-1")
}

func TestCmctlRenews(t *testing.T) {
	s := space(t)
	s.CA("ca")
	blue := func(crt *cmapi.Certificate) { crt.Labels = map[string]string{"team": "blue"} }
	first := s.Issue("web", suite.IssuerRef("ca"), blue)
	s.Issue("other", suite.IssuerRef("ca"))
	d := newDesk(s)
	d.Mentions(d.cmctl("renew", "web"), "Manually triggered issuance of Certificate "+s.Namespace+"/web")
	s.Await("web", harness.ReadyAt(2))
	if second := s.Bundle("web"); second.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 || second.SameKey(first) {
		t.Error("it was not issued anew, with a new key")
	}
	d.cmctl("renew", "-l", "team=blue")
	s.Await("web", harness.ReadyAt(3))
	if n := harness.Revision(s.Get("other")); n != 1 {
		t.Errorf("another is at revision %d", n)
	}
	d.cmctl("renew", "--all")
	s.Await("web", harness.ReadyAt(4))
	s.Await("other", harness.ReadyAt(2))
}

// TestCmctlCreatesARequest from a manifest, waits for it and stores what it got.
func TestCmctlCreatesARequest(t *testing.T) {
	s := space(t)
	ca := s.CA("ca")
	d := newDesk(s)
	crt := s.Certificate("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.CommonName, crt.Spec.IPAddresses = "the web", []string{"192.0.2.1"}
		crt.Spec.Usages = []cmapi.KeyUsage{cmapi.UsageDigitalSignature, cmapi.UsageServerAuth}
	})
	crt.APIVersion, crt.Kind = "cert-manager.io/v1", "Certificate"
	manifest, err := yaml.Marshal(crt)
	s.Must(err)
	d.put("web.yaml", manifest)
	d.cmctl("create", "certificaterequest", "ours", "--from-certificate-file", "web.yaml", "--fetch-certificate", "--timeout", "60s")
	d.put("ca", pemOf(ca.Certificate))
	d.run("openssl", "verify", "-CAfile", "ca", "-purpose", "sslserver", "-verify_hostname", "web.example.com", "-verify_ip", "192.0.2.1", "ours.crt")
	if d.run("openssl", "x509", "-in", "ours.crt", "-noout", "-pubkey") != d.run("openssl", "pkey", "-in", "ours.key", "-pubout") {
		t.Error("the certificate is for another key than that which cmctl made")
	}
	cr, _ := s.RequestEnds("ours", cmapi.CertificateRequestReasonIssued)
	if cr.Spec.Username == "" || len(cr.Spec.Groups) == 0 {
		t.Errorf("the request does not say who made it: %q %q", cr.Spec.Username, cr.Spec.Groups)
	}
	d.cmctlRefuses("already approved", "deny", "ours")
}
