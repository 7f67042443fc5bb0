package challenges

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// world is an API server, an ACME server, a solver and the daemon's part that
// this package is, with its queue, in a synctest bubble.
type world struct {
	t      *testing.T
	server *apiServer
	events *recorder
	acme   *acmeServer
	solver *solver
	issuer cmapi.GenericIssuer // nil: it does not exist
	max    int
	stop   func()

	mu    sync.Mutex // of the issuer and of what a start changes
	wake  func(queue.Key)
	cache *lagging
}

// bubble runs a test in a world of its own, with one challenge.
func bubble(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	bubbleNow(t, f)
}

// bubbleNow is bubble without other tests at the same time.
func bubbleNow(t *testing.T, f func(w *world)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		w := &world{t: t, server: newAPIServer(), events: &recorder{}, max: 60, stop: func() {},
			issuer: &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "le"},
				Spec: cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{}}}}}
		w.acme = &acmeServer{of: map[string]*authorization{}}
		w.solver = &solver{errs: map[Verb]error{}, takes: map[Verb]time.Duration{}}
		w.server.after = func(s *apiServer, _ string) {
			last := s.history[len(s.history)-1].name
			go w.show(last)
		}
		w.start()
		defer func() { w.stop() }()
		f(w)
	})
}

// show has the cache see what was written, and the queue hear of it.
func (w *world) show(name types.NamespacedName) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cache.catchUp(0)
	w.wake(queue.Key{Kind: queue.Challenge, Namespace: name.Namespace, Name: name.Name})
	w.wake(queue.Places)
}

// IssuerFor makes the world a cache.
func (w *world) IssuerFor(string, cmmeta.IssuerReference) cmapi.GenericIssuer {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.issuer
}

// change changes how the world behaves from now on.
func (w *world) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.acme.mu.Lock()
	defer w.acme.mu.Unlock()
	w.solver.mu.Lock()
	defer w.solver.mu.Unlock()
	f()
}

// Of gives every issuer an account.
func (w *world) Of(context.Context, cmapi.GenericIssuer) (acme.Account, error) {
	return acme.Account{URL: "https://acme.test/account/1"}, nil
}

// start starts the daemon's part; the one before it, if any, is killed.
func (w *world) start() {
	w.stop()
	w.mu.Lock()
	defer w.mu.Unlock()
	w.cache = newCache(w.server)
	q := queue.New(queue.Options{LocalWorkers: 2, RemoteWorkers: 4, Grace: -1})
	w.wake = q.Add
	handler, places := New(Options{
		Cache: struct {
			*lagging
			*world
		}{w.cache, w}, Client: w.server, ACME: w.acme, Accounts: w, ClusterNamespace: "kube-system",
		Solvers: map[cmacme.ACMEChallengeType]Solver{cmacme.ACMEChallengeTypeHTTP01: w.solver, cmacme.ACMEChallengeTypeDNS01: w.solver},
		Max:     w.max, WriteLimit: time.Second, CheckPeriod: 10 * time.Second, Wake: q.Add, Events: w.events, Clock: clock.RealClock{},
	})
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = q.Run(ctx, map[queue.Kind]queue.Handler{queue.Challenge: handler, queue.ChallengePlaces: places})
	}()
	w.stop = func() {
		cancel()
		<-ended
	}
	for name := range w.cache.objects {
		q.Add(queue.Key{Kind: queue.Challenge, Namespace: name.Namespace, Name: name.Name})
	}
	q.Add(queue.Places)
}

// put stores a challenge called name about name.test.
func (w *world) put(name string, change ...func(*cmacme.Challenge)) {
	ch := proof("shop", name, name+".test", -time.Since(epoch))
	ch.Spec.IssuerRef = cmmeta.IssuerReference{Name: "le"}
	ch.CreationTimestamp = metav1.Now()
	for _, f := range change {
		f(ch)
	}
	w.acme.mu.Lock()
	if w.acme.of[ch.Spec.AuthorizationURL] == nil {
		w.acme.of[ch.Spec.AuthorizationURL] = &authorization{state: acme.Pending}
	}
	w.acme.mu.Unlock()
	w.server.put(ch)
}

// rest lets all come to rest that happens now.
func (w *world) rest() { synctest.Wait() }

// wait lets time pass, and then all come to rest.
func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

func (w *world) get(name string) *cmacme.Challenge {
	return w.server.stored(types.NamespacedName{Namespace: "shop", Name: name})
}

