package challenges

import (
	"errors"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func these(s ...string) []string { return s }

// A challenge that passes is two writes, and one more when it is deleted.
func TestFromPlaceToEnd(t *testing.T) {
	bubble(t, func(w *world) {
		w.put("web")
		w.wait(time.Second)
		w.happened("proved", these("place shop/web true", "status shop/web"),
			these("Normal Started", "Normal Presented", `Normal DomainVerified: "web.test" is proved by HTTP-01`),
			these("present web", "look web", "remove web", "ask", "accept", "ask"))
		want := cmacme.ChallengeStatus{State: cmacme.Valid, Reason: messageValid}
		if got := w.status("web"); got != want {
			t.Errorf("status %+v, want %+v", got, want)
		}
		w.start()
		w.wait(time.Hour)
		w.happened("it rests, also after a restart", nil, nil, nil)
		w.remove("web")
		w.rest()
		w.happened("let go", these("finalizers shop/web"), nil, nil)
		if w.get("web") != nil {
			t.Error("it is still there")
		}
	})
}

// Woken while the cache lags behind its own writes, it tries none again.
func TestWokenBeforeTheCacheShowsIt(t *testing.T) {
	bubble(t, func(w *world) {
		w.server.after = func(s *apiServer, _ string) {
			last := s.history[len(s.history)-1].name
			go func() {
				for range 4 {
					time.Sleep(500 * time.Millisecond)
					w.mu.Lock()
					w.wake(queue.Key{Kind: queue.Challenge, Namespace: last.Namespace, Name: last.Name})
					w.mu.Unlock()
				}
				w.show(last)
			}()
		}
		var tried []string
		w.server.fate = func(write string) fate { tried = append(tried, write); return stored }
		w.put("web", func(ch *cmacme.Challenge) { ch.Finalizers = nil })
		w.wait(time.Minute)
		w.remove("web")
		w.wait(time.Minute)
		want := these("place shop/web true", "finalizers shop/web", "status shop/web", "finalizers shop/web")
		if diff := cmp.Diff(want, tried); diff != "" {
			t.Errorf("writes that were tried (-want +got):\n%s", diff)
		}
		if w.get("web") != nil {
			t.Error("it is still there")
		}
	})
}

func TestTheServerKnowsItAlready(t *testing.T) {
	bubble(t, func(w *world) {
		w.change(func() { w.acme.onAsk = func(a *authorization) { a.state = acme.Valid } })
		w.put("web")
		w.wait(time.Second)
		w.happened("no proof is presented", these("place shop/web true", "status shop/web"),
			these("Normal Started", "Normal DomainVerified"), these("remove web", "ask"))
	})
}

// However long the self check fails: one write says so, and no worker waits.
func TestSelfCheckThatFails(t *testing.T) {
	bubble(t, func(w *world) {
		w.solver.fail(Visible, errors.New("404 at http://web.test"))
		w.put("web")
		w.wait(2 * time.Minute)
		looks := 0
		for _, c := range w.calls() {
			if c == "look web" {
				looks++
			}
		}
		if looks != 15 { // at 0, 1, 3, 8 and from then on every 10 s
			t.Errorf("%d looks in two minutes, want 15", looks)
		}
		w.happened("told once", these("place shop/web true", "status shop/web"), these("Normal Started", "Normal Presented"), nil)
		s := w.status("web")
		if !s.Processing || !s.Presented || s.PresentedAt == nil || s.State != cmacme.Pending ||
			s.Reason != "the self check does not pass yet: 404 at http://web.test" {
			t.Errorf("status %+v", s)
		}
		w.solver.fail(Visible, nil)
		w.wait(11 * time.Second)
		w.happened("mended", these("status shop/web"), these("Normal DomainVerified"), these("look web", "remove web", "accept", "ask"))
	})
}

func TestWaitInsteadOfSelfCheck(t *testing.T) {
	bubble(t, func(w *world) {
		wait := func(d time.Duration) func(*cmacme.Challenge) {
			return func(ch *cmacme.Challenge) { ch.Spec.Solver.WaitInsteadOfSelfCheck = &metav1.Duration{Duration: d} }
		}
		w.put("none", wait(0))
		w.wait(time.Second)
		w.happened("at once", these("place shop/none true", "status shop/none"), these("Normal Started", "Normal Presented", "Normal DomainVerified"),
			these("present none", "remove none", "ask", "accept", "ask"))
		w.put("long", wait(time.Minute))
		w.wait(30 * time.Second)
		w.happened("half of it", these("place shop/long true", "status shop/long"), these("Normal Started", "Normal Presented"), these("present long", "ask"))
		w.start() // and the time goes on
		w.wait(31 * time.Second)
		w.happened("after it", these("status shop/long"), these("Normal DomainVerified"), these("present long", "remove long", "ask", "accept", "ask"))
	})
}

func TestWhatTheServerSays(t *testing.T) {
	refusal := func(class acme.Class, kind string) func(string) error {
		return func(call string) error {
			if call == "accept" {
				return &acme.Error{Class: class, Type: kind, Detail: "no"}
			}
			return nil
		}
	}
	for _, row := range []struct {
		name   string
		takes  func(*authorization)
		deny   func(string) error
		state  cmacme.State
		reason string
	}{
		{"invalid", func(a *authorization) {
			a.state, a.problem = acme.Invalid, &acme.Error{Type: "connection", Detail: "refused"}
		}, nil, cmacme.Invalid, "the server does not accept the proof: connection: refused"},
		{"expired", func(a *authorization) { a.state = acme.Expired }, nil, cmacme.Expired,
			"the authorization has expired at the server before it was proved"},
		{"deactivated", func(a *authorization) { a.state = acme.Deactivated }, nil, cmacme.Invalid,
			"the authorization was deactivated at the server"},
		{"malformed", nil, refusal(acme.Refused, "malformed"), cmacme.Expired, "the server refuses the challenge: malformed: no"},
		{"unauthorized", nil, refusal(acme.Refused, "unauthorized"), cmacme.Errored, "the server refuses the challenge: unauthorized: no"},
		{"gone", nil, refusal(acme.Gone, ""), cmacme.Expired, "the server refuses the challenge: no"},
		{"no account", nil, refusal(acme.NoAccount, "accountDoesNotExist"), cmacme.Errored, "the server refuses the challenge: accountDoesNotExist: no"},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.change(func() { w.acme.takes, w.acme.deny = row.takes, row.deny })
				w.put("web")
				w.wait(time.Minute)
				if s := w.status("web"); s.State != row.state || s.Reason != row.reason || s.Processing || s.Presented {
					t.Errorf("status %+v, want %s: %s", s, row.state, row.reason)
				}
				if writes := w.server.wrote(); len(writes) != 2 {
					t.Errorf("writes: %q", writes)
				}
				if told := w.events.told(); len(told) != 3 || told[2] != `Warning Failed: "web.test" is not proved by HTTP-01: `+row.reason {
					t.Errorf("events: %q", told)
				}
			})
		})
	}
}

