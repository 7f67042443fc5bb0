package cabundles

import (
	"context"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handler reads.
type Cache interface {
	Injectable(kind queue.Kind, name string) *metav1.PartialObjectMetadata
	Certificate(namespace, name string) *cmapi.Certificate
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	SetOfWebhook(kind string, o metav1.Object) string
}

// Objects reads and patches the objects themselves, as JSON.
type Objects interface {
	Get(ctx context.Context, kind queue.Kind, name string) ([]byte, error)
	Patch(ctx context.Context, kind queue.Kind, name string, patch []byte) ([]byte, error)
}

// Handler serves the keys of all kinds that bundles are injected into.
type Handler struct {
	Cache   Cache
	Objects Objects
	// APIServerCA reads the CA by which our connection knows the API server;
	// nothing when it names none.
	APIServerCA func() ([]byte, error)
	Events      record.EventRecorder
	Clock       clock.PassiveClock

	memory memory
}

// ownCACheck is how often the API server's CA is looked at, which comes from a
// file and so without an event.
const ownCACheck = 5 * time.Minute

// Handle brings the bundles of one object up to date.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	m := h.Cache.Injectable(key.Kind, key.Name)
	if m == nil || m.DeletionTimestamp != nil {
		h.memory.forget(key)
		return queue.Result{}, nil
	}
	o := Observed{Injection: api.ParseInjection(m.Annotations)}
	if o.Injection.From == api.InjectNothing {
		h.memory.forget(key)
		return queue.Result{}, nil
	}
	var err error
	if o.CA, o.Fault, err = h.source(ctx, o.Injection); err != nil {
		return queue.Result{}, err
	}
	rec := h.memory.of(key, m.UID)
	result, err := h.step(ctx, key, m, o, rec)
	if o.Injection.From == api.InjectFromAPIServer && err == nil {
		result.After = earlier(result.After, ownCACheck)
	}
	return result, err
}

// step reads the object unless it is known to be right, and goes on from there.
func (h *Handler) step(ctx context.Context, key queue.Key, m *metav1.PartialObjectMetadata, o Observed, rec *memo) (queue.Result, error) {
	now := h.Clock.Now()
	if o.Fault == nil && rec.isRight(state{m.ResourceVersion, fingerprint(o.CA)}, now) {
		return until(rec.expires, now), nil
	}
	if o.Fault == nil {
		if err := h.read(ctx, key, &o); err != nil {
			return queue.Result{}, err
		}
	}
	return h.perform(ctx, key, m, o, rec, Next(o, now))
}

func (h *Handler) read(ctx context.Context, key queue.Key, o *Observed) error {
	data, err := h.Objects.Get(ctx, key.Kind, key.Name)
	if apierrors.IsNotFound(err) {
		return nil // the cache will learn of it
	}
	if err != nil {
		return fmt.Errorf("read the object: %w", err)
	}
	if o.Target, err = parse(key.Kind, data); err != nil {
		return err
	}
	if api.ParseInjection(o.Target.Meta.Annotations) != o.Injection {
		o.Target = nil // the cache will learn of that too
		return nil
	}
	if kind := api.InjectableKind(key.Kind.String()).Kind; key.Kind == queue.MutatingWebhook || key.Kind == queue.ValidatingWebhook {
		o.Set = h.Cache.SetOfWebhook(kind, &o.Target.Meta)
	}
	return nil
}

// until asks to be called when something expires.
func until(expires, now time.Time) queue.Result {
	if expires.IsZero() {
		return queue.Result{}
	}
	return queue.Result{After: max(expires.Sub(now), time.Second)}
}

// earlier is the sooner of two waits, of which zero is none.
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || b < a {
		return b
	}
	return a
}
