package certificates_test

import (
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// byPolicy leaves approving to somebody else.
func byPolicy() handlertest.Settings {
	s := handlertest.Defaults()
	s.Approver.All = false
	return s
}

func approve(w *handlertest.World) {
	says(w, handlertest.Condition(cmapi.CertificateRequestConditionApproved, "True", "policy", "good"))
}

func deny(w *handlertest.World) {
	says(w, handlertest.Condition(cmapi.CertificateRequestConditionDenied, "True", "policy", "names not allowed"))
}

// A policy denies the first issuance three times: each try waits twice as long
// as the one before, and success forgets it all.
func TestFailuresBackOff(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	w := handlertest.New(t, f.Issuer, f.CASecret, handlertest.Web())
	p := w.Start(byPolicy())
	for i, wait := range []time.Duration{time.Hour, 2 * time.Hour, 4 * time.Hour} {
		p.Settle()
		deny(w)
		p.Settle()
		s := w.Certificate("web").Status
		if s.FailedIssuanceAttempts == nil || *s.FailedIssuanceAttempts != i+1 || s.LastFailureTime == nil || s.Revision != nil {
			t.Fatalf("after failure %d: got %+v", i+1, s)
		}
		if c := issuing(w); c.Status != "False" || c.Reason != "policy" {
			t.Errorf("Issuing: got %+v, want False, policy", c)
		}
		if c := readiness(w); c.Status != "False" || c.Reason != "DoesNotExist" {
			t.Errorf("Ready: got %+v, want False, DoesNotExist", c)
		}
		denied := w.Request("web-1")
		if len(denied.Status.Conditions) != 2 || denied.Status.FailureTime == nil {
			t.Errorf("the request does not tell of its end: %+v", denied.Status)
		}
		w.Forget()
		result, err := p.Handle(handlertest.CertificateKey("web"))
		if left := wait - 400*time.Millisecond; err != nil || result.After > wait || result.After < left-time.Second {
			t.Errorf("failure %d: got After %s, %v, want about %s", i+1, result.After, err, wait)
		}
		w.Wait(result.After - time.Second)
		p.Settle()
		w.Wrote()
		if w.Request("web-1").UID != denied.UID {
			t.Error("the denied request is gone before the back-off has ended")
		}
		w.Wait(time.Second)
	}
	p.Settle()
	approve(w)
	p.Settle()
	isReady(t, w, 1, "ca-pair")
}

// Who mends the cause need not wait.
func TestABackoffEndsEarly(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*handlertest.World){
		"with an edit of what is asked for": func(w *handlertest.World) {
			edit(w, func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"new.example.com"} })
		},
		"when asked for by hand": func(w *handlertest.World) { handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered) },
	} {
		for who, restart := range map[string]bool{"": false, ", after a restart": true} {
			t.Run(name+who, func(t *testing.T) {
				t.Parallel()
				w, _ := newCertificate(t)
				p := w.Start(byPolicy())
				p.Settle()
				deny(w)
				p.Settle()
				denied := w.Request("web-1").UID
				w.Wait(2 * time.Second)
				if restart {
					p = w.Start(byPolicy())
				}
				act(w)
				p.Settle()
				if got := w.Request("web-1"); got == nil || got.UID == denied {
					t.Fatal("there is no new request")
				}
				approve(w)
				p.Settle()
				isReady(t, w, 1, "ca-pair")
			})
		}
	}
}

// A failed renewal leaves what is stored in place and in order, and it is
// tried again before the end.
func TestAFailedRenewal(t *testing.T) {
	t.Parallel()
	w, f := atRest(t)
	p := w.Start(byPolicy())
	w.Clock.SetTime(handlertest.Renewal)
	p.Settle()
	handlertest.EditStatus(w, "web-2", handlertest.Condition(cmapi.CertificateRequestConditionDenied, "True", "policy", "no"))
	p.Settle()
	if c := readiness(w); c.Status != "True" {
		t.Errorf("Ready: got %+v, want True until it expires", c)
	}
	if !f.Leaf.Equal(served(t, w.Secret("web-tls"))) {
		t.Error("the certificate is another one")
	}
	w.Wait(time.Hour)
	p.Settle()
	handlertest.EditStatus(w, "web-2", handlertest.Condition(cmapi.CertificateRequestConditionApproved, "True", "policy", "yes"))
	p.Settle()
	isReady(t, w, 2, "ca-pair")
}

// cmctl renew and certwright renew set Issuing=True: the certificate is issued
// anew, and the mark goes.
func TestARenewalByHand(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered)
	p.Settle()
	w.Wrote(reissue...)
	w.Told("CertificateRequest/web-2 Normal CertificateIssued: ", "Certificate/web Normal Issuing: The certificate has been successfully issued")
	isReady(t, w, 2, "ca-pair")
	if f.Leaf.Equal(served(t, w.Secret("web-tls"))) {
		t.Error("the certificate is the old one")
	}
}

// Asked for while it is slow: the asker's reason stays for all to see.
func TestARenewalByHandThatTakesLong(t *testing.T) {
	t.Parallel()
	w, _ := atRest(t)
	p := w.Start(byPolicy())
	p.Settle()
	w.Wrote()
	handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered)
	p.Settle()
	if c := issuing(w); c.Status != "True" || c.Reason != "ManuallyTriggered" ||
		c.Message != `Waiting for CertificateRequest "web-2": Waiting for an approver to approve or deny this request (for example: certwright approve NAME)` {
		t.Errorf("Issuing: got %+v", c)
	}
	if c := readiness(w); c.Status != "True" {
		t.Errorf("Ready: got %+v, want True", c)
	}
	handlertest.EditStatus(w, "web-2", handlertest.Condition(cmapi.CertificateRequestConditionApproved, "True", "policy", "yes"))
	p.Settle()
	isReady(t, w, 2, "ca-pair")
}

// What expires unrenewed says so, and is renewed as soon as that is possible.
func TestAnExpiredCertificate(t *testing.T) {
	t.Parallel()
	w, _ := atRest(t)
	p := w.Start(byPolicy())
	w.Clock.SetTime(handlertest.Ends.Add(-time.Minute))
	p.Settle()
	result, err := p.Handle(handlertest.CertificateKey("web"))
	if err != nil || result.After != time.Minute {
		t.Errorf("got After %s, %v, want a minute: the end is told of in time", result.After, err)
	}
	w.Wait(time.Minute)
	p.Settle()
	if c := readiness(w); c.Status != "False" || c.Reason != "Expired" || c.Message != "Certificate expired on Thu, 30 Apr 2026 12:00:00 UTC" {
		t.Errorf("Ready: got %+v", c)
	}
	handlertest.EditStatus(w, "web-2", handlertest.Condition(cmapi.CertificateRequestConditionApproved, "True", "policy", "yes"))
	p.Settle()
	isReady(t, w, 2, "ca-pair")
}
