package operations

import (
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// withoutApprover is how the daemon runs beside approver-policy.
var withoutApprover = []string{alone, "--controllers=*,-certificaterequests-approver", "--certificate-request-minimum-backoff-duration=3s"}

func TestApproverSwitchedOff(t *testing.T) {
	world.StartDaemon(t, withoutApprover...)
	s := world.Space(t)
	s.CA("ca")
	s.Create("web", suite.IssuerRef("ca"))
	cr, message := s.RequestEnds("web-1", cmapi.CertificateRequestReasonPending)
	s.Mentions(message, "approve")
	if c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved); c != nil {
		t.Errorf("it was approved: %+v", c)
	}
	s.Await("web", func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return c != nil && c.Status == cmmeta.ConditionTrue && strings.Contains(c.Message, "approve")
	})
	s.Mentions(s.OK("status", "certificate", "web"), "approve")
	s.OK("approve", "web-1", "--reason", "Ticket4711")
	s.Ready("web")
	cr, _ = s.RequestEnds("web-1", cmapi.CertificateRequestReasonIssued)
	if c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved); c.Reason != "Ticket4711" {
		t.Errorf("the approval is not the approver's own: %+v", c)
	}
	s.NoLeftovers()
}

func TestDeniedRequestsEndAndAreTriedAgainLater(t *testing.T) {
	world.StartDaemon(t, withoutApprover...)
	s := world.Space(t)
	s.CA("ca")
	s.Create("web", suite.IssuerRef("ca"))
	first, _ := s.RequestEnds("web-1", cmapi.CertificateRequestReasonPending)
	denied := s.Soon("web", func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return c != nil && c.Status == cmmeta.ConditionFalse
	})
	s.OK("deny", "web-1", "--reason", "Policy", "--message", "not one of our names")
	crt := denied()
	// Whoever denied it gave the reason, and his words are passed on.
	const want = "The certificate request has failed to complete and will be retried: not one of our names"
	if c := harness.Condition(crt, cmapi.CertificateConditionIssuing); c.Reason != "Policy" || c.Message != want {
		t.Errorf("Issuing says %s: %s", c.Reason, c.Message)
	}
	if n := crt.Status.FailedIssuanceAttempts; n == nil || *n != 1 || crt.Status.LastFailureTime == nil {
		t.Errorf("the failure is not counted: %v at %v", n, crt.Status.LastFailureTime)
	}
	// After the back-off there is a new request under the same name, which waits
	// for its approval.
	second := s.AwaitRequest("web-1", func(cr *cmapi.CertificateRequest) bool {
		return cr.UID != first.UID && harness.RequestCondition(cr, cmapi.CertificateRequestConditionReady) != nil
	})
	if wait := second.CreationTimestamp.Sub(crt.Status.LastFailureTime.Time).Seconds(); wait < 2 {
		t.Errorf("it was tried again after %.0f s, want 3 s", wait)
	}
	s.Judge("web-1", cmapi.CertificateRequestConditionApproved)
	crt = s.Ready("web")
	if crt.Status.FailedIssuanceAttempts != nil || crt.Status.LastFailureTime != nil {
		t.Error("the success does not end the count of failures")
	}
	s.NoLeftovers()
}

func TestForeignRequestDenied(t *testing.T) {
	world.StartDaemon(t, withoutApprover...)
	s := world.Space(t)
	s.CA("ca")
	s.Ask("foreign", suite.IssuerRef("ca"), s.SimpleCSR(s.NewKey()))
	s.RequestEnds("foreign", cmapi.CertificateRequestReasonPending)
	s.Judge("foreign", cmapi.CertificateRequestConditionDenied)
	cr, message := s.RequestEnds("foreign", cmapi.CertificateRequestReasonDenied)
	if message != "The CertificateRequest was denied by an approval controller" {
		t.Errorf("it says %q", message)
	}
	if cr.Status.FailureTime == nil || len(cr.Status.Certificate) > 0 {
		t.Errorf("failure at %v, a certificate of %d bytes", cr.Status.FailureTime, len(cr.Status.Certificate))
	}
}

func TestApproverOfSomeSigners(t *testing.T) {
	s := world.Space(t)
	world.StartDaemon(t, alone, "--approve-signer-names=issuers.cert-manager.io/"+s.Namespace+".good")
	s.CA("good")
	s.CA("other")
	s.Issue("approved", suite.IssuerRef("good"))
	s.Create("waits", suite.IssuerRef("other"))
	cr, _ := s.RequestEnds("waits-1", cmapi.CertificateRequestReasonPending)
	if c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved); c != nil {
		t.Errorf("it was approved: %+v", c)
	}
}
