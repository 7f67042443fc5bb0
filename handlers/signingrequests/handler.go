package signingrequests

import (
	"context"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
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

	told told
}

// Handle brings one request a step nearer to its end.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	csr := h.Cache.SigningRequest(key.Name)
	if csr == nil {
		h.told.forget(key.Name)
		return queue.Result{}, nil
	}
	o := h.observe(csr)
	step := Next(o)
	if _, ok := step.(Ask); ok {
		var err error
		if o.Reference, err = h.mayReference(ctx, o); err != nil {
			return queue.Result{}, err
		}
		step = Next(o)
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
