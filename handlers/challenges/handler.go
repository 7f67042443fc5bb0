package challenges

import (
	"context"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/lag"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/acme/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handlers read.
type Cache interface {
	PlacesCache
	IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer
}

// ACME is what is asked of ACME servers.
type ACME interface {
	Authorization(ctx context.Context, a acme.Account, url string) (acme.Authorization, error)
	Accept(ctx context.Context, a acme.Account, challengeURL string) (acme.Challenge, error)
}

// Accounts finds the account of an issuer. Errors: an [acme.Fault] when it has
// none as it stands.
type Accounts interface {
	Of(ctx context.Context, issuer cmapi.GenericIssuer) (acme.Account, error)
}

// Options is what the handlers are made of.
type Options struct {
	Cache    Cache
	Client   cmclient.ChallengesGetter
	ACME     ACME
	Accounts Accounts
	Solvers  map[cmacme.ACMEChallengeType]Solver
	// ClusterNamespace is where ClusterIssuers find their Secrets.
	ClusterNamespace string
	// Namespaces are those served; none means all.
	Namespaces []string
	// AmbientIssuers and AmbientClusterIssuers allow solvers credentials from
	// the daemon's surroundings.
	AmbientIssuers, AmbientClusterIssuers bool
	// Max is how many challenges are at work at a time.
	Max int
	// WriteLimit bounds the writes of one pass over the places: see [Places].
	WriteLimit time.Duration
	// CheckPeriod lies between two self checks.
	CheckPeriod time.Duration
	// Wake has a key handled.
	Wake   func(queue.Key)
	Events record.EventRecorder
	Clock  clock.PassiveClock
}

// Handler serves the keys of Challenges.
type Handler struct {
	Options

	memory *memory
	own    lag.Writes[queue.Key]
	runs   *runs
	turns  *turns
}

// New makes the two handlers.
func New(o Options) (*Handler, *Places) {
	shared := &turns{wake: o.Wake}
	h := &Handler{Options: o, memory: newMemory(), runs: newRuns(o.Max, o.Clock, o.Wake), turns: shared}
	return h, &Places{
		Cache: o.Cache, Client: o.Client, Namespaces: o.Namespaces, Max: o.Max, Limit: o.WriteLimit,
		Events: o.Events, Clock: o.Clock, turns: shared, writers: writers,
	}
}

// steps is how many steps one call makes at most that change nothing but what
// is remembered: asking, presenting, checking and accepting are four.
const steps = 8

// Handle brings one challenge a step nearer to its end.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	ch := h.Cache.Challenge(key.Namespace, key.Name)
	if ch == nil || rests(ch) {
		h.forget(key)
		return queue.Result{}, nil
	}
	if h.own.Ahead(key, ch, h.Clock.Now()) {
		return queue.Result{After: lag.Net}, nil
	}
	m, was := h.memory.of(key, ch.UID)
	if was != "" {
		h.runs.forget(was)
	}
	if !ch.Status.Processing {
		m.newTurn()
		h.runs.newTurn(ch.UID)
	}
	for range steps {
		o, err := h.observe(ctx, ch, m)
		if err != nil {
			return queue.Result{}, err
		}
		now := h.Clock.Now()
		h.tell(m, o, PhaseOf(o, now))
		result, more, err := h.perform(ctx, key, m, o, Next(o, now))
		if !more || err != nil {
			return result, err
		}
	}
	return queue.Result{After: time.Second}, nil
}

// rests reports a challenge of which nothing needs to be remembered: it waits
// for its first turn, or has come to its end.
func rests(ch *cmacme.Challenge) bool {
	s := ch.Status
	clean := !s.Processing && !s.Presented
	return clean && ch.DeletionTimestamp == nil && (s.State == cmacme.Unknown || api.ACMEFinal(s.State))
}

// forget drops what is remembered of a challenge.
func (h *Handler) forget(key queue.Key) {
	h.own.Forget(key)
	if uid := h.memory.forget(key); uid != "" {
		h.runs.forget(uid)
	}
}

// tell has the places know of a turn's new phase.
func (h *Handler) tell(m *recollection, o Observed, p Phase) {
	if o.Challenge.Status.Processing && m.phase != p {
		m.phase = p
		h.turns.tell(o.Challenge.UID, p)
	}
}