// A server that refuses to be told twice has taken it the first time.
func TestAcceptedBeforeACrash(t *testing.T) {
	bubble(t, func(w *world) {
		w.acme.deny = func(call string) error {
			if call == "accept" {
				w.acme.of["https://acme.test/authorization/web"].own = acme.Processing
				return &acme.Error{Class: acme.Refused, Type: "malformed", Detail: "it is processing"}
			}
			return nil
		}
		w.put("web")
		w.wait(5 * time.Second)
		if s := w.status("web"); s.State != "" {
			t.Errorf("status %+v, want none yet", s)
		}
		w.change(func() { w.acme.of["https://acme.test/authorization/web"].state = acme.Valid })
		w.wait(10 * time.Second)
		if s := w.status("web"); s.State != cmacme.Valid {
			t.Errorf("status %+v, want valid", s)
		}
	})
}

// What fails because nobody was there to answer says nothing of the name.
func TestNobodyAnswered(t *testing.T) {
	const words = "the server does not accept the proof: connection: refused"
	for _, row := range []struct {
		name   string
		kind   cmacme.ACMEChallengeType
		first  acme.State // of the challenge, as the next process sees it
		reason string
	}{
		{"it has looked", cmacme.ACMEChallengeTypeHTTP01, acme.Invalid, api.Interrupted + ": " + words},
		{"it looks", cmacme.ACMEChallengeTypeHTTP01, acme.Processing, api.Interrupted + ": " + words},
		{"it does not look yet", cmacme.ACMEChallengeTypeHTTP01, acme.Pending, words},
		{"the DNS answers", cmacme.ACMEChallengeTypeDNS01, acme.Invalid, words},
	} {
		t.Run(row.name, func(t *testing.T) {
			bubble(t, func(w *world) {
				w.change(func() { w.acme.takes = func(a *authorization) { a.own = acme.Processing } })
				w.put("web", func(ch *cmacme.Challenge) { ch.Spec.Type = row.kind })
				w.wait(time.Second)
				web := w.acme.of["https://acme.test/authorization/web"]
				w.change(func() {
					if web.own = row.first; row.first == acme.Invalid {
						web.state, web.problem = acme.Invalid, &acme.Error{Type: "connection", Detail: "refused"}
					}
				})
				w.start()
				w.wait(time.Second)
				w.change(func() {
					web.state, web.own, web.problem = acme.Invalid, acme.Invalid, &acme.Error{Type: "connection", Detail: "refused"}
				})
				w.wait(time.Minute)
				if s := w.status("web"); s.State != cmacme.Invalid || s.Reason != row.reason {
					t.Errorf("status %+v, want invalid: %s", s, row.reason)
				}
			})
		})
	}
}