func (w *world) status(name string) cmacme.ChallengeStatus {
	w.t.Helper()
	ch := w.get(name)
	if ch == nil {
		w.t.Fatalf("%s is gone", name)
	}
	return ch.Status
}

func (w *world) edit(name string, change func(*cmacme.Challenge)) {
	w.server.edit(types.NamespacedName{Namespace: "shop", Name: name}, change)
}

// remove has a user delete a challenge.
func (w *world) remove(name string) {
	w.edit(name, func(ch *cmacme.Challenge) {
		now := metav1.Now()
		ch.DeletionTimestamp = &now
	})
}

// happened compares what was written, told and done since the last call.
func (w *world) happened(what string, writes, events, calls []string) {
	w.t.Helper()
	for _, c := range []struct {
		of        string
		want, got []string
	}{{"writes", writes, w.server.wrote()}, {"events", events, w.events.told()}, {"calls", calls, w.calls()}} {
		for i, got := range c.got {
			if i < len(c.want) && strings.HasPrefix(got, c.want[i]) {
				c.got[i] = c.want[i]
			}
		}
		if diff := cmp.Diff(c.want, c.got, cmpopts.EquateEmpty()); diff != "" {
			w.t.Errorf("%s: %s (-want +got):\n%s", what, c.of, diff)
		}
	}
}

// calls are those to the ACME server and the solver, in order of each.
func (w *world) calls() []string {
	w.acme.mu.Lock()
	defer w.acme.mu.Unlock()
	w.solver.mu.Lock()
	defer w.solver.mu.Unlock()
	all := append(w.solver.calls, w.acme.calls...)
	w.solver.calls, w.acme.calls = nil, nil
	return all
}

// acmeServer knows authorizations by URL.
type acmeServer struct {
	mu    sync.Mutex
	of    map[string]*authorization
	calls []string
	err   error                   // of every call
	takes func(*authorization)    // what accepting does; nil: valid at once
	onAsk func(*authorization)    // before each answer
	deny  func(call string) error // nil: nothing
}

type authorization struct {
	state, own acme.State
	problem    *acme.Error
}

func (s *acmeServer) called(call string) error {
	s.calls = append(s.calls, call)
	if s.deny != nil {
		if err := s.deny(call); err != nil {
			return err
		}
	}
	return s.err
}

func (s *acmeServer) Authorization(_ context.Context, _ acme.Account, url string) (acme.Authorization, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("ask"); err != nil {
		return acme.Authorization{}, err
	}
	a := s.of[url]
	if s.onAsk != nil {
		s.onAsk(a)
	}
	own := acme.Challenge{URL: strings.Replace(url, "authorization", "challenge", 1), State: a.own, Problem: a.problem}
	return acme.Authorization{URL: url, State: a.state, Challenges: []acme.Challenge{own}}, nil
}

func (s *acmeServer) Accept(_ context.Context, _ acme.Account, url string) (acme.Challenge, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.called("accept"); err != nil {
		return acme.Challenge{}, err
	}
	a := s.of[strings.Replace(url, "challenge", "authorization", 1)]
	if s.takes != nil {
		s.takes(a)
	} else {
		a.state, a.own = acme.Valid, acme.Valid
	}
	return acme.Challenge{URL: url, State: a.own}, nil
}

// solver does what it is told, after a time.
type solver struct {
	mu     sync.Mutex
	calls  []string
	errs   map[Verb]error
	takes  map[Verb]time.Duration
	panics bool
	blind  func(*cmacme.Challenge) bool // whose proof is never seen
}

func (s *solver) do(ctx context.Context, v Verb, t Task) error {
	s.mu.Lock()
	s.calls = append(s.calls, []string{"present", "look", "remove"}[v]+" "+t.Challenge.Name)
	takes, err, panics := s.takes[v], s.errs[v], s.panics
	if v == Visible && s.blind != nil && s.blind(t.Challenge) {
		err = fmt.Errorf("not there")
	}
	s.mu.Unlock()
	if panics {
		panic("of the solver")
	}
	select {
	case <-time.After(takes):
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (s *solver) fail(v Verb, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.errs[v] = err
}

func (s *solver) Present(ctx context.Context, t Task) error { return s.do(ctx, Present, t) }
func (s *solver) Visible(ctx context.Context, t Task) error { return s.do(ctx, Visible, t) }
func (s *solver) Remove(ctx context.Context, t Task) error  { return s.do(ctx, Remove, t) }

func bubbleNamed(t *testing.T, name any, f func(w *world)) {
	t.Helper()
	t.Run(fmt.Sprint(name), func(t *testing.T) { bubble(t, f) })
}
