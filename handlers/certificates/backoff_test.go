package certificates_test

import (
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// lastFailed is when the attempts of these tests failed: a whole second, as
// the API keeps them.
var lastFailed = handlertest.Now.Truncate(time.Second)

// failedBefore has no Secret, after that many failed attempts to make it.
func failedBefore(attempts int) func(*testing.T, *certificates.Observed) {
	return func(_ *testing.T, o *certificates.Observed) {
		o.Secret, o.Stored = nil, certificates.Stored{}
		s := &o.Certificate.Status
		s.NotBefore, s.NotAfter, s.RenewalTime = nil, nil, nil
		s.LastFailureTime = &metav1.Time{Time: lastFailed}
		if attempts > 0 {
			s.FailedIssuanceAttempts = &attempts
		}
		unready(o, "DoesNotExist", "Issuing certificate as Secret does not exist")
	}
}

// failedAt says that the spec of a generation failed.
func failedAt(o *certificates.Observed, generation int64) {
	s := &o.Certificate.Status
	s.Conditions = append(s.Conditions, cmapi.CertificateCondition{
		Type: cmapi.CertificateConditionIssuing, Status: "False", Reason: "Failed", Message: "refused",
		ObservedGeneration: generation, LastTransitionTime: &metav1.Time{Time: lastFailed},
	})
}

func TestBackoffDoublesUpToItsLimit(t *testing.T) {
	t.Parallel()
	for attempts, wait := range map[int]time.Duration{
		0:    time.Hour, // failed under a program that did not count
		1:    time.Hour,
		2:    2 * time.Hour,
		3:    4 * time.Hour,
		4:    8 * time.Hour,
		5:    16 * time.Hour,
		6:    32 * time.Hour,
		7:    32 * time.Hour,
		1000: 32 * time.Hour,
	} {
		o := observed(t, func(o *certificates.Observed) { failedBefore(attempts)(t, o) })
		wantStep(t, certificates.Next(o, lastFailed), "Rest "+wait.String())
		wantStep(t, certificates.Next(o, lastFailed.Add(wait-time.Second)), "Rest 1s")
		wantStep(t, certificates.Next(o, lastFailed.Add(wait)), "Request 2 mends | Normal Issuing: ...")
	}
}

func TestBackoffEnds(t *testing.T) {
	t.Parallel()
	failed := func(edit func(*certificates.Observed)) func(*testing.T, *certificates.Observed) {
		return func(t *testing.T, o *certificates.Observed) {
			failedBefore(3)(t, o)
			requested(ready("Failed", "refused"))(t, o)
			o.LastFailed = o.Next.UID
			edit(o)
		}
	}
	decide(t, []decision{
		{name: "it does not before its time: the failed request stays, to be looked at", want: "Rest 4h0m0s", late: -400 * time.Millisecond,
			o: failed(func(*certificates.Observed) {})},
		{name: "with an edit of what was asked for", want: "Discard web-2",
			o: failed(func(o *certificates.Observed) { o.Certificate.Spec.DNSNames = []string{"new.example.com"} })},
		{name: "not with an edit of anything else", want: "Settle Ready=False/DoesNotExist",
			o: failed(func(o *certificates.Observed) { o.Certificate.Generation++ })},
		{name: "when somebody asks by hand", want: "Discard web-2",
			o: failed(func(o *certificates.Observed) { handlertest.ManuallyTriggered(o.Certificate) })},
		{name: "when its time has come", want: "Discard web-2", late: 4 * time.Hour,
			o: failed(func(*certificates.Observed) {})},
		{name: "for a request made since: it is not held up", want: "Rest 0s",
			o: failed(func(o *certificates.Observed) {
				o.Next.Status, o.Next.UID = cmapi.CertificateRequestStatus{}, "uid-since"
			})},
		{name: "with an edit, also when the failed request is gone", want: "Request 2 mends | Normal Issuing: ...",
			o: failed(func(o *certificates.Observed) {
				o.Next, o.Certificate.Generation = nil, 2
				failedAt(o, 1)
			})},
		{name: "not when the failed request is gone without an edit", want: "Rest 4h0m0s", late: -400 * time.Millisecond,
			o: failed(func(o *certificates.Observed) {
				o.Next = nil
				failedAt(o, 1)
			})},
	})
}

// A certificate that could not be renewed is in order until it expires, and
// the back-off does not let the end pass unseen.
func TestBackoffOfARenewal(t *testing.T) {
	t.Parallel()
	late := toRenewal + time.Second
	failing := func(at time.Duration, attempts int) func(*testing.T, *certificates.Observed) {
		return func(_ *testing.T, o *certificates.Observed) {
			o.Certificate.Status.LastFailureTime = &metav1.Time{Time: handlertest.Now.Add(at)}
			o.Certificate.Status.FailedIssuanceAttempts = &attempts
		}
	}
	decide(t, []decision{
		{name: "waits", late: late, o: failing(late, 1), want: "Rest 1h0m0s"},
		{name: "is tried again", late: late + time.Hour, o: failing(late, 1), want: "Request 2 | Normal Issuing: Renewing ..."},
		{name: "wakes at the end of the certificate", late: toEnd - time.Minute, o: failing(toEnd-time.Minute, 6), want: "Rest 1m0s"},
		{name: "says so when it has expired", late: toEnd, o: failing(toEnd-time.Minute, 6), want: "Settle Ready=False/Expired"},
	})
}

func TestAFailureCountsOnce(t *testing.T) {
	t.Parallel()
	const failure = "Settle Ready=False/DoesNotExist Issuing=False/Failed | Warning Failed: ..."
	made := lastFailed.Add(-time.Minute) // the failed request
	for name, row := range map[string]struct {
		counted time.Time // status.lastFailureTime, before or after the request was made
		known   types.UID // what this process recorded last
		want    string
	}{
		"the first one": {time.Time{}, "", failure},
		"after a restart: counted, since it is older":          {lastFailed, "", "Discard web-2"},
		"after a restart: counted in the same second":          {made, "", "Discard web-2"},
		"after a restart: the one counted was before":          {made.Add(-time.Second), "", failure},
		"known and counted":                                    {lastFailed, "uid-web-request-2", "Discard web-2"},
		"another is known, by a clock that is ahead":           {lastFailed, "uid-web-request-1", failure},
		"known, but the status shown is older: counted":        {time.Time{}, "uid-web-request-2", failure},
		"known, but the status shown is of the failure before": {made.Add(-time.Hour), "uid-web-request-2", failure},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observed(t, func(o *certificates.Observed) {
				failedBefore(1)(t, o)
				requested(ready("Failed", "refused"))(t, o)
				o.Next.CreationTimestamp = metav1.NewTime(made)
				o.LastFailed = row.known
				o.Certificate.Status.LastFailureTime = nil
				if !row.counted.IsZero() {
					o.Certificate.Status.LastFailureTime = &metav1.Time{Time: row.counted}
				}
			})
			wantStep(t, certificates.Next(o, lastFailed.Add(48*time.Hour)), row.want)
		})
	}
}

