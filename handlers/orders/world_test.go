package orders_test

import (
	"crypto/x509"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/orders"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// scene is a world with an ACME server and one daemon that serves Orders.
type scene struct {
	*handlertest.World
	t      *testing.T
	server *server
	p      *handlertest.Process
}

func newScene(t *testing.T, objects ...runtime.Object) *scene {
	t.Helper()
	s := &scene{World: handlertest.New(t, objects...), t: t, server: newServer(t)}
	s.restart()
	return s
}

// restart has a new process take over, which remembers nothing.
func (s *scene) restart() {
	settings := handlertest.Defaults()
	settings.More = func(w *handlertest.World) map[queue.Kind]queue.Handler {
		return map[queue.Kind]queue.Handler{queue.Order: orders.New(orders.Handler{
			Cache: w.Cache, Client: w.CertManager.AcmeV1(), Server: s.server, Accounts: s.server,
			Events: w.Recorder(), Clock: w.Clock,
		})}
	}
	s.p = s.Start(settings)
	s.p.Handlers = map[queue.Kind]queue.Handler{queue.Order: s.p.Handlers[queue.Order]} // the test plays all others
}

var webKey = handlertest.OrderKey("web-1-1")

// handle handles the Order once, on a fresh cache.
func (s *scene) handle() (queue.Result, error) {
	s.t.Helper()
	s.Refresh()
	return s.p.Handle(webKey)
}

// run handles the Order until nothing is written and nothing asked at once, and
// returns how long it then rests.
func (s *scene) run() time.Duration {
	s.t.Helper()
	for range 30 {
		writes, calls := len(s.Writes), len(s.server.calls)
		result, err := s.handle()
		if err != nil {
			s.t.Fatal(err)
		}
		if len(s.Writes) == writes && len(s.server.calls) == calls {
			return result.After
		}
		if result.After > 0 && result.After < time.Minute {
			s.Wait(result.After)
		}
	}
	s.t.Fatalf("not at rest: %v %v", s.Writes, s.server.calls)
	return 0
}

// proveAll plays the Challenges' part and the server's.
func (s *scene) proveAll() {
	s.t.Helper()
	s.server.prove()
	for _, name := range s.challenges() {
		handlertest.EditStatus(s.World, name, func(ch *cmacme.Challenge) { ch.Status.State = cmacme.Valid })
	}
}

func (s *scene) challenges() []string {
	s.Refresh()
	var names []string
	for _, ch := range s.Cache.Challenges() {
		names = append(names, ch.Name)
	}
	return names
}

func (s *scene) challenge(i int) *cmacme.Challenge {
	s.t.Helper()
	names := s.challenges()
	if i >= len(names) {
		s.t.Fatalf("Challenges: %v, want more than %d", names, i)
	}
	return handlertest.Get[*cmacme.Challenge](s.World, names[i])
}

// letGo takes away the finalizers of Challenges that were deleted, as they do
// once cleaned up.
func (s *scene) letGo() {
	for _, name := range s.challenges() {
		if handlertest.Get[*cmacme.Challenge](s.World, name).DeletionTimestamp != nil {
			handlertest.Edit(s.World, name, func(ch *cmacme.Challenge) { ch.Finalizers = nil })
		}
	}
}

func (s *scene) order() *cmacme.Order { return handlertest.Get[*cmacme.Order](s.World, "web-1-1") }

func (s *scene) called(want ...string) {
	s.t.Helper()
	if diff := cmp.Diff(want, s.server.calls, cmpopts.EquateEmpty()); diff != "" {
		s.t.Errorf("calls (-want +got):\n%s", diff)
	}
	s.server.calls = nil
}

// is checks the state and the beginning of the reason.
func (s *scene) is(state cmacme.State, reason string) {
	s.t.Helper()
	got := s.order().Status
	if got.State != state || !strings.HasPrefix(got.Reason, reason) || (reason == "") != (got.Reason == "") {
		s.t.Errorf("state %q, reason %q; want %q, %q", got.State, got.Reason, state, reason)
	}
	failed := state == cmacme.Invalid || state == cmacme.Errored || state == cmacme.Expired
	if (got.FailureTime != nil) != failed {
		s.t.Errorf("failureTime: %v in state %q", got.FailureTime, state)
	}
}

// newOrders counts the orders made at the server.
func (s *scene) newOrders() int {
	n := 0
	for _, c := range s.server.calls {
		if strings.HasPrefix(c, "newOrder") {
			n++
		}
	}
	return n
}

// issuer is a ready ACME issuer.
func issuer(edit ...func(*cmacme.ACMEIssuer)) *cmapi.Issuer {
	spec := &cmacme.ACMEIssuer{Server: "https://acme.example/directory", Solvers: []cmacme.ACMEChallengeSolver{{DNS01: dns("one")}}}
	for _, e := range edit {
		e(spec)
	}
	i := handlertest.SelfSignedIssuer("le")
	i.Spec.IssuerConfig = cmapi.IssuerConfig{ACME: spec}
	return i
}

func dns(group string) *cmacme.ACMEChallengeSolverDNS01 {
	return &cmacme.ACMEChallengeSolverDNS01{Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: group, SolverName: "x"}}
}

func http() *cmacme.ACMEChallengeSolverHTTP01 {
	return &cmacme.ACMEChallengeSolverHTTP01{Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{}}
}

// web is an Order for some names, as a request has it made.
func web(t *testing.T, names ...string) *cmacme.Order {
	t.Helper()
	if len(names) == 0 {
		names = []string{"web.example.com"}
	}
	csr := handlertest.CSR(t, handlertest.NewKey(t), func(r *x509.CertificateRequest) { r.Subject.CommonName, r.DNSNames = "", names })
	return &cmacme.Order{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "web-1-1", UID: "uid-order", Generation: 1,
			Labels: map[string]string{"app": "web"}, CreationTimestamp: metav1.NewTime(handlertest.Now.Add(time.Minute))},
		Spec: cmacme.OrderSpec{Request: csr, DNSNames: slices.Clone(names), IssuerRef: cmmeta.IssuerReference{Name: "le", Kind: "Issuer", Group: "cert-manager.io"}},
	}
}
