package orders_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/internal/acme"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// An Order for one name takes two writes of its own, and two for its Challenge.
func TestOneName(t *testing.T) {
	s := newScene(t, issuer(func(i *cmacme.ACMEIssuer) { i.PreferredChain = "Root X" }), web(t))
	if after := s.run(); after != time.Hour {
		t.Errorf("waits %s for its Challenge, want an hour", after)
	}
	s.called("newOrder web.example.com", "authz authz/1-0")
	s.is(cmacme.Pending, "")
	status := s.order().Status
	if status.URL != "https://acme.example/order/1" || status.FinalizeURL != "https://acme.example/order/1/finalize" || len(status.Authorizations) != 1 {
		t.Errorf("status %+v", status)
	}
	ch := s.challenge(0)
	key, _ := acme.Account{Key: accountKey}.DNSRecord("token-1-0-dns-01")
	if ch.Spec.Type != "DNS-01" || ch.Spec.DNSName != "web.example.com" || ch.Spec.Token != "token-1-0-dns-01" || ch.Spec.Key != key ||
		ch.Spec.AuthorizationURL != "https://acme.example/authz/1-0" || ch.Spec.URL != "https://acme.example/authz/1-0/dns-01" ||
		ch.Spec.Solver.DNS01 == nil || ch.Spec.IssuerRef.Name != "le" {
		t.Errorf("spec of the Challenge: %+v", ch.Spec)
	}
	owner := ch.OwnerReferences[0]
	if owner.UID != "uid-order" || !*owner.Controller || !*owner.BlockOwnerDeletion || ch.Finalizers[0] != "acme.cert-manager.io/finalizer" || ch.Labels["app"] != "web" {
		t.Errorf("metadata of the Challenge: %+v", ch.ObjectMeta)
	}
	s.proveAll()
	s.run()
	s.called("order order/1", "finalize order/1", "order order/1", "certificate order/1/certificate")
	s.is(cmacme.Valid, "")
	leaf := handlertest.Leaf(t, s.order().Status.Certificate)
	if leaf.DNSNames[0] != "web.example.com" || s.server.chain != "Root X" {
		t.Errorf("certificate for %v by chain %q", leaf.DNSNames, s.server.chain)
	}
	s.Wrote("update orders/status web-1-1", "create challenges "+ch.Name, "update orders/status web-1-1", "delete challenges "+ch.Name)
	s.Told(`Order/web-1-1 Normal Created: Created Challenge "`+ch.Name+`" for "web.example.com"`, "Order/web-1-1 Normal Complete: Order completed successfully")
	s.letGo()
	if left := s.challenges(); len(left) > 0 || s.run() != 0 {
		t.Errorf("left: %v", left)
	}
}

// Woken while the cache lags behind its own writes, it asks and tries nothing
// again: neither after the order was made, nor after its end.
func TestWokenBeforeTheCacheShowsIt(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	again := func() {
		t.Helper()
		s.server.calls = nil
		if _, err := s.p.Handle(webKey); err != nil {
			t.Error(err)
		}
		s.called()
	}
	if _, err := s.handle(); err != nil {
		t.Fatal(err)
	}
	again()
	s.run()
	s.proveAll()
	for s.order().Status.State != cmacme.Valid {
		result, err := s.handle()
		if err != nil {
			t.Fatal(err)
		}
		s.Wait(result.After)
	}
	again()
	s.Wrote("update orders/status web-1-1", "create challenges "+s.challenges()[0], "update orders/status web-1-1")
}

// While a server is at work it is asked in its own time, and by nobody's event
// any sooner.
func TestSlowServer(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	s.server.slow = true
	s.run()
	s.proveAll()
	s.server.calls = nil
	for _, want := range []string{"order order/1", "finalize order/1"} {
		result, err := s.handle()
		if err != nil {
			t.Fatal(err)
		}
		_, _ = want, result
	}
	result, _ := s.handle() // an event, too early
	if result.After != 3*time.Second {
		t.Errorf("rests %s, want the three seconds the server told", result.After)
	}
	s.called("order order/1", "finalize order/1")
}

// Authorizations that are valid already make no Challenge.
func TestProvedAlready(t *testing.T) {
	s := newScene(t, issuer(), web(t, "a.example.com", "b.example.com"))
	s.server.proved = true
	s.run()
	s.is(cmacme.Valid, "")
	s.Wrote("update orders/status web-1-1", "update orders/status web-1-1")
}

// Wherever the process dies, its successor ends with one order at a server that
// lists an account's orders.
func TestCrashAfterEveryWrite(t *testing.T) {
	for n := range 6 {
		order := web(t, "web.example.com", "www.example.com")
		order.CreationTimestamp.Time = handlertest.Now.Add(-time.Minute)
		s := newScene(t, issuer(), order)
		s.server.lists = true
		s.KillAfter(n)
		for range 3 {
			if died := s.p.Settle(); died {
				s.restart()
			}
			s.proveAll()
			s.Wait(time.Minute)
		}
		s.run()
		s.is(cmacme.Valid, "")
		if got := s.newOrders(); got != 1 {
			t.Errorf("killed at write %d: %d orders at the server, want 1: %v", n, got, s.server.calls)
		}
		s.letGo()
		if left := s.challenges(); len(left) > 0 {
			t.Errorf("killed at write %d: left %v", n, left)
		}
	}
}

