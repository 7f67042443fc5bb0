package orders_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func hours(n int) *metav1.Duration { return &metav1.Duration{Duration: time.Duration(n) * time.Hour} }

// A refusal is final, with the server's words.
func TestRefusals(t *testing.T) {
	refused := &acme.Error{Class: acme.Refused, Type: "rejectedIdentifier", Detail: "not that name", Status: 400}
	for verb, calls := range map[string][]string{
		"newOrder":    {"newOrder web.example.com"},
		"finalize":    {"newOrder web.example.com", "authz authz/1-0", "order order/1", "finalize order/1"},
		"certificate": {"newOrder web.example.com", "authz authz/1-0", "order order/1", "finalize order/1", "order order/1", "certificate order/1/certificate"},
	} {
		s := newScene(t, issuer(), web(t))
		s.server.proved = true
		s.server.fails[verb] = []error{refused}
		s.run()
		s.is(cmacme.Errored, "The ACME server refused: rejectedIdentifier: not that name")
		s.called(calls...)
	}
}

// Faults that pass are errors, never an end, and are tried again ever more
// slowly; the third in a row is told.
func TestTransientFaults(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	down := &acme.Error{Class: acme.Transient, Status: 503, Detail: "maintenance"}
	s.server.fails["newOrder"] = []error{down, down, down, down}
	for i, wait := range []time.Duration{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second} {
		_, err := s.handle()
		if told, ok := queue.RetryDelay(err); !errors.Is(err, down) || !ok || told != wait {
			t.Fatalf("try %d: %v, again after %s", i, err, told)
		}
		// The event of a status that was written is no cause to ask again.
		if result, err := s.handle(); err != nil || result.After != wait {
			t.Errorf("try %d, woken early: %v, %v", i, result, err)
		}
		s.Wait(wait)
	}
	s.Wrote("update orders/status web-1-1")
	s.is("", "Trying again: maintenance")
	s.run()
	s.is(cmacme.Pending, "")
}

// A pause costs nothing but its time; it is told once, however often the server
// tells it, and taken back.
func TestPause(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	paused := func(d time.Duration) error {
		return &acme.Error{Class: acme.Paused, Type: "rateLimited", Detail: "too many orders", RetryAfter: d}
	}
	s.server.fails["newOrder"] = []error{paused(10 * time.Minute), paused(30 * time.Second)}
	_, err := s.handle()
	if d, told := queue.RetryDelay(err); !told || d < 10*time.Minute || d > 10*time.Minute+5*time.Second {
		t.Fatalf("told %v, %s", told, d)
	}
	const text = "The ACME server has the account wait until 2026-03-01T12:11:00Z (rateLimited: too many orders)"
	s.is("", text)
	result, err := s.handle() // the event of that write
	if err != nil || result.After < 10*time.Minute {
		t.Errorf("woken early: %v, %v", result, err)
	}
	s.Wait(10*time.Minute + 5*time.Second)
	if _, err = s.handle(); err == nil {
		t.Error("the second pause was not told")
	}
	s.is("", text)
	s.called("newOrder web.example.com", "newOrder web.example.com")
	s.Wait(time.Minute)
	s.run()
	s.is(cmacme.Pending, "")
}

// A server that lost the order, as after a restart, is asked for another one.
func TestServerLostItsState(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	s.run()
	s.server.orders, s.server.auths = map[string]*acme.Order{}, map[string]*acme.Authorization{}
	handlertest.EditStatus(s.World, s.challenge(0).Name, func(ch *cmacme.Challenge) {
		ch.Status.State, ch.Status.Reason = cmacme.Expired, "no such challenge"
	})
	s.server.calls = nil
	s.run()
	s.letGo()
	s.run()
	s.called("order order/1", "newOrder web.example.com", "authz authz/2-0")
	s.is(cmacme.Pending, "")
	if ch := s.challenge(0); len(s.challenges()) != 1 || ch.Spec.AuthorizationURL != "https://acme.example/authz/2-0" {
		t.Errorf("Challenges %v, of %s", s.challenges(), ch.Spec.AuthorizationURL)
	}
	s.proveAll()
	s.run()
	s.is(cmacme.Valid, "")
}

// A server that loses every order is not asked for ever more.
func TestServerLosesEverything(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	for range 6 {
		s.run()
		s.server.orders = map[string]*acme.Order{}
		s.letGo()
		for _, name := range s.challenges() {
			handlertest.EditStatus(s.World, name, func(ch *cmacme.Challenge) { ch.Status.State = cmacme.Errored })
		}
	}
	s.is(cmacme.Errored, "The ACME server does not know the order any more")
	if s.server.made != 4 {
		t.Errorf("%d orders made, want the first and three more", s.server.made)
	}
}

// An account that the server does not know is the issuer's to mend.
func TestNoAccount(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	s.server.fails["newOrder"] = []error{&acme.Error{Class: acme.NoAccount, Type: "accountDoesNotExist"}}
	result, err := s.handle()
	if err != nil || result.After != time.Minute {
		t.Errorf("got %v, %v", result, err)
	}
	s.is("", "The ACME server does not know the account of Issuer.cert-manager.io/le: waiting for it to be registered")
	s.Wait(time.Minute)
	s.run()
	s.is(cmacme.Pending, "")
}

