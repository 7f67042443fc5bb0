package certificaterequests

import (
	"context"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
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
}

// Handle brings one request a step nearer to its end.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	cr := h.Cache.Request(key.Namespace, key.Name)
	if cr == nil {
		return queue.Result{}, nil
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
	o.Approves = h.Approver.Approves(cr.Namespace, cr.Spec.IssuerRef)
	o.Issuer = h.Cache.IssuerFor(cr.Namespace, cr.Spec.IssuerRef)
	return o
}
