package signingrequests

import (
	"context"
	"fmt"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The right to ask an Issuer for a signature (contract 1.5): this verb on this
// resource of group cert-manager.io, in the Issuer's namespace, by its name.
const (
	referenceVerb     = "reference"
	referenceResource = "signers"
	// anyName stands for all Issuers of a namespace. RBAC has no patterns for
	// names, so a rule with the resourceName "*" is asked for by that name.
	anyName = "*"
)

// mayReference asks the API server whether the requester may reference the
// Issuer. Errors: what the API server answered, or that it could not tell.
func (h *Handler) mayReference(ctx context.Context, o Observed) (Answer, error) {
	var unsure error // no refusal: an authorizer could not tell
	for _, name := range []string{o.Signer.Name, anyName} {
		got, err := h.Reviews.Create(ctx, review(o.Request, o.Signer.Namespace, name), metav1.CreateOptions{})
		switch {
		case err != nil:
			return Unasked, fmt.Errorf("ask whether the requester may reference %s: %w", o.Signer, err)
		case got.Status.Allowed:
			return Allowed, nil
		case got.Status.EvaluationError != "" && !got.Status.Denied:
			unsure = fmt.Errorf("ask whether the requester may reference %s: %s", o.Signer, got.Status.EvaluationError)
		}
	}
	if unsure != nil {
		return Unasked, unsure
	}
	return Refused, nil
}

// review is about the requester as the API server recorded him.
func review(csr *certificatesv1.CertificateSigningRequest, namespace, name string) *authorizationv1.SubjectAccessReview {
	extra := make(map[string]authorizationv1.ExtraValue, len(csr.Spec.Extra))
	for k, v := range csr.Spec.Extra {
		extra[k] = authorizationv1.ExtraValue(v)
	}
	return &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: csr.Spec.Username, UID: csr.Spec.UID, Groups: csr.Spec.Groups, Extra: extra,
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Group: certmanager.GroupName, Version: "*", Resource: referenceResource,
			Verb: referenceVerb, Namespace: namespace, Name: name,
		},
	}}
}
