package acme

import (
	"fmt"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/harness"
)

// noFailure fails the test if a Certificate was charged with a failed issuance.
func noFailure(s *site.Site, name string) {
	s.Helper()
	crt := s.Get(name)
	if crt.Status.FailedIssuanceAttempts != nil || crt.Status.LastFailureTime != nil || harness.Revision(crt) != 1 {
		s.Errorf("it cost a failed issuance:\n%s", harness.Show(crt))
	}
	if n := len(s.AllRequests()); n != 1 {
		s.Errorf("there are %d requests, want 1", n)
	}
}

// TestServerInTrouble: one nonce of five is refused, and one request of
// twenty fails in one of three ways. The user sees nothing of it.
func TestServerInTrouble(t *testing.T) {
	s := begin(t)
	s.OwnServer(pebble.Options{NonceReject: 20, Reuse: 50})
	ref := s.HTTP()
	s.Gate.Trouble(5)
	for i := range 5 {
		s.Create(fmt.Sprintf("web-%d", i), ref, site.Names(s.HTTPName(fmt.Sprintf("www-%d", i))))
	}
	for i := range 5 {
		s.Obtained(fmt.Sprintf("web-%d", i), s.HTTPName(fmt.Sprintf("www-%d", i)))
		if crt := s.Get(fmt.Sprintf("web-%d", i)); crt.Status.FailedIssuanceAttempts != nil {
			t.Errorf("it cost a failed issuance:\n%s", harness.Show(crt))
		}
	}
	s.Clean()
}

// TestServerAway: what is waited for is said, and nothing fails.
func TestServerAway(t *testing.T) {
	s := begin(t)
	s.OwnServer(pebble.Options{})
	ref := s.HTTP()
	s.Gate.Shut(true)
	s.Create("web", ref, site.Names(s.HTTPName("www")))
	s.AwaitOrder(func(o *cmacme.Order) bool { return true })
	before := len(s.Gate.Calls())
	s.Eventually("the daemon has tried some times", func() error {
		if n := len(s.Gate.Calls()) - before; n < 2 {
			return fmt.Errorf("%d times", n)
		}
		return nil
	})
	s.Gate.Shut(false)
	s.Obtained("web", s.HTTPName("www"))
	noFailure(s, "web")
	s.Clean()
}

// TestRateLimit: the server tells to wait. The whole account waits for so long,
// which is said at the Issuer, at the Order and in an Event; nothing is sent
// meanwhile, nothing counts as failed, and then it goes on by itself.
func TestRateLimit(t *testing.T) {
	for name, action := range map[string]gate.Action{
		"newOrder": gate.NewOrder, "finalize": gate.Finalize, "challenge": gate.Challenge,
	} {
		t.Run(name, func(t *testing.T) {
			s := begin(t)
			s.OwnServer(pebble.Options{})
			ref := s.HTTP()
			const wait = 8 * time.Second
			s.Gate.Answer(action, 1, gate.Busy(wait))
			s.Create("web", ref, site.Names(s.HTTPName("www")))
			refused := refusedAt(s)
			s.Mentions(waitsFor(s, action), "rate")
			s.AwaitIssuer("http", func(status cmapi.IssuerStatus) bool { return saysPaused(status) })
			s.Obtained("web", s.HTTPName("www"))
			silence(s, refused, wait)
			noFailure(s, "web")
			s.Clean()
			s.AwaitIssuer("http", func(status cmapi.IssuerStatus) bool {
				ready, _, _ := harness.IssuerReady(status)
				return ready && !saysPaused(status)
			})
		})
	}
}

// TestRateLimitOfAccounts: an issuer that may not register yet says so, and
// registers when it may.
func TestRateLimitOfAccounts(t *testing.T) {
	s := begin(t)
	s.OwnServer(pebble.Options{})
	const wait = 5 * time.Second
	s.Gate.Answer(gate.NewAccount, 1, gate.Busy(wait))
	s.CreateIssuer("http", s.Parts.Issuer(s.Gate, "account", parts.HTTP01()))
	issuerNotReady(s, "http", "rate")
	s.IssuerReady("http")
	silence(s, refusedAt(s), wait)
}

// waitsFor is the reason that whoever waits gives: an Order, or the Challenge
// that could not be taken up. It must not have come to an end.
func waitsFor(s *site.Site, action gate.Action) string {
	s.Helper()
	if action == gate.Challenge {
		challenge := s.AwaitChallenge(func(c *cmacme.Challenge) bool { return c.Status.Reason != "" })
		if challenge.Status.State != cmacme.Pending {
			s.Errorf("the Challenge has come to an end:\n%s", harness.Show(challenge))
		}
		return challenge.Status.Reason
	}
	order := s.AwaitOrder(func(o *cmacme.Order) bool { return o.Status.Reason != "" })
	if final(order) {
		s.Errorf("the Order has come to an end:\n%s", harness.Show(order))
	}
	return order.Status.Reason
}

func final(order *cmacme.Order) bool {
	switch order.Status.State {
	case cmacme.Errored, cmacme.Invalid, cmacme.Expired:
		return true
	}
	return false
}

// refusedAt waits for the answer of 429 and returns its time.
func refusedAt(s *site.Site) time.Time {
	s.Helper()
	var at time.Time
	s.Eventually("the server refuses", func() error {
		for _, call := range s.Gate.Calls() {
			if call.Status == 429 {
				at = call.At
				return nil
			}
		}
		return fmt.Errorf("it has not yet")
	})
	return at
}

// silence fails the test if the account sent something while it was to wait.
func silence(s *site.Site, from time.Time, wait time.Duration) {
	s.Helper()
	for _, call := range s.Gate.Calls() {
		// Calls that were on their way as the answer came count not.
		if after := call.At.Sub(from); after > 500*time.Millisecond && after < wait-500*time.Millisecond {
			s.Errorf("%s was sent %s after the server told to wait %s", call.Action, after.Round(time.Millisecond), wait)
		}
	}
}

// TestServerForgets: the ACME server is restarted in mid-order and knows no
// account, no order and no authorization any more.
func TestServerForgets(t *testing.T) {
	s := begin(t)
	s.OwnServer(pebble.Options{})
	ref := s.HTTP()
	name := s.HTTPName("www")
	find := lost.lose(name)
	s.Create("web", ref, site.Names(name))
	s.AwaitChallenge(func(c *cmacme.Challenge) bool { return c.Status.Presented })
	s.Must(s.Pebble.Restart(t.Context()))
	find()
	s.Obtained("web", name)
	s.Clean()
	ordered(s, 2, name) // one at each life of the server
}
