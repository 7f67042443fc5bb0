package contract

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestOptions has one daemon for several options that do not touch each other.
// Others are shown in package operations: namespaces, the cluster resource
// namespace, owner references.
func TestOptions(t *testing.T) {
	ownDaemon(t, "--controllers=*,-certificaterequests-approver", "--copied-annotation-prefixes=*,-private.example.com/",
		"--certificate-request-minimum-backoff-duration=2s", "--certificate-request-maximum-backoff-duration=5s")
	for name, test := range map[string]func(*suite.Space){
		"copied annotations":                  copiedAnnotations,
		"back-off has bounds":                 backOffHasBounds,
		"approval comes late":                 approvalComesLate,
		"cmctl approves":                      cmctlApproves,
		"cmctl denies":                        cmctlDenies,
		"external request waits for approval": externalRequestWaits,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test(world.Space(t))
		})
	}
}

func copiedAnnotations(s *suite.Space) {
	s.CA("ca")
	s.Create("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Annotations = map[string]string{
			"policy.example.com/ticket": "4711", "private.example.com/note": "hush", "argocd.argoproj.io/sync-wave": "2",
		}
	})
	cr, _ := s.RequestEnds("web-1", cmapi.CertificateRequestReasonPending)
	for key, want := range map[string]string{
		"policy.example.com/ticket": "4711", "private.example.com/note": "",
		"argocd.argoproj.io/sync-wave": "2", // the default would leave it out, but this is no default
	} {
		if got := cr.Annotations[key]; got != want {
			s.Errorf("annotation %s is %q, want %q", key, got, want)
		}
	}
}

// backOffHasBounds: it doubles from the shortest to the longest, and no further.
func backOffHasBounds(s *suite.Space) {
	s.CA("ca")
	s.Create("web", suite.IssuerRef("ca"))
	cr, _ := s.RequestEnds("web-1", cmapi.CertificateRequestReasonPending)
	for attempt, bounds := range [][2]time.Duration{
		{2 * time.Second, time.Minute}, {4 * time.Second, time.Minute}, {5 * time.Second, 8 * time.Second}, // 8 s without the bound
	} {
		s.Judge("web-1", cmapi.CertificateRequestConditionDenied)
		crt := s.Await("web", func(crt *cmapi.Certificate) bool {
			n := crt.Status.FailedIssuanceAttempts
			return n != nil && *n == attempt+1
		})
		denied := cr.UID
		cr = s.AwaitRequest("web-1", func(cr *cmapi.CertificateRequest) bool {
			return cr.UID != denied && harness.RequestCondition(cr, cmapi.CertificateRequestConditionReady) != nil
		})
		// Both times are cut to seconds.
		if wait := cr.CreationTimestamp.Sub(crt.Status.LastFailureTime.Time); wait < bounds[0]-time.Second || wait >= bounds[1] {
			s.Errorf("after failure %d the next request came after %s, want %s", attempt+1, wait, bounds[0])
		}
	}
}

// approvalComesLate, from a program that is not certwright, to a request that is
// not of a Certificate.
func approvalComesLate(s *suite.Space) {
	s.CA("ca")
	for _, name := range []string{"good", "bad"} {
		s.Ask(name, suite.IssuerRef("ca"), s.SimpleCSR(s.NewKey()))
		_, message := s.RequestEnds(name, cmapi.CertificateRequestReasonPending)
		s.Mentions(message, "approve")
	}
	s.Judge("good", cmapi.CertificateRequestConditionApproved)
	cr, _ := s.RequestEnds("good", cmapi.CertificateRequestReasonIssued)
	if c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved); c.Reason != "policy.example.com" {
		s.Errorf("the approval is not the approver's own: %+v", c)
	}
	s.Judge("bad", cmapi.CertificateRequestConditionDenied)
	cr, message := s.RequestEnds("bad", cmapi.CertificateRequestReasonDenied)
	s.Mentions(message, "The CertificateRequest was denied by an approval controller")
	if cr.Status.FailureTime == nil || len(cr.Status.Certificate) > 0 {
		s.Errorf("failure at %v, a certificate of %d bytes", cr.Status.FailureTime, len(cr.Status.Certificate))
	}
}

func cmctlApproves(s *suite.Space) {
	s.CA("ca")
	s.Create("web", suite.IssuerRef("ca"))
	s.RequestEnds("web-1", cmapi.CertificateRequestReasonPending)
	d := newDesk(s)
	d.Mentions(d.cmctl("approve", "web-1", "--reason", "Ticket4711", "--message", "seen by PKI"), "Approved CertificateRequest")
	s.Ready("web")
	s.Bundle("web")
	cr, _ := s.RequestEnds("web-1", cmapi.CertificateRequestReasonIssued)
	if c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved); c.Reason != "Ticket4711" || c.Message != "seen by PKI" {
		s.Errorf("the approval is not as cmctl gave it: %+v", c)
	}
	d.cmctlRefuses("already approved", "approve", "web-1")
}

func cmctlDenies(s *suite.Space) {
	s.CA("ca")
	s.Ask("foreign", suite.IssuerRef("ca"), s.SimpleCSR(s.NewKey()))
	s.RequestEnds("foreign", cmapi.CertificateRequestReasonPending)
	d := newDesk(s)
	d.Mentions(d.cmctl("deny", "foreign", "--reason", "Policy", "--message", "not one of our names"), "Denied CertificateRequest")
	cr, _ := s.RequestEnds("foreign", cmapi.CertificateRequestReasonDenied)
	if c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionDenied); c == nil || c.Message != "not one of our names" {
		s.Errorf("the denial is not as cmctl gave it: %+v", c)
	}
	if len(cr.Status.Certificate) > 0 {
		s.Error("it was signed all the same")
	}
	d.cmctlRefuses("already denied", "approve", "foreign")
}

// externalRequestWaits: with our approver off, not even the approval of another
// program's request is ours.
func externalRequestWaits(s *suite.Space) {
	s.Create("web", theirs)
	s.AwaitRequest("web-1", func(*cmapi.CertificateRequest) bool { return true })
	s.Await("web", func(crt *cmapi.Certificate) bool { return crt.Status.NextPrivateKeySecretName != nil })
	s.Judge("web-1", cmapi.CertificateRequestConditionApproved)
	cr := approved(s, "web-1")
	if c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved); c.Reason != "policy.example.com" {
		s.Errorf("it was approved by %+v", c)
	}
	s.SignElsewhere(cr)
	s.Ready("web")
}
