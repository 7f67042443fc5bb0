package challenges

import (
	"errors"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/acme"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// observed is a challenge at work of which the server has said that it is
// pending, presented ten seconds ago.
func observed(change ...func(*Observed)) Observed {
	ch := proof("shop", "web", "web.test", time.Minute)
	ch.Status.Processing = true
	o := Observed{Challenge: ch, Server: Server{State: acme.Pending}, Told: true, CheckPeriod: 10 * time.Second}
	o.Runs[Present] = Run{Began: epoch.Add(-11 * time.Second), Ended: epoch.Add(-10 * time.Second)}
	for _, f := range change {
		f(&o)
	}
	return o
}

func run(v Verb, r Run) func(*Observed) { return func(o *Observed) { o.Runs[v] = r } }

func server(s Server) func(*Observed) { return func(o *Observed) { o.Server = s } }

func status(s cmacme.ChallengeStatus) func(*Observed) {
	return func(o *Observed) { o.Challenge.Status = s }
}

func failed(times int, ago time.Duration) Run {
	return Run{Began: epoch.Add(-ago), Ended: epoch.Add(-ago), Err: errors.New("no"), Failed: times}
}

func TestNext(t *testing.T) {
	t.Parallel()
	ok := Run{Began: epoch, Ended: epoch}
	at := metav1.NewTime(epoch.Add(-10 * time.Second))
	deleted := func(o *Observed) { now := metav1.NewTime(epoch); o.Challenge.DeletionTimestamp = &now }
	for _, row := range []struct {
		name string
		o    Observed
		want Step
	}{
		{"without a place", observed(status(cmacme.ChallengeStatus{})), Rest{}},
		{"the server was not asked", observed(server(Server{})), Ask{}},
		{"no finalizer", observed(func(o *Observed) { o.Challenge.Finalizers = nil }), Adopt{}},
		{"the legacy finalizer does", observed(func(o *Observed) { o.Challenge.Finalizers = []string{cmacme.ACMELegacyFinalizer} }), Start{Visible}},
		{"not presented", observed(run(Present, Run{})), Start{Present}},
		{"being presented", observed(run(Present, Run{Running: true})), Rest{}},
		{"presented", observed(func(o *Observed) { o.Told = false }), Tell{Event{Reason: "Presented", Message: `Presented the proof of "web.test" for HTTP-01`}}},
		{"presenting failed", observed(run(Present, failed(1, 0))), Write{
			cmacme.ChallengeStatus{Processing: true, State: cmacme.Pending, Reason: "cannot present the proof: no"},
			[]Event{{true, "PresentError", "cannot present the proof: no"}}}},
		{"presenting failed, as is told", observed(run(Present, failed(2, time.Second)),
			status(cmacme.ChallengeStatus{Processing: true, State: cmacme.Pending, Reason: "cannot present the proof: no"})), Rest{After: 4 * time.Second}},
		{"presenting failed a while ago", observed(run(Present, failed(2, 5*time.Second)),
			status(cmacme.ChallengeStatus{Processing: true, State: cmacme.Pending, Reason: "cannot present the proof: no"})), Start{Present}},
		{"to be looked at", observed(), Start{Visible}},
		{"being looked at", observed(run(Visible, Run{Running: true})), Rest{}},
		{"seen", observed(run(Visible, ok)), Accept{}},
		{"not seen at first", observed(run(Visible, failed(1, 0))), Rest{After: time.Second}},
		{"not seen for three seconds", observed(run(Visible, failed(3, 0))), Rest{After: 5 * time.Second}},
		{"not seen for eight seconds", observed(run(Visible, failed(4, 0))), Write{Status: cmacme.ChallengeStatus{
			Processing: true, Presented: true, PresentedAt: &at, State: cmacme.Pending, Reason: "the self check does not pass yet: no"}}},
		{"not seen for long", observed(run(Visible, failed(9, 10*time.Second)), status(cmacme.ChallengeStatus{
			Processing: true, Presented: true, PresentedAt: &at, State: cmacme.Pending, Reason: "the self check does not pass yet: no"})), Start{Visible}},
		{"not seen since it was presented long ago", observed(run(Visible, failed(40, 0)), run(Present, Run{Ended: epoch.Add(-6 * time.Minute)})), Start{Present}},
		{"accepted", observed(server(Server{State: acme.Pending, Accepted: true, Again: epoch.Add(time.Second)})), Rest{After: time.Second}},
		{"accepted a while ago", observed(server(Server{State: acme.Pending, Accepted: true, Again: epoch})), Ask{}},
		{"a short pause", observed(server(Server{Paused: epoch.Add(2 * time.Second), Trouble: "slow down"})), Rest{After: 2 * time.Second}},
		{"a long pause", observed(server(Server{Paused: epoch.Add(time.Hour), Trouble: "slow down"})), Write{Status: cmacme.ChallengeStatus{
			Processing: true, State: cmacme.Pending, Reason: "slow down"}}},
		{"valid at the server", observed(server(Server{End: cmacme.Valid})), Start{Remove}},
		{"being cleaned up", observed(server(Server{End: cmacme.Valid}), run(Remove, Run{Running: true, Began: epoch.Add(-time.Second / 2)})), Rest{After: time.Second / 2}},
		{"being cleaned up slowly", observed(server(Server{End: cmacme.Errored, Words: "w"}), run(Remove, Run{Running: true, Began: epoch.Add(-time.Second)})), Write{
			cmacme.ChallengeStatus{Processing: true, Presented: true, State: cmacme.Errored, Reason: "w"},
			[]Event{{true, "Failed", `"web.test" is not proved by HTTP-01: w`}}}},
		{"clean", observed(server(Server{End: cmacme.Valid}), run(Remove, ok)), Write{cmacme.ChallengeStatus{State: cmacme.Valid},
			[]Event{{Reason: "DomainVerified", Message: `"web.test" is proved by HTTP-01`}}}},
		{"at its end", observed(status(cmacme.ChallengeStatus{State: cmacme.Valid})), Rest{}},
		{"at its end, and not clean", observed(status(cmacme.ChallengeStatus{State: cmacme.Valid, Presented: true})), Start{Remove}},
		{"deleted before its turn", observed(deleted, status(cmacme.ChallengeStatus{})), Free{}},
		{"deleted at work", observed(deleted), Start{Remove}},
		{"deleted after a turn", observed(deleted, status(cmacme.ChallengeStatus{State: cmacme.Pending})), Start{Remove}},
		{"deleted and clean", observed(deleted, run(Remove, ok)), Free{}},
		{"deleted, and somebody else's", observed(deleted, func(o *Observed) { o.Challenge.Finalizers = []string{"x/y"} }), Rest{}},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(row.want, Next(row.o, epoch)); diff != "" {
				t.Errorf("step (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPhaseOf(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name string
		o    Observed
		want Phase
	}{
		{"at the beginning", observed(run(Present, Run{})), Working},
		{"one look failed", observed(run(Visible, failed(1, 0))), Working},
		{"two looks failed", observed(run(Visible, failed(2, 0))), Stuck},
		{"presenting failed", observed(run(Present, failed(1, 0))), Stuck},
		{"nothing can be done", observed(func(o *Observed) { o.Blocked = "no issuer" }), Stuck},
		{"a short pause", observed(server(Server{Paused: epoch.Add(time.Second)})), Working},
		{"a long pause", observed(server(Server{Paused: epoch.Add(time.Minute)})), Stuck},
		{"the server is silent", observed(server(Server{Trouble: "silence"})), Stuck},
		{"the server looks", observed(server(Server{Accepted: true})), Validating},
		{"it waits instead of looking", observed(func(o *Observed) {
			o.Challenge.Spec.Solver.WaitInsteadOfSelfCheck = &metav1.Duration{Duration: time.Minute}
		}), Stuck},
		{"it is cleaned up", observed(status(cmacme.ChallengeStatus{Processing: true, State: cmacme.Valid})), Working},
	} {
		if got := PhaseOf(row.o, epoch); got != row.want {
			t.Errorf("%s: phase %d, want %d", row.name, got, row.want)
		}
	}
}