// A status that cannot be written does not cost a second order.
func TestLostWrites(t *testing.T) {
	for _, fate := range []handlertest.Fate{handlertest.Lost, handlertest.Unheard} {
		s := newScene(t, issuer(), web(t))
		s.Fail(1, fate)
		if _, err := s.handle(); err == nil {
			t.Error("the lost write was not told")
		}
		s.Mend()
		s.run()
		s.proveAll()
		s.run()
		s.is(cmacme.Valid, "")
		if s.server.made != 1 {
			t.Errorf("fate %v: %d orders, want 1", fate, s.server.made)
		}
	}
}

// On a cache that lags, nothing is done twice.
func TestStaleCache(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	for range 3 {
		s.Unseen(func() {
			if _, err := s.p.Handle(webKey); err != nil {
				t.Fatal(err)
			}
		})
	}
	s.called("newOrder web.example.com", "authz authz/1-0")
	s.Refresh()
	for range 3 {
		s.Unseen(func() {
			if _, err := s.p.Handle(webKey); err != nil {
				t.Fatal(err)
			}
		})
	}
	if len(s.challenges()) != 1 {
		t.Errorf("Challenges: %v", s.challenges())
	}
	s.proveAll()
	for range 4 {
		s.Refresh()
		s.Unseen(func() { _, _ = s.p.Handle(webKey); s.Wait(time.Second) })
	}
	s.run()
	s.is(cmacme.Valid, "")
	if n := strings.Count(strings.Join(s.server.calls, " "), "finalize"); n != 1 {
		t.Errorf("finalized %d times: %v", n, s.server.calls)
	}
}

// Two Orders for the same names at a server that gives a pending order again:
// the second has its own, once the first has ended.
func TestRivals(t *testing.T) {
	other := web(t)
	other.Name, other.UID = "other-1-1", "uid-other"
	s := newScene(t, issuer(), web(t), other)
	s.server.reuses = true
	s.run()
	if _, err := s.p.Handle(handlertest.OrderKey("other-1-1")); err != nil {
		t.Fatal(err)
	}
	s.Refresh()
	if _, err := s.p.Handle(handlertest.OrderKey("other-1-1")); err != nil {
		t.Fatal(err)
	}
	if got := handlertest.Get[*cmacme.Order](s.World, "other-1-1").Status; got.URL != "" || got.Reason != `Waiting for Order "web-1-1", which the ACME server serves by the same order` {
		t.Errorf("the second: %+v", got)
	}
	s.proveAll()
	s.run()
	s.is(cmacme.Valid, "")
	s.Refresh()
	if _, err := s.p.Handle(handlertest.OrderKey("other-1-1")); err != nil {
		t.Fatal(err)
	}
	if got := handlertest.Get[*cmacme.Order](s.World, "other-1-1").Status; got.URL != "https://acme.example/order/2" || got.Reason != "" {
		t.Errorf("the second, afterwards: %+v", got)
	}
}

// What an earlier process ordered is not taken over when it may be another's.
func TestLeftoverOfAnother(t *testing.T) {
	first, second := web(t), web(t)
	second.Name, second.UID = "other-1-1", "uid-other"
	for _, o := range []*cmacme.Order{first, second} {
		o.CreationTimestamp.Time = handlertest.Now.Add(-time.Hour)
	}
	s := newScene(t, issuer(), first, second)
	s.server.lists = true
	s.server.make(acme.NewOrder{Identifiers: []acme.Identifier{{Type: "dns", Value: "web.example.com"}}})
	s.run()
	if got := s.order().Status.URL; got != "https://acme.example/order/2" {
		t.Errorf("served by %s", got)
	}
}

// The solver of the issuer is corrected while a proof is under way: the proof is
// made anew by it, when the old one has been cleaned up.
func TestChangedSolver(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	s.run()
	before := s.challenge(0).Name
	handlertest.Edit(s.World, "le", func(i *cmapi.Issuer) {
		i.Spec.ACME.Solvers = []cmacme.ACMEChallengeSolver{{DNS01: dns("two")}}
	})
	s.run()
	if got := s.challenges(); len(got) != 1 || got[0] != before || s.challenge(0).DeletionTimestamp == nil {
		t.Fatalf("before it is cleaned up: %v", got)
	}
	s.letGo()
	s.run()
	if ch := s.challenge(0); ch.Name == before || ch.Spec.Solver.DNS01.Webhook.GroupName != "two" {
		t.Errorf("afterwards: %s by %+v", ch.Name, ch.Spec.Solver.DNS01)
	}
	s.called("newOrder web.example.com", "authz authz/1-0")
}

// An order with an end of validity, a profile and a certificate to replace.
func TestWhatIsAskedFor(t *testing.T) {
	order := web(t)
	order.Spec.Duration, order.Spec.Profile, order.Spec.Replaces = hours(48), "shortlived", "cert-id"
	order.Spec.CommonName, order.Spec.IPAddresses = "WEB.example.com", []string{"192.0.2.1"}
	s := newScene(t, issuer(func(i *cmacme.ACMEIssuer) { i.EnableDurationFeature = true }), order)
	s.server.fails["newOrder"] = []error{&acme.Error{Class: acme.Refused, Type: "alreadyReplaced"}}
	if _, err := s.handle(); err != nil {
		t.Fatal(err)
	}
	s.called("newOrder web.example.com,192.0.2.1 replaces cert-id", "newOrder web.example.com,192.0.2.1", "authz authz/1-0", "authz authz/1-1")
	asked := s.server.asked["https://acme.example/order/1"]
	if !asked.NotAfter.Equal(handlertest.Now.Add(48*time.Hour)) || asked.Profile != "shortlived" || asked.Identifiers[1].Type != "ip" {
		t.Errorf("asked for %+v", asked)
	}
}