// A name that cannot be proved ends the Order with the words of its Challenge,
// and lets go of what is pending.
func TestFailedChallenge(t *testing.T) {
	s := newScene(t, issuer(), web(t, "a.example.com", "b.example.com"))
	s.run()
	s.server.calls = nil
	for _, ch := range s.Cache.Challenges() {
		if ch.Spec.DNSName == "a.example.com" {
			handlertest.EditStatus(s.World, ch.Name, func(ch *cmacme.Challenge) {
				ch.Status.State, ch.Status.Reason = cmacme.Invalid, "unauthorized: wrong TXT record"
			})
		}
	}
	s.server.auths["https://acme.example/authz/1-0"].State = acme.Invalid
	s.server.orders["https://acme.example/order/1"].State = acme.Invalid
	s.run()
	s.called("order order/1", "authz authz/1-0", "authz authz/1-1", "deactivate authz/1-1")
	s.is(cmacme.Invalid, "a.example.com could not be proved by DNS-01: unauthorized: wrong TXT record")
	s.letGo()
	if left := s.challenges(); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}

// Where the Challenge does not say why, the server does.
func TestServersWords(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	s.run()
	a := s.server.auths["https://acme.example/authz/1-0"]
	a.State, a.Challenges[1].Problem = acme.Invalid, &acme.Error{Type: "dns", Detail: "NXDOMAIN"}
	s.server.orders["https://acme.example/order/1"].State = acme.Invalid
	handlertest.EditStatus(s.World, s.challenge(0).Name, func(ch *cmacme.Challenge) { ch.Status.State = cmacme.Invalid })
	s.run()
	s.is(cmacme.Invalid, "web.example.com could not be proved by dns-01: dns: NXDOMAIN")
}

// Once an hour the server is asked about an order whose proof takes long.
func TestExpiredMeanwhile(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	s.run()
	s.server.calls = nil
	s.Wait(time.Hour)
	s.run()
	s.called("order order/1")
	s.is(cmacme.Pending, "")
	s.Wait(8 * 24 * time.Hour)
	s.run()
	s.is(cmacme.Expired, "The order expired at the ACME server before all names were proved")
}

func TestWhatNoSolverFits(t *testing.T) {
	s := newScene(t, issuer(func(i *cmacme.ACMEIssuer) { i.Solvers = []cmacme.ACMEChallengeSolver{{HTTP01: http()}} }), web(t, "*.example.com"))
	s.run()
	const text = `No solver fits "*.example.com", for which the ACME server offers http-01, dns-01, tls-alpn-01. ` +
		`Issuer.cert-manager.io/le has solvers[0] http01 for all names. Add a dns01 solver whose selector fits: a wildcard can be proved in the DNS only`
	s.is(cmacme.Errored, text)
	s.Told("Order/web-1-1 Warning Solver: " + text)
}

// What the issuer lacks is waited for, and taken back when it is there.
func TestIssuerWithoutAccount(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	missing := &acme.Fault{Message: "spec.acme.privateKeySecretRef: Secret team/le does not exist"}
	s.server.fails["account"] = []error{missing, missing}
	s.run()
	s.is("", "spec.issuerRef: spec.acme.privateKeySecretRef: Secret team/le does not exist")
	s.Wrote("update orders/status web-1-1")
	s.server.fails = nil
	s.run()
	s.is(cmacme.Pending, "")
}

func TestCertificateOfAnotherKey(t *testing.T) {
	s := newScene(t, issuer(), web(t))
	s.server.proved, s.server.otherKey = true, true
	s.run()
	s.is(cmacme.Errored, "The ACME server certified another key than the one of spec.request")
}

func TestUnreadableRequest(t *testing.T) {
	order := web(t)
	order.Spec.Request = []byte("nonsense")
	s := newScene(t, issuer(), order)
	s.server.proved = true
	s.run()
	s.is(cmacme.Errored, "spec.request: certificate request: no PEM block found")
}

// An Order waits for its issuer, and says so until it is there.
func TestIssuer(t *testing.T) {
	s := newScene(t, web(t))
	s.run()
	s.is("", "spec.issuerRef: Issuer.cert-manager.io/le does not exist: create it")
	unready := issuer()
	unready.Status.Conditions[0].Status = cmmeta.ConditionFalse
	s.Create(unready)
	s.run()
	s.is("", "spec.issuerRef: Issuer.cert-manager.io/le is not ready: see its status")
	s.called()
	handlertest.EditStatus(s.World, "le", func(i *cmapi.Issuer) { i.Status.Conditions[0].Status = cmmeta.ConditionTrue })
	s.run()
	s.is(cmacme.Pending, "")
	handlertest.Delete[*cmapi.Issuer](s.World, "le")
	s.run()
	s.is(cmacme.Pending, "spec.issuerRef: Issuer.cert-manager.io/le does not exist: create it")
	s.Create(issuer())
	s.run()
	s.is(cmacme.Pending, "")
}

// A deleted Order is left alone: its Challenges go with it.
func TestDeletedOrder(t *testing.T) {
	order := web(t)
	order.Finalizers = []string{"foregroundDeletion"}
	s := newScene(t, issuer(), order)
	handlertest.Delete[*cmacme.Order](s.World, "web-1-1")
	s.run()
	s.called()
	s.Wrote()
}

// What is told of a fault is the same each time, and has no line of its own.
func TestNoNames(t *testing.T) {
	order := web(t)
	order.Spec.DNSNames = nil
	s := newScene(t, issuer(), order)
	s.run()
	s.is(cmacme.Errored, "spec.dnsNames, spec.ipAddresses: there is no name")
	if strings.Contains(s.order().Status.Reason, "\n") {
		t.Error("a reason of several lines")
	}
}