// An API server's clock may be ahead of ours: the time of a failure is never
// before that of its request, or a restart would count it again.
func TestAFailureIsNotOlderThanItsRequest(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ ahead, want time.Duration }{
		"clocks agree":            {-time.Minute, 0},
		"theirs is ahead of ours": {5 * time.Minute, 5 * time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observed(t, func(o *certificates.Observed) {
				failedBefore(2)(t, o)
				o.Certificate.Status.LastFailureTime = nil
				requested(ready("Failed", "refused"))(t, o)
				o.Next.CreationTimestamp = metav1.NewTime(lastFailed.Add(row.ahead))
			})
			step, ok := certificates.Next(o, handlertest.Now).(certificates.Settle)
			if !ok {
				t.Fatalf("got %T, want Settle", step)
			}
			s := step.Certificate.Status
			if want := lastFailed.Add(row.want); !s.LastFailureTime.Time.Equal(want) {
				t.Errorf("lastFailureTime: got %s, want %s", s.LastFailureTime.UTC(), want)
			}
			if *s.FailedIssuanceAttempts != 3 {
				t.Errorf("failedIssuanceAttempts: got %d, want 3", *s.FailedIssuanceAttempts)
			}
			o.Certificate.Status = s
			wantStep(t, certificates.Next(o, handlertest.Now), "Rest ...")
		})
	}
}

// Repairs of what somebody keeps spoiling wait; wishes and edits do not.
func TestDampedReissues(t *testing.T) {
	t.Parallel()
	damped := func(edit func(t *testing.T, o *certificates.Observed)) func(*testing.T, *certificates.Observed) {
		return func(t *testing.T, o *certificates.Observed) {
			o.Damped = handlertest.Now.Add(10 * time.Second)
			edit(t, o)
		}
	}
	spoilt := func(_ *testing.T, o *certificates.Observed) {
		o.Secret, o.Stored = nil, certificates.Stored{}
		o.Certificate.Status.NotBefore, o.Certificate.Status.NotAfter, o.Certificate.Status.RenewalTime = nil, nil, nil
		unready(o, "DoesNotExist", "Issuing certificate as Secret does not exist")
	}
	decide(t, []decision{
		{name: "a repair waits", want: "Rest 10s", o: damped(spoilt)},
		{name: "until then", want: "Request 2 mends | Normal Issuing: ...", o: damped(spoilt), late: 10 * time.Second},
		{name: "the status says what is wrong meanwhile", want: "Settle Ready=False/InvalidKeyPair",
			o: damped(func(t *testing.T, o *certificates.Observed) { o.Stored.Key = handlertest.NewKey(t) })},
		{name: "one under way is finished", want: "Store web-2", o: damped(func(t *testing.T, o *certificates.Observed) {
			spoilt(t, o)
			requested(signed)(t, o)
		})},
		{name: "an edit does not wait", want: "Request 2 | Normal Issuing: ...",
			o: damped(func(_ *testing.T, o *certificates.Observed) {
				o.Certificate.Spec.DNSNames = []string{"new.example.com"}
			})},
		{name: "a renewal does not wait", want: "Request 2 | Normal Issuing: ...", late: toRenewal,
			o: damped(func(_ *testing.T, o *certificates.Observed) { o.Damped = handlertest.Renewal.Add(time.Hour) })},
		{name: "a wish does not wait", want: "Request 2 mends",
			o: damped(func(t *testing.T, o *certificates.Observed) {
				spoilt(t, o)
				handlertest.ManuallyTriggered(o.Certificate)
			})},
		{name: "a dress is put right at once", want: "Redress",
			o: damped(func(_ *testing.T, o *certificates.Observed) { o.Secret.Labels = map[string]string{"x": "y"} })},
	})
}
