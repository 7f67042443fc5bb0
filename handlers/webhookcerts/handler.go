package webhookcerts

import (
	"context"
	"time"

	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/queue"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handler reads. All it returns is shared.
type Cache interface {
	// MutatingWebhooks and ValidatingWebhooks are the configurations a set chooses.
	MutatingWebhooks(*webhookset.Set) []*admissionv1.MutatingWebhookConfiguration
	ValidatingWebhooks(*webhookset.Set) []*admissionv1.ValidatingWebhookConfiguration
	// WebhooksSynced is false until all of them are known.
	WebhooksSynced() bool
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	LiveSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

// Gauges are told what a set looks like and what was made for it.
type Gauges interface {
	// Stands gives the ends of CA and server certificate, zero when there is none.
	Stands(set string, phase webhookset.Phase, ca, server time.Time)
	Regenerated(set, cause string)
}

// Handler serves the keys of sets. Make it with [New].
type Handler struct {
	Sets   []webhookset.Set
	Cache  Cache
	Client kubernetes.Interface
	Events record.EventRecorder
	Gauges Gauges
	Clock  clock.PassiveClock
	// NoOverlap replaces the CA at once, which loses admission calls. It is
	// there to show that the proof of the opposite can fail.
	NoOverlap bool

	memory *memory
	// sight looks at what is served; a test replaces it.
	sight func(ctx context.Context, o *Observed) Sight
}

// New returns a handler made of h's exported fields.
func New(h Handler) *Handler {
	h.memory = newMemory()
	h.sight = prober{h.Client}.look
	return &h
}

// Handle brings one set a step nearer to what it should be.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	for i := range h.Sets {
		if h.Sets[i].Name == key.Name {
			return h.handle(ctx, &h.Sets[i])
		}
	}
	return queue.Result{}, nil
}

// patience is how long to wait where the configurations are not known yet:
// what is served could not be told.
const patience = time.Second

func (h *Handler) handle(ctx context.Context, set *webhookset.Set) (queue.Result, error) {
	if !h.Cache.WebhooksSynced() {
		return queue.Result{After: patience}, nil
	}
	o, err := h.observe(ctx, set)
	if err != nil {
		return queue.Result{}, err
	}
	h.Gauges.Stands(set.Name, o.phase(), o.CA.end(), o.Server.end())
	return h.perform(ctx, &o, Next(o, h.Clock.Now()))
}
