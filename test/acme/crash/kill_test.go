package crash

import (
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/gate"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/harness"
)

const (
	// issuances are made one by one, each with a kill in the middle.
	issuances = 20
	// span is about how long an issuance takes, and twice as long: the kills
	// fall all over it, and some after it.
	span = 3 * time.Second
)

// TestKilledInAnIssuance kills the daemon once in the course of each issuance.
// What is asked of the server is asked once, and nothing stays behind.
//
// One window is known and told in handlers/orders: a daemon that dies between
// the server's answer to newOrder and the write of the Order's status does not
// know of that order, at a server that gives no list of orders (pebble gives
// one). The gate tells such an order from one that was forgotten: it counts
// only here where the answer came less than window before the kill.
func TestKilledInAnIssuance(t *testing.T) {
	seed := seed(t)
	random := rand.New(rand.NewPCG(seed, 0))
	s := begin(t)
	d := start(t)
	issuers := []cmmeta.IssuerReference{s.HTTP(), s.DNS()}
	names := []func(string) string{s.HTTPName, s.DNSName}
	for i := range issuances {
		crt := fmt.Sprintf("web-%02d", i)
		name := names[i%2](crt)
		s.Create(crt, issuers[i%2], site.Names(name))
		killed := killAt(s, d, time.Duration(random.Int64N(int64(span))))
		s.Obtained(crt, name)
		once(s, name, killed, i%2 == 0 && unanswered(s, killed))
	}
	settled(s)
	s.Clean()
}

// window is how long the write of a status may take after the server's answer.
const window = 300 * time.Millisecond

// once fails the test if the server made more orders for a name than the kill
// can explain.
func once(s *site.Site, name string, killed time.Time, unanswered bool) {
	s.Helper()
	orders := s.Gate.OrdersFor(name)
	if len(orders) == 2 && unanswered {
		s.Logf("a second order for %s: nobody answered the server's look", name)
		return
	}
	if len(orders) == 2 && killed.Sub(orders[0].At).Abs() < window {
		s.Logf("a second order for %s: the kill came %s after the first was asked for", name, killed.Sub(orders[0].At))
		return
	}
	if len(orders) != 1 {
		s.Errorf("the server has %d orders for %s, want 1 (killed at %s): %v", len(orders), name, killed, orders)
	}
	if n := len(s.Gate.Calls(gate.Finalize)); n == 0 {
		s.Errorf("no order was finalized, which cannot be")
	}
}

// look is how long the server may take to look at a proof by HTTP-01. With one
// daemon alone, nobody answers it while that is dead, and then the server
// rightly refuses: the order is made anew, at once.
const look = 2 * time.Second

// unanswered tells whether the server may have looked at a proof that the daemon
// itself answers for, when that was killed.
func unanswered(s *site.Site, killed time.Time) bool {
	asked := s.Gate.Calls(gate.Challenge)
	return len(asked) > 0 && slices.ContainsFunc(asked, func(c gate.Call) bool {
		return c.At.Before(killed) && killed.Sub(c.At) < look
	})
}

// killAt kills the daemon at a moment, and starts it again.
func killAt(s *site.Site, d *harness.Daemon, moment time.Duration) time.Time {
	s.Helper()
	select {
	case <-time.After(moment): // this is the moment of the kill, not a wait for anything
	case <-d.Exited():
		s.Fatalf("the daemon ended by itself. %s", d.Tail(40))
	}
	d.Kill()
	at := time.Now()
	s.Must(d.Start())
	return at
}

// settled judges what is there when all is done.
func settled(s *site.Site) {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	all, err := s.Certificates().UntilAll(ctx, s.Namespace, harness.AllReady(issuances))
	s.Must(err)
	for _, crt := range all {
		if harness.Revision(crt) != 1 || crt.Status.FailedIssuanceAttempts != nil {
			s.Errorf("%s was issued more often than asked, or failed:\n%s", crt.Name, harness.Show(crt))
		}
	}
	s.NoLeftovers()
	_, err = s.Requests().UntilAll(ctx, s.Namespace, func(all []*cmapi.CertificateRequest) bool { return len(all) == issuances })
	s.Must(err)
}

// seed makes a failure repeatable as far as time can be.
func seed(t *testing.T) uint64 {
	seed := rand.Uint64()
	if given := os.Getenv("CERTWRIGHT_TEST_SEED"); given != "" {
		var err error
		if seed, err = strconv.ParseUint(given, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("CERTWRIGHT_TEST_SEED=%d", seed)
	return seed
}
