package issuers

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/lag"
	"github.com/certwright/certwright/internal/rules"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/validation/field"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handler reads.
type Cache interface {
	Issuer(namespace, name string) *cmapi.Issuer
	ClusterIssuer(name string) *cmapi.ClusterIssuer
}

// Handler serves the keys of Issuers and of ClusterIssuers.
type Handler struct {
	Cache    Cache
	Client   cmclient.CertmanagerV1Interface
	Backends map[Type]Backend
	// ClusterNamespace is where ClusterIssuers find their Secrets.
	ClusterNamespace string
	Events           record.EventRecorder
	Clock            clock.PassiveClock

	own lag.Writes[queue.Key]
}

// Handle brings one issuer's Ready condition in step with what its backend
// says. Errors: what the backend or the API server answered.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	if key.Kind == queue.ClusterIssuer {
		if i := h.Cache.ClusterIssuer(key.Name); i != nil {
			return h.converge(ctx, key, i, func(status cmapi.IssuerStatus) (metav1.Object, error) {
				next := i.DeepCopy()
				next.Status = status
				return h.Client.ClusterIssuers().UpdateStatus(ctx, next, metav1.UpdateOptions{})
			})
		}
	} else if i := h.Cache.Issuer(key.Namespace, key.Name); i != nil {
		return h.converge(ctx, key, i, func(status cmapi.IssuerStatus) (metav1.Object, error) {
			next := i.DeepCopy()
			next.Status = status
			return h.Client.Issuers(i.Namespace).UpdateStatus(ctx, next, metav1.UpdateOptions{})
		})
	}
	h.own.Forget(key)
	return queue.Result{}, nil
}

// converge checks an issuer and has its status written if that has changed.
func (h *Handler) converge(ctx context.Context, key queue.Key, i cmapi.GenericIssuer, write func(cmapi.IssuerStatus) (metav1.Object, error)) (queue.Result, error) {
	switch {
	case i.GetDeletionTimestamp() != nil:
		return queue.Result{}, nil
	case h.own.Ahead(key, i, h.Clock.Now()):
		return queue.Result{After: lag.Net}, nil
	}
	ready, err := h.check(ctx, Of(i, h.ClusterNamespace))
	if err != nil {
		return queue.Result{}, err
	}
	next := i.GetStatus().DeepCopy()
	h.settle(next, ready, i.GetGeneration())
	if equality.Semantic.DeepEqual(i.GetStatus(), next) {
		return ready.result()
	}
	stored, err := write(*next)
	if err != nil {
		return queue.Result{}, fmt.Errorf("write issuer status: %w", err)
	}
	h.own.Stored(key, stored, h.Clock.Now())
	h.tell(i, ready)
	return ready.result()
}

func (h *Handler) check(ctx context.Context, i Issuer) (Readiness, error) {
	t, err := TypeOf(i.Spec)
	if err != nil {
		return Readiness{Reason: reasonConfig, Message: err.Error()}, nil
	}
	backend, ok := h.Backends[t]
	if !ok {
		return Readiness{Reason: reasonConfig, Message: fmt.Sprintf(
			"spec.%s: this version of certwright does not serve issuers of type %s: use another type, or leave the issuer to another controller", t, t)}, nil
	}
	if faults := rules.Issuer(i.Spec); len(faults) > 0 {
		return Readiness{Reason: reasonOf(t, faults), Message: faults.ToAggregate().Error()}, nil
	}
	return backend.Check(ctx, i)
}

// reasonOf is the contract's reason for a spec with faults, which for ACME has
// names of its own (section 1.3).
func reasonOf(t Type, faults field.ErrorList) string {
	switch {
	case t != ACME:
		return reasonConfig
	case strings.HasPrefix(faults[0].Field, "spec.acme.solvers"):
		return "InvalidSolver"
	default:
		return "InvalidConfig"
	}
}

// reasonConfig is the reason of an issuer that cannot work as it is written.
const reasonConfig = "BadConfig"

func (h *Handler) settle(status *cmapi.IssuerStatus, r Readiness, generation int64) {
	c := cmapi.IssuerCondition{Status: cmmeta.ConditionFalse, Reason: r.Reason, Message: r.Message}
	if r.Ready {
		c.Status = cmmeta.ConditionTrue
	}
	api.SetIssuerReady(status, c, generation, metav1.NewTime(h.Clock.Now()))
	if r.ACME != nil {
		status.ACME = r.ACME
	}
}

func (r Readiness) result() (queue.Result, error) {
	return queue.Result{After: r.Recheck}, r.Err
}

// tell is called once a change is stored.
func (h *Handler) tell(issuer runtime.Object, r Readiness) {
	eventType := corev1.EventTypeNormal
	if !r.Ready {
		eventType = corev1.EventTypeWarning
	}
	h.Events.Event(issuer, eventType, cmp.Or(r.Event, r.Reason), r.Message)
}
