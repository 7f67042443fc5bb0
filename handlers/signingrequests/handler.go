package signingrequests

import (
	"context"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	authorizationclient "k8s.io/client-go/kubernetes/typed/authorization/v1"
	certificatesclient "k8s.io/client-go/kubernetes/typed/certificates/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// Cache is what the handler reads.
type Cache interface {
	SigningRequest(name string) *certificatesv1.CertificateSigningRequest
	IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer
}

// Handler serves the keys of CertificateSigningRequests.
type Handler struct {
	Cache   Cache
	Client  certificatesclient.CertificateSigningRequestInterface
	Reviews authorizationclient.SubjectAccessReviewInterface
	Signers map[issuers.Type]issuers.Backend
	// ClusterNamespace is where ClusterIssuers, and requests for them, find
	// their Secrets.
	ClusterNamespace string
	Events           record.EventRecorder
	Clock            clock.PassiveClock

	told    told
	answers issuers.Answers
}

// Handle brings one request a step nearer to its end.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	csr := h.Cache.SigningRequest(key.Name)
	if csr == nil {
		h.told.forget(key.Name)
		return queue.Result{}, nil
	}
	o, step, err := h.next(ctx, csr)
	if err != nil {
		return queue.Result{}, err
	}
	if places, ok := h.remote(o, step); ok {
		return queue.Result{Beside: &queue.Beside{
			Group: issuers.Of(o.Issuer, h.ClusterNamespace).Group(), Places: places,
			Do: func(ctx context.Context) (queue.Result, error) { return h.live(ctx, key) },
		}}, nil
	}
	return h.perform(ctx, o, step)
}

// next decides, having asked for the requester's rights where they count.
func (h *Handler) next(ctx context.Context, csr *certificatesv1.CertificateSigningRequest) (Observed, Step, error) {
	o := h.observe(csr)
	step := Next(o)
	if _, ok := step.(Ask); ok {
		var err error
		if o.Reference, err = h.mayReference(ctx, o); err != nil {
			return o, nil, err
		}
		step = Next(o)
	}
	return o, step, nil
}

// remote tells whether a step asks a server, and how many may at a time.
func (h *Handler) remote(o Observed, step Step) (places int, ok bool) {
	if _, ok := step.(Sign); !ok {
		return 0, false
	}
	signer, wait := h.backend(o)
	if wait != nil {
		return 0, false
	}
	backend, ok := signer.(issuers.Remote)
	if !ok {
		return 0, false
	}
	return backend.Places(), true
}

// live goes on with the request as it is now: a server's signature cannot be
// undone, and a cache may not show yet that there is one.
func (h *Handler) live(ctx context.Context, key queue.Key) (queue.Result, error) {
	csr, err := h.Client.Get(ctx, key.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return queue.Result{}, nil
	}
	if err != nil {
		return queue.Result{}, fmt.Errorf("read the signing request: %w", err)
	}
	o, step, err := h.next(ctx, csr)
	if err != nil {
		return queue.Result{}, err
	}
	return h.perform(ctx, o, step)
}

func (h *Handler) observe(csr *certificatesv1.CertificateSigningRequest) Observed {
	o := Observed{Request: csr}
	if o.Signer, o.Ours = api.ParseSigner(csr.Spec.SignerName); !o.Ours {
		return o
	}
	if !api.SigningRequestIs(csr, certificatesv1.CertificateApproved) || api.SigningRequestFinal(csr) {
		return o // nothing else counts
	}
	o.Issuer = h.Cache.IssuerFor(o.Signer.Namespace, cmmeta.IssuerReference{Kind: o.Signer.Kind, Name: o.Signer.Name})
	o.Asked, o.Fault = asked(csr)
	return o
}
