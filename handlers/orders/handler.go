package orders

import (
	"context"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/lag"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	acmeclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/acme/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handler reads. All it returns is shared.
type Cache interface {
	Order(namespace, name string) *cmacme.Order
	OrdersByURL(url string) []*cmacme.Order
	OrdersLike(*cmacme.Order) []*cmacme.Order
	ChallengesOf(*cmacme.Order) []*cmacme.Challenge
	IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer
}

// Server is what the handler asks of ACME servers. Errors: *[acme.Error].
type Server interface {
	NewOrder(ctx context.Context, a acme.Account, o acme.NewOrder) (acme.Order, error)
	Order(ctx context.Context, a acme.Account, url string) (acme.Order, error)
	Orders(ctx context.Context, a acme.Account) ([]string, error)
	Authorization(ctx context.Context, a acme.Account, url string) (acme.Authorization, error)
	Deactivate(ctx context.Context, a acme.Account, authorizationURL string) error
	Finalize(ctx context.Context, a acme.Account, o acme.Order, csrDER []byte) (acme.Order, error)
	Certificate(ctx context.Context, a acme.Account, url, preferredChain string) ([]byte, error)
}

// Accounts finds the account of an issuer. Errors: *[acme.Fault] when it has none
// as it stands.
type Accounts interface {
	Of(ctx context.Context, issuer cmapi.GenericIssuer) (acme.Account, error)
}

// Handler serves the keys of Orders.
type Handler struct {
	Cache    Cache
	Client   acmeclient.AcmeV1Interface
	Server   Server
	Accounts Accounts
	Events   record.EventRecorder
	Clock    clock.PassiveClock

	memory *memory
	own    *lag.Writes[queue.Key]
}

// New returns a handler made of h's exported fields. It is made when a term of
// work begins: what is older than that may have been another process's work.
func New(h Handler) *Handler {
	h.memory, h.own = newMemory(h.Clock.Now()), &lag.Writes[queue.Key]{}
	return &h
}

// Handle brings one Order a step nearer to its end.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	order := h.Cache.Order(key.Namespace, key.Name)
	if order == nil {
		h.memory.forget(key)
		h.own.Forget(key)
		return queue.Result{}, nil
	}
	if h.own.Ahead(key, order, h.Clock.Now()) {
		return queue.Result{After: lag.Net}, nil
	}
	o := h.observe(order)
	step := Next(o, h.Clock.Now())
	if _, ok := step.(Ask); ok {
		if err := h.ask(ctx, &o); err != nil {
			return h.fault(ctx, o, err)
		}
		step = Next(o, h.Clock.Now())
	}
	return h.perform(ctx, o, step)
}

// observe reads all about an Order from the caches and from memory.
func (h *Handler) observe(order *cmacme.Order) Observed {
	if !unfinished(order) { // nothing else counts any more
		h.memory.done(order)
		return Observed{Order: order, Challenges: h.Cache.ChallengesOf(order)}
	}
	known := h.memory.of(order, h.Clock.Now())
	o := Observed{
		Order: order, Challenges: h.Cache.ChallengesOf(order),
		Issuer:     h.Cache.IssuerFor(order.Namespace, order.Spec.IssuerRef),
		QuietUntil: known.quiet, LastAsked: known.asked, Polls: known.polls, Restarts: known.restarts,
	}
	if r := known.rival; r != nil {
		if rival := h.Cache.Order(r.Namespace, r.Name); rival != nil && rival.UID == r.UID && unfinished(rival) {
			o.Rival = r.Name
		}
	}
	return o
}
