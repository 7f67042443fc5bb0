package e2e

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

func TestRenewalAskedForByAnotherClient(t *testing.T) {
	s := space(t)
	ca := s.CA("ca")
	first := s.Issue("web", suite.IssuerRef("ca"))
	before := s.Get("web")
	s.Renew("web")
	crt := s.Reissued(before)
	second := s.Bundle("web")
	second.SignedBy(s, ca)
	if second.Leaf.SerialNumber.Cmp(first.Leaf.SerialNumber) == 0 {
		t.Error("the serial number is the same")
	}
	if c := harness.Condition(crt, cmapi.CertificateConditionIssuing); c != nil {
		t.Errorf("Issuing is left behind: %+v", c)
	}
	s.OneRequestLeft("web", 2)
}

func TestRenewalComesBeforeTheEnd(t *testing.T) {
	s := space(t)
	s.CA("ca")
	// The longest time before the end that is allowed: it is due again some
	// seconds after it was issued.
	const wait = 4 * time.Second
	s.Issue("brief", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.Duration = &metav1.Duration{Duration: time.Hour}
		crt.Spec.RenewBefore = &metav1.Duration{Duration: time.Hour - wait}
	})
	issued := s.Get("brief")
	renewed := s.Reissued(issued)
	if moment := issued.Status.RenewalTime; renewed.Status.NotBefore.Before(issued.Status.NotBefore) || !renewed.Status.NotAfter.After(issued.Status.NotAfter.Time) {
		t.Errorf("it was due at %s, and what came lives from %s to %s", moment, renewed.Status.NotBefore, renewed.Status.NotAfter)
	}
	s.AwaitEvent("brief", "Issuing", "Renewing certificate as renewal was scheduled at")
	s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), "brief", metav1.DeleteOptions{}))
}

// TestRenewalOfDisabledPolicyNeverComes has nothing to wait for: the status must
// not announce a renewal.
func TestRenewalOfDisabledPolicyNeverComes(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.Renewal = &cmapi.CertificateRenewal{Policy: cmapi.CertificateRenewalPolicyDisabled}
	})
	if at := s.Get("web").Status.RenewalTime; at != nil {
		t.Errorf("a renewal is announced for %s", at)
	}
}

// TestSpecEditsIssueAnew goes through the fields that are in the certificate,
// also those which the reference forgets.
func TestSpecEditsIssueAnew(t *testing.T) {
	for name, edit := range map[string]suite.Edit{
		"dnsNames":       func(crt *cmapi.Certificate) { crt.Spec.DNSNames = []string{"new.example.com"} },
		"commonName":     func(crt *cmapi.Certificate) { crt.Spec.CommonName = "new" },
		"subject":        func(crt *cmapi.Certificate) { crt.Spec.Subject = &cmapi.X509Subject{Organizations: []string{"New"}} },
		"ipAddresses":    func(crt *cmapi.Certificate) { crt.Spec.IPAddresses = []string{"192.0.2.9"} },
		"uris":           func(crt *cmapi.Certificate) { crt.Spec.URIs = []string{"spiffe://example.com/new"} },
		"emailAddresses": func(crt *cmapi.Certificate) { crt.Spec.EmailAddresses = []string{"new@example.com"} },
		"otherNames": func(crt *cmapi.Certificate) {
			crt.Spec.OtherNames = []cmapi.OtherName{{OID: "1.3.6.1.4.1.311.20.2.3", UTF8Value: "new@example.com"}}
		},
		"duration":              func(crt *cmapi.Certificate) { crt.Spec.Duration = &metav1.Duration{Duration: 48 * time.Hour} },
		"usages":                func(crt *cmapi.Certificate) { crt.Spec.Usages = []cmapi.KeyUsage{cmapi.UsageClientAuth} },
		"privateKey.size":       func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.Size = 384 },
		"privateKey.algorithm":  func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.Algorithm = cmapi.Ed25519KeyAlgorithm },
		"signatureAlgorithm":    func(crt *cmapi.Certificate) { crt.Spec.SignatureAlgorithm = cmapi.ECDSAWithSHA512 },
		"encodeUsagesInRequest": func(crt *cmapi.Certificate) { crt.Spec.EncodeUsagesInRequest = ptr.To(false) },
		"nameConstraints": func(crt *cmapi.Certificate) {
			crt.Spec.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"new.example.com"}}}
		},
		"isCA": func(crt *cmapi.Certificate) { crt.Spec.IsCA = !crt.Spec.IsCA },
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			first := s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
				crt.Spec.IsCA = name == "nameConstraints" // they need a CA
			})
			before := s.Get("web")
			s.Edit("web", edit)
			s.Reissued(before)
			if s.Bundle("web").Leaf.Equal(first.Leaf) {
				t.Error("the certificate is the same as before")
			}
			s.OneRequestLeft("web", 2)
		})
	}
}

func TestSpecEditsThatChangeNoCertificate(t *testing.T) {
	for name, edit := range map[string]suite.Edit{
		"revisionHistoryLimit": func(crt *cmapi.Certificate) { crt.Spec.RevisionHistoryLimit = ptr.To[int32](3) },
		"renewBefore":          func(crt *cmapi.Certificate) { crt.Spec.RenewBefore = &metav1.Duration{Duration: 24 * time.Hour} },
		"rotationPolicy":       func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.RotationPolicy = cmapi.RotationPolicyNever },
		"defaults said":        func(crt *cmapi.Certificate) { crt.Spec.PrivateKey.Size = 256 },
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			first := s.Issue("web", suite.IssuerRef("ca"))
			s.Edit("web", edit)
			s.Ready("web") // for the new generation
			if !s.Bundle("web").Leaf.Equal(first.Leaf) {
				t.Error("it was issued anew for nothing")
			}
		})
	}
}

func TestRevisionHistory(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) { crt.Spec.RevisionHistoryLimit = ptr.To[int32](2) })
	for range 3 {
		before := s.Get("web")
		s.Renew("web")
		s.Reissued(before)
	}
	ctx, cancel := s.Within()
	defer cancel()
	kept, err := s.Requests().UntilAll(ctx, s.Namespace, func(all []*cmapi.CertificateRequest) bool { return len(all) == 2 })
	s.Must(err)
	for _, cr := range kept {
		if cr.Name != "web-3" && cr.Name != "web-4" {
			t.Errorf("request %s was kept, want the last two of four", cr.Name)
		}
	}
}
