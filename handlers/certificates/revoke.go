package certificates

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// RevokeCertificate has an issuer revoke the certificate that a PEM text begins
// with, for a reason of RFC 5280, section 5.3.1. refused is why that cannot be,
// ever; an error may pass.
type RevokeCertificate func(ctx context.Context, issuer cmapi.GenericIssuer, leaf []byte, reason int) (refused string, err error)

// revocationsAtOnce is how many an issuer's server is asked for at a time.
const revocationsAtOnce = 4

// revoke has a certificate revoked, beside the workers.
func (h *Handler) revoke(o *Observed, s Revoke) queue.Result {
	ref := api.IssuerRef(o.Certificate.Spec.IssuerRef)
	return queue.Result{Beside: &queue.Beside{
		Group: fmt.Sprintf("revoke %s/%s/%s", ref.Kind, o.issuer.GetNamespace(), ref.Name), Places: revocationsAtOnce,
		Do: func(ctx context.Context) (queue.Result, error) {
			return queue.Result{}, h.revokeNow(ctx, o, s)
		},
	}}
}

func (h *Handler) revokeNow(ctx context.Context, o *Observed, s Revoke) error {
	refused, err := h.Revoke(ctx, o.issuer, s.Leaf, s.Reason)
	var told *acme.Error
	if errors.As(err, &told) && told.RetryAfter > 0 {
		return queue.RetryAfter(err, told.RetryAfter)
	}
	if err != nil {
		return err
	}
	event := normal(reasonRevoked, "The certificate was revoked, as the annotation "+api.RevokeAnnotation+" asks")
	if refused != "" {
		event = warning(reasonNotRevoked, "The certificate was not revoked: "+refused)
	}
	if s.Reason == superseded {
		h.memory.supersede(o.Certificate, nil)
		h.Events.Event(o.Certificate, event.Type, event.Reason, event.Message)
		return nil
	}
	return h.guard(ctx, o.Certificate, Guard{Event: event})
}

// guard puts our finalizer on a Certificate, or takes it off. The cache leaves
// out part of an object's metadata, so that is changed on a live one.
func (h *Handler) guard(ctx context.Context, crt *cmapi.Certificate, s Guard) error {
	live, err := h.Client.Certificates(crt.Namespace).Get(ctx, crt.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) || err == nil && (live.UID != crt.UID || guarded(live) == s.On) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read the Certificate: %w", err)
	}
	next := live.DeepCopy()
	if s.On {
		next.Finalizers = append(next.Finalizers, api.RevokeFinalizer)
	} else {
		next.Finalizers = slices.DeleteFunc(next.Finalizers, func(f string) bool { return f == api.RevokeFinalizer })
	}
	if _, err := h.Client.Certificates(crt.Namespace).Update(ctx, next, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("write finalizers of the Certificate: %w", err)
	}
	if s.Event != nil {
		h.Events.Event(crt, s.Event.Type, s.Event.Reason, s.Event.Message)
	}
	return nil
}
