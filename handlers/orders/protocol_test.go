package orders_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/orders"
	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// spoken is a scene in which the protocol is really spoken.
type spoken struct {
	*scene
	acme    *acmetest.Server
	client  *acme.Client
	account acme.Account
}

// Of is the account of any issuer.
func (s *spoken) Of(context.Context, cmapi.GenericIssuer) (acme.Account, error) {
	return s.account, nil
}

func speak(t *testing.T, o acmetest.Options, order *cmacme.Order) *spoken {
	t.Helper()
	s := &spoken{scene: newScene(t, issuer(), order), acme: acmetest.New(t, o)}
	s.begin()
	return s
}

// begin starts a process with a client of its own.
func (s *spoken) begin() {
	s.client = acme.NewClient(acme.Options{Transport: s.acme.Transport(), Now: s.Clock.Now})
	s.account = acme.Account{Directory: s.acme.Directory(), Key: accountKey}
	registered, err := s.client.Register(s.t.Context(), s.account, acme.Registration{})
	if err != nil {
		s.t.Fatal(err)
	}
	s.account.URL = registered.URL
	settings := handlertest.Defaults()
	settings.More = func(w *handlertest.World) map[queue.Kind]queue.Handler {
		return map[queue.Kind]queue.Handler{queue.Order: orders.New(orders.Handler{
			Cache: w.Cache, Client: w.CertManager.AcmeV1(), Server: s.client, Accounts: s, Events: w.Recorder(), Clock: w.Clock})}
	}
	s.p = s.Start(settings)
	s.p.Handlers = map[queue.Kind]queue.Handler{queue.Order: s.p.Handlers[queue.Order]}
}

// live handles the Order until it is at its end or waits for its Challenges,
// and forgives faults that pass.
func (s *spoken) live() {
	s.t.Helper()
	for range 60 {
		result, err := s.handle()
		wait := result.After
		if err != nil {
			wait = time.Second
			if told, ok := queue.RetryDelay(err); ok {
				wait = told
			}
		}
		s.letGo()
		if wait > 50*time.Minute || wait == 0 && s.order().Status.State != cmacme.Pending && s.order().Status.State != "" {
			return
		}
		s.Wait(wait)
	}
	s.t.Fatalf("no end: %+v, %v", s.order().Status, s.Writes)
}

// accept has the server validate all Challenges.
func (s *spoken) accept() {
	s.t.Helper()
	for _, name := range s.challenges() {
		ch := handlertest.Get[*cmacme.Challenge](s.World, name)
		if _, err := s.client.Accept(s.t.Context(), s.account, ch.Spec.URL); err != nil {
			s.t.Fatal(err)
		}
		got, err := s.client.Authorization(s.t.Context(), s.account, ch.Spec.AuthorizationURL)
		if err != nil {
			s.t.Fatal(err)
		}
		handlertest.EditStatus(s.World, name, func(ch *cmacme.Challenge) { ch.Status.State = cmacme.State(got.State) })
	}
}

// An order in the protocol's own words, at a server that takes its time and
// refuses every third nonce; the proof is the one the server looks for.
func TestProtocol(t *testing.T) {
	t.Parallel()
	n := 0
	var proofs []acmetest.Proof
	s := speak(t, acmetest.Options{
		Processing: 3, RefuseNonce: func() bool { n++; return n%3 == 0 },
		Validate: func(p acmetest.Proof) error { proofs = append(proofs, p); return nil },
	}, web(t, "web.example.com", "*.example.com"))
	s.live()
	s.is(cmacme.Pending, "")
	s.accept()
	s.live()
	s.is(cmacme.Valid, "")
	if leaf := handlertest.Leaf(t, s.order().Status.Certificate); len(leaf.DNSNames) != 2 {
		t.Errorf("names: %v", leaf.DNSNames)
	}
	if len(proofs) != 2 || proofs[0].Type != "dns-01" || s.acme.Calls("new_order") != 1 || s.acme.Calls("finalize_order") > 2 {
		t.Errorf("proofs %v, %d orders, %d finalized", proofs, s.acme.Calls("new_order"), s.acme.Calls("finalize_order"))
	}
}

// The server forgets everything in mid-order, as after a restart without a disk.
func TestServerRestartsInMidOrder(t *testing.T) {
	t.Parallel()
	s := speak(t, acmetest.Options{}, web(t))
	s.live()
	s.acme.Forget()
	s.begin() // and the issuer registers again
	handlertest.EditStatus(s.World, s.challenge(0).Name, func(ch *cmacme.Challenge) { ch.Status.State = cmacme.Errored })
	s.live()
	s.accept()
	s.live()
	s.is(cmacme.Valid, "")
}

// A rate limit is waited for, and said.
func TestRateLimitInTheProtocol(t *testing.T) {
	t.Parallel()
	s := speak(t, acmetest.Options{}, web(t))
	s.acme.Fail("new_order", 1, acmetest.Problem{Status: 429, Type: "rateLimited", Detail: "too many new orders", RetryAfter: "600"})
	if _, err := s.handle(); err == nil {
		t.Fatal("the pause was not told to the queue")
	}
	s.is("", "The ACME server has the account wait until 2026-03-01T12:1")
	if !strings.Contains(s.order().Status.Reason, "too many new orders") {
		t.Errorf("reason %q", s.order().Status.Reason)
	}
	s.live()
	s.accept()
	s.live()
	s.is(cmacme.Valid, "")
	if got := s.Clock.Now().Sub(handlertest.Now); got < 10*time.Minute {
		t.Errorf("issued after %s, want the ten minutes waited for", got)
	}
}

// A process that dies before it could write where its order is leaves one that
// the next one finds, where the server lists an account's orders.
func TestOrderIsFoundAgain(t *testing.T) {
	t.Parallel()
	for _, unlisted := range []bool{false, true} {
		order := web(t)
		order.CreationTimestamp.Time = handlertest.Now.Add(-time.Minute)
		s := speak(t, acmetest.Options{NoOrdersList: unlisted}, order)
		s.KillAfter(0)
		if !s.p.Settle() {
			t.Fatal("it was not killed")
		}
		s.begin()
		s.live()
		s.accept()
		s.live()
		s.is(cmacme.Valid, "")
		want := 1
		if unlisted {
			want = 2 // the window that doc.go tells of
		}
		if got := s.acme.Calls("new_order"); got != want {
			t.Errorf("unlisted %t: %d orders, want %d", unlisted, got, want)
		}
	}
}

// A name that the server cannot verify ends the Order with the server's words.
func TestUnverifiedName(t *testing.T) {
	t.Parallel()
	s := speak(t, acmetest.Options{Validate: func(p acmetest.Proof) error {
		if p.Identifier.Value == "a.example.com" {
			return acmetest.Problem{Type: "dns", Detail: "no TXT record"}
		}
		return nil
	}}, web(t, "a.example.com", "b.example.com", "c.example.com"))
	s.live()
	for _, ch := range s.Cache.Challenges() {
		if ch.Spec.DNSName == "a.example.com" {
			if _, err := s.client.Accept(t.Context(), s.account, ch.Spec.URL); err != nil {
				t.Fatal(err)
			}
			handlertest.EditStatus(s.World, ch.Name, func(ch *cmacme.Challenge) { ch.Status.State = cmacme.Invalid })
		}
	}
	s.live()
	s.is(cmacme.Invalid, "a.example.com could not be proved by dns-01: dns: no TXT record")
	if got := s.acme.Calls("deactivate_authorization"); got != 2 {
		t.Errorf("%d authorizations were deactivated, want the two that were pending: %v", got, s.acme.States())
	}
}
