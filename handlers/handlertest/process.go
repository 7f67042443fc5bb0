package handlertest

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"time"

	"github.com/certwright/certwright/handlers/certificaterequests"
	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/ca"
	"github.com/certwright/certwright/handlers/issuers/selfsigned"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// Settings are what an operator chooses for a daemon.
type Settings struct {
	Certificates certificates.Settings
	Approver     certificaterequests.Approver
	// ClusterNamespace is where ClusterIssuers find their Secrets.
	ClusterNamespace string
	// Confined is true when only a list of namespaces is served.
	Confined bool
	// More are handlers of further kinds, made for each start of a daemon. nil: none.
	More func(*World) map[queue.Kind]queue.Handler
	// Backends are further issuer types, likewise.
	Backends func(*World) map[issuers.Type]issuers.Backend
	// External is what issuers of other groups lack.
	External func(context.Context, string, cmmeta.IssuerReference) string
}

// Defaults are the settings of a daemon that was told nothing, but for the
// spread of renewals, which is off so that they come at the minute.
func Defaults() Settings {
	return Settings{
		Certificates: certificates.Settings{
			MinBackoff: time.Hour, MaxBackoff: 32 * time.Hour, Copies: func(string) bool { return true },
		},
		Approver:         certificaterequests.Approver{All: true},
		ClusterNamespace: ClusterNamespace,
	}
}

// Process is one run of a daemon: its handlers, with what they remember.
type Process struct {
	Handlers map[queue.Kind]queue.Handler
	// Took is what each issuance took.
	Took []time.Duration
	// Errors are those of Settle, where faults or stale caches allow for them.
	Errors []error

	world  *World
	random *rand.Rand // of keys and caches; nil: orderly
}

// Start starts a daemon on the world; the one before it, if any, is over. The
// handlers are put together as in daemon/wire.go.
func (w *World) Start(s Settings) *Process {
	p := &Process{world: w}
	client := w.CertManager.CertmanagerV1()
	backends := map[issuers.Type]issuers.Backend{
		issuers.CA:         ca.New(w.Cache, w.Clock),
		issuers.SelfSigned: selfsigned.Backend{Secrets: w.Cache},
	}
	if s.Backends != nil {
		maps.Copy(backends, s.Backends(w))
	}
	issuer := &issuers.Handler{
		Cache: w.Cache, Client: client, Backends: backends,
		ClusterNamespace: s.ClusterNamespace, Events: recorder{w}, Clock: w.Clock,
	}
	requests := &certificaterequests.Handler{
		Cache: w.Cache, Client: client, Approver: s.Approver, Signers: backends,
		ClusterNamespace: s.ClusterNamespace, Confined: s.Confined, Events: recorder{w}, Clock: w.Clock,
	}
	crts := certificates.New(certificates.Handler{
		Cache: w.Cache, Client: client, Secrets: w.Core.CoreV1(), Settings: s.Certificates,
		Approves: s.Approver.Approves, Events: recorder{w}, Clock: w.Clock,
		Took: func(e certificates.Ending) { p.Took = append(p.Took, e.Ended.Sub(e.Began)) }, External: s.External,
	})
	p.Handlers = map[queue.Kind]queue.Handler{
		queue.Certificate: crts, queue.CertificateRequest: requests, queue.Issuer: issuer, queue.ClusterIssuer: issuer,
	}
	if s.More != nil {
		maps.Copy(p.Handlers, s.More(w))
	}
	return p
}

// Shuffle has Settle take keys in a random order, with a cache in which the
// informers lag behind one another.
func (p *Process) Shuffle(seed uint64) { p.random = rand.New(rand.NewPCG(seed, seed)) }

// Handle calls the handler of a key once, on the cache as it is.
func (p *Process) Handle(k queue.Key) (queue.Result, error) {
	result, err := p.Handlers[k.Kind].Handle(context.Background(), k)
	if err == nil && result.Beside != nil {
		return result.Beside.Do(context.Background())
	}
	return result, err
}

// bound is how many rounds anything may take; the longest way known, an
// issuance by a slow issuer, takes six.
const bound = 60

// Settle handles all keys of the kinds that have a handler, round after round
// on a fresh cache, until a round writes nothing. It reports whether the
// process was killed on the way. Without faults set up, an error fails the test.
func (p *Process) Settle() (died bool) {
	p.world.t.Helper()
	defer func() {
		if r := recover(); r != nil {
			if _, ok := r.(killed); !ok {
				panic(r)
			}
			died = true
			p.world.Mend()
			p.world.Refresh()
		}
	}()
	for range bound {
		before := len(p.world.Writes)
		failed := p.round()
		if len(p.world.Writes) == before && !failed {
			return false
		}
	}
	p.world.t.Fatalf("not at rest after %d rounds:\n%s", bound, p.world.story())
	return false
}

// round handles every key once. Whatever happens then has happened: a last
// look at a fresh cache in a shuffled run is what lets it come to rest.
func (p *Process) round() (failed bool) {
	p.world.t.Helper()
	p.world.Refresh()
	keys := p.world.keys()
	if p.random != nil {
		p.random.Shuffle(len(keys), func(i, j int) { keys[i], keys[j] = keys[j], keys[i] })
	}
	for _, k := range keys {
		if p.Handlers[k.Kind] == nil {
			continue
		}
		if _, err := p.Handle(k); err != nil {
			failed = true
			p.Errors = append(p.Errors, err)
			if p.random == nil && p.world.fate == nil {
				p.world.t.Fatalf("%s: %v\n%s", k, err, p.world.story())
			}
		}
		p.world.lag(p.random)
	}
	return failed
}

// lag refreshes the cache, or only part of it.
func (w *World) lag(random *rand.Rand) {
	for _, r := range allResources {
		if random == nil || random.IntN(2) == 0 {
			w.refresh(r)
		}
	}
}

// keys are those of everything stored, in the order in which most is done in
// one round.
func (w *World) keys() []queue.Key {
	var all []queue.Key
	for _, e := range []struct {
		kind    queue.Kind
		example runtime.Object
	}{
		{queue.Issuer, &cmapi.Issuer{}}, {queue.ClusterIssuer, &cmapi.ClusterIssuer{}},
		{queue.Certificate, &cmapi.Certificate{}}, {queue.CertificateRequest, &cmapi.CertificateRequest{}},
		{queue.Order, &cmacme.Order{}}, {queue.Challenge, &cmacme.Challenge{}},
	} {
		for _, o := range w.list(resourceOf(e.example)) {
			all = append(all, queue.Key{Kind: e.kind, Namespace: o.GetNamespace(), Name: o.GetName()})
		}
	}
	slices.SortStableFunc(all, queue.Key.Compare)
	return all
}

// story is what has happened, for a failing test.
func (w *World) story() string {
	text := "writes:\n"
	for _, line := range w.Writes {
		text += "  " + line + "\n"
	}
	text += "events:\n"
	for _, line := range w.Events {
		text += "  " + line + "\n"
	}
	return text
}

// Forget empties the record of writes, reads and events.
func (w *World) Forget() { w.Writes, w.Reads, w.Events = nil, nil, nil }

// class tells errors apart as the queue does.
func class(err error) string {
	_, told := queue.RetryDelay(err)
	switch {
	case err == nil:
		return ""
	case queue.IsTerminal(err):
		return "terminal"
	case told:
		return "told"
	case isConflict(err):
		return "conflict"
	case errors.Is(err, ErrOutOfReach):
		return "out of reach"
	}
	return fmt.Sprintf("error: %v", err)
}
