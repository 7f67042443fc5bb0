package e2e

import (
	"strings"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestBadCertificates: each ends in a message that names the field and the
// remedy, at admission or in the condition, and the daemon goes on with others.
func TestBadCertificates(t *testing.T) {
	for name, row := range map[string]struct {
		edit  suite.Edit
		words []string
	}{
		"no name": {func(crt *cmapi.Certificate) { crt.Spec.DNSNames = nil }, []string{"spec", "commonName", "dnsNames"}},
		"common name of 70": {func(crt *cmapi.Certificate) { crt.Spec.CommonName = strings.Repeat("x", 70) },
			[]string{"spec.commonName", "64"}},
		"duration under its renewBefore": {func(crt *cmapi.Certificate) {
			crt.Spec.Duration, crt.Spec.RenewBefore = &metav1.Duration{Duration: time.Hour}, &metav1.Duration{Duration: 2 * time.Hour}
		}, []string{"spec.renewBefore", "duration"}},
		"duration of a minute": {func(crt *cmapi.Certificate) { crt.Spec.Duration = &metav1.Duration{Duration: time.Minute} },
			[]string{"spec.duration", "1h"}},
		"both ways to renew": {func(crt *cmapi.Certificate) {
			crt.Spec.RenewBefore, crt.Spec.RenewBeforePercentage = &metav1.Duration{Duration: time.Hour}, ptr.To[int32](10)
		}, []string{"spec.renewBeforePercentage", "renewBefore"}},
		"no address": {func(crt *cmapi.Certificate) { crt.Spec.IPAddresses = []string{"192.0.2.256"} },
			[]string{"spec.ipAddresses", "192.0.2.256"}},
		"no e-mail address": {func(crt *cmapi.Certificate) { crt.Spec.EmailAddresses = []string{"Who <a@example.com>"} },
			[]string{"spec.emailAddresses"}},
		"key of 1024": {func(crt *cmapi.Certificate) {
			crt.Spec.PrivateKey = &cmapi.CertificatePrivateKey{Algorithm: cmapi.RSAKeyAlgorithm, Size: 1024}
		}, []string{"spec.privateKey.size", "2048"}},
		"signature of another key": {func(crt *cmapi.Certificate) { crt.Spec.SignatureAlgorithm = cmapi.SHA256WithRSA },
			[]string{"spec.signatureAlgorithm"}},
		"two subjects": {func(crt *cmapi.Certificate) { crt.Spec.CommonName, crt.Spec.LiteralSubject = "a", "CN=a" },
			[]string{"literalSubject", "commonName"}},
		"constraints without CA": {func(crt *cmapi.Certificate) {
			crt.Spec.NameConstraints = &cmapi.NameConstraints{Permitted: &cmapi.NameConstraintItem{DNSDomains: []string{"a"}}}
		}, []string{"spec.nameConstraints", "isCA"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			if _, err := s.TryCreate("bad", suite.IssuerRef("ca"), row.edit); err != nil {
				s.Mentions(err.Error(), row.words...)
				return
			}
			s.Mentions(s.Refused("bad", "InvalidSpec"), row.words...)
			if n := len(s.AllRequests()); n > 0 {
				t.Errorf("%d requests were made for it", n)
			}
			s.Issue("good", suite.IssuerRef("ca"))
			// Mended, it is issued without anybody doing more.
			s.Edit("bad", func(crt *cmapi.Certificate) { crt.Spec = s.Certificate("bad", suite.IssuerRef("ca")).Spec })
			s.Ready("bad")
		})
	}
}

func TestIssuerThatDoesNotExist(t *testing.T) {
	s := space(t)
	s.Create("web", suite.IssuerRef("nobody"))
	crt := s.Await("web", func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return c != nil && c.Status == cmmeta.ConditionTrue && strings.Contains(c.Message, "nobody")
	})
	s.Mentions(harness.Condition(crt, cmapi.CertificateConditionIssuing).Message, "Issuer.cert-manager.io/nobody", "does not exist", "create it")
	s.CA("nobody")
	s.Ready("web")
	s.NoLeftovers()
}

func TestCertificateDeletedWhileItWaits(t *testing.T) {
	s := space(t)
	s.Create("web", suite.IssuerRef("nobody"))
	s.RequestEnds("web-1", cmapi.CertificateRequestReasonPending)
	s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
	// Its request and its key go with it, by their owner references.
	ctx, cancel := s.Within()
	defer cancel()
	s.Must(s.Requests().UntilGone(ctx, s.Namespace, "web-1"))
	for _, secret := range s.AllSecrets() {
		s.Must(s.Secrets().UntilGone(ctx, s.Namespace, secret.Name))
	}
}

func TestLongestNames(t *testing.T) {
	s := space(t)
	s.CA("ca")
	long := strings.Repeat("a", 63) + "." + strings.Repeat("b", 63) + "." + strings.Repeat("c", 63) + "." + strings.Repeat("d", 61)
	s.Issue(long, suite.IssuerRef("ca"), func(crt *cmapi.Certificate) { crt.Spec.DNSNames = []string{"long.example.com"} })
	before := s.Get(long)
	s.Renew(long)
	s.Reissued(before)
}
