package certificates

import (
	"context"
	"time"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handler reads. All it returns is shared.
type Cache interface {
	Certificate(namespace, name string) *cmapi.Certificate
	CertificatesBySecret(namespace, secretName string) []*cmapi.Certificate
	Request(namespace, name string) *cmapi.CertificateRequest
	RequestsOf(*cmapi.Certificate) []*cmapi.CertificateRequest
	KeySecretsOf(*cmapi.Certificate) []*corev1.Secret
	IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	LiveSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

// Settings are the user's choices.
type Settings struct {
	Limits                 pki.Limits                   // of what a spec may say
	MinBackoff, MaxBackoff time.Duration                // after a failed issuance
	RenewalSpread          time.Duration                // longest delay of a renewal past its time
	OwnerRef               bool                         // target Secrets go with their Certificate
	Copies                 func(annotation string) bool // to requests
}

// Handler serves the keys of Certificates.
type Handler struct {
	Cache    Cache
	Client   cmclient.CertmanagerV1Interface
	Secrets  corev1client.SecretsGetter
	Settings Settings
	// Approves tells whether a request for an issuer would be approved by us.
	Approves func(namespace string, ref cmmeta.IssuerReference) bool
	Events   record.EventRecorder
	Clock    clock.PassiveClock
	// Took is told of the end of each issuance. nil: nobody.
	Took func(Ending)
	// AskRenewal asks ACME servers when to renew, and Wake has a Certificate
	// looked at when they have answered. nil: they are not asked.
	AskRenewal AskRenewal
	Wake       func(queue.Key)

	// Revoke has ACME issuers revoke. nil: nothing is revoked.
	Revoke RevokeCertificate

	// External tells what an issuer of another group lacks, in its own words;
	// empty where that is nothing, or cannot be told. nil: nobody asks.
	External func(ctx context.Context, namespace string, ref cmmeta.IssuerReference) string

	memory    *memory
	inquiries *inquiries
}

// New returns a handler made of h's exported fields.
func New(h Handler) *Handler {
	h.memory, h.inquiries = newMemory(), newInquiries(h.AskRenewal, h.Wake, h.Clock)
	if h.Took == nil {
		h.Took = func(Ending) {}
	}
	return &h
}

// Handle brings one Certificate a step nearer to what its spec asks.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	crt := h.Cache.Certificate(key.Namespace, key.Name)
	if crt == nil {
		h.memory.forget(key)
		h.inquiries.drop(key)
		return queue.Result{}, nil
	}
	o, err := h.observe(ctx, crt)
	if err != nil {
		return queue.Result{}, err
	}
	return h.perform(ctx, &o, Next(o, h.Clock.Now()))
}