func TestServerThatCannotBeAsked(t *testing.T) {
	bubble(t, func(w *world) {
		w.change(func() { w.acme.err = &acme.Error{Class: acme.Transient, Detail: "connection refused"} })
		w.put("web")
		w.wait(10 * time.Minute)
		if s := w.status("web"); s.State != cmacme.Pending || s.Reason != "the server cannot be asked: connection refused" {
			t.Errorf("status %+v", s)
		}
		if writes := w.server.wrote(); len(writes) != 2 {
			t.Errorf("writes: %q", writes)
		}
		w.change(func() { w.acme.err = nil })
		w.wait(6 * time.Minute)
		if s := w.status("web"); s.State != cmacme.Valid {
			t.Errorf("status %+v, want valid", s)
		}
	})
}

func TestServerThatAsksForAPause(t *testing.T) {
	bubble(t, func(w *world) {
		w.change(func() {
			w.acme.err = &acme.Error{Class: acme.Paused, Type: "rateLimited", Detail: "too many", RetryAfter: time.Minute}
		})
		w.put("web")
		w.wait(50 * time.Second)
		if s := w.status("web"); s.Reason != "the server asks not to be asked for a while: rateLimited: too many" {
			t.Errorf("status %+v", s)
		}
		if calls := w.calls(); len(calls) != 1 {
			t.Errorf("calls in the pause: %q", calls)
		}
		w.change(func() { w.acme.err = nil })
		w.wait(time.Minute)
		w.happened("and then it goes on", these("place shop/web true", "status shop/web", "status shop/web"),
			these("Normal Started", "Normal Presented", "Normal DomainVerified"), these("present web", "look web", "remove web", "ask", "accept", "ask"))
	})
}

func TestIssuerThatIsMissing(t *testing.T) {
	bubble(t, func(w *world) {
		issuer := w.issuer
		w.change(func() { w.issuer = nil })
		w.put("web")
		w.wait(time.Minute)
		w.happened("said once", these("place shop/web true", "status shop/web"), these("Normal Started"), nil)
		if s := w.status("web"); s.Reason != `spec.issuerRef: Issuer.cert-manager.io/le does not exist: create it again, and this challenge goes on` {
			t.Errorf("status %+v", s)
		}
		w.change(func() { w.issuer = &cmapi.Issuer{} })
		w.wait(2 * time.Minute)
		if s := w.status("web"); s.Reason != `spec.issuerRef: Issuer.cert-manager.io/le is not of type acme any more: make it so again, or delete the Order` {
			t.Errorf("status %+v", s)
		}
		w.change(func() { w.issuer = issuer })
		w.wait(2 * time.Minute)
		if s := w.status("web"); s.State != cmacme.Valid {
			t.Errorf("status %+v, want valid", s)
		}
	})
}

func TestPresentingFails(t *testing.T) {
	bubble(t, func(w *world) {
		w.solver.fail(Present, Faulty("spec.acme.solvers: no"))
		w.put("web")
		w.wait(5 * time.Minute)
		if calls := w.calls(); len(calls) > 12 || len(calls) < 8 {
			t.Errorf("tries: %q", calls)
		}
		w.happened("told once", these("place shop/web true", "status shop/web"),
			these("Normal Started", "Warning PresentError: cannot present the proof: spec.acme.solvers: no"), nil)
		w.solver.fail(Present, nil)
		w.wait(2 * time.Minute)
		if s := w.status("web"); s.State != cmacme.Valid {
			t.Errorf("status %+v, want valid", s)
		}
	})
}

func TestSolverThatPanicsOrHangs(t *testing.T) {
	bubble(t, func(w *world) {
		w.change(func() { w.solver.panics = true })
		w.put("web")
		w.wait(3 * time.Second)
		if s := w.status("web"); s.Reason != "cannot present the proof: the solver failed by a fault of its own: see the log of certwright" {
			t.Errorf("status %+v", s)
		}
		w.change(func() { w.solver.panics, w.solver.takes[Present] = false, time.Hour })
		w.wait(10 * time.Minute)
		if s := w.status("web"); s.Reason != "cannot present the proof: no result within 2m0s" {
			t.Errorf("status %+v", s)
		}
	})
}

// Without the finalizer nothing is presented.
func TestFinalizerFirst(t *testing.T) {
	bubble(t, func(w *world) {
		w.put("web", func(ch *cmacme.Challenge) { ch.Finalizers = []string{"somebody.else/finalizer"} })
		w.wait(time.Second)
		w.happened("proved", these("place shop/web true", "finalizers shop/web", "status shop/web"),
			these("Normal Started", "Normal Presented", "Normal DomainVerified"), these("present web", "look web", "remove web", "ask", "accept", "ask"))
		w.remove("web")
		w.rest()
		if ch := w.get("web"); ch == nil || len(ch.Finalizers) != 1 || ch.Finalizers[0] != "somebody.else/finalizer" {
			t.Errorf("finalizers: %v, want somebody else's", ch)
		}
	})
}
