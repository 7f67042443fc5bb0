package certificaterequests

import (
	"context"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handler reads.
type Cache interface {
	Request(namespace, name string) *cmapi.CertificateRequest
	IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer
}

// Handler serves the keys of CertificateRequests.
type Handler struct {
	Cache    Cache
	Client   cmclient.CertmanagerV1Interface
	Approver Approver
	Signers  map[issuers.Type]issuers.Backend
	// ClusterNamespace is where ClusterIssuers find their Secrets.
	ClusterNamespace string
	// Confined is true when only a list of namespaces is served.
	Confined bool
	Events   record.EventRecorder
	Clock    clock.PassiveClock

	answers issuers.Answers
}

// Handle brings one request a step nearer to its end.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	cr := h.Cache.Request(key.Namespace, key.Name)
	if cr == nil {
		return queue.Result{}, nil
	}
	o := h.observe(cr)
	step := Next(o)
	if places, ok := h.remote(o, step); ok {
		return queue.Result{Beside: &queue.Beside{
			Group: issuers.Of(o.Issuer, h.ClusterNamespace).Group(), Places: places,
			Do: func(ctx context.Context) (queue.Result, error) { return h.live(ctx, key) },
		}}, nil
	}
	return h.perform(ctx, o, step)
}

// remote tells whether a step asks a server, and how many may at a time.
func (h *Handler) remote(o Observed, step Step) (places int, ok bool) {
	if _, ok := step.(Sign); !ok {
		return 0, false
	}
	t, err := issuers.TypeOf(o.Issuer.GetSpec())
	if err != nil {
		return 0, false
	}
	backend, ok := h.Signers[t].(issuers.Remote)
	if !ok {
		return 0, false
	}
	return backend.Places(), true
}

// live goes on with the request as it is now: a server's signature cannot be
// undone, and a cache may not show yet that there is one.
func (h *Handler) live(ctx context.Context, key queue.Key) (queue.Result, error) {
	cr, err := h.Client.CertificateRequests(key.Namespace).Get(ctx, key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return queue.Result{}, nil
	}
	if err != nil {
		return queue.Result{}, fmt.Errorf("read the request: %w", err)
	}
	o := h.observe(cr)
	return h.perform(ctx, o, Next(o))
}

func (h *Handler) observe(cr *cmapi.CertificateRequest) Observed {
	o := Observed{Request: cr, Confined: h.Confined}
	if api.RequestFinal(cr) {
		return o // nothing else counts any more
	}
	o.Invalid = pki.CheckRequest(cr)
	o.Issuer = h.Cache.IssuerFor(cr.Namespace, cr.Spec.IssuerRef)
	o.Approves = !o.outOfReach() && h.Approver.Approves(cr.Namespace, cr.Spec.IssuerRef)
	return o
}
