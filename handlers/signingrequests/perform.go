package signingrequests

import (
	"context"
	"errors"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/queue"

	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The contract's words for a certificate that is there (section 1.3).
const (
	reasonIssued  = "CertificateIssued"
	messageIssued = "Certificate fetched from issuer successfully"
)

func (h *Handler) perform(ctx context.Context, o Observed, step Step) (queue.Result, error) {
	switch s := step.(type) {
	case Wait:
		h.wait(o, s)
	case Fail:
		return queue.Result{}, h.fail(ctx, o, s)
	case Sign:
		return queue.Result{}, h.sign(ctx, o)
	default:
		h.told.forget(o.Request.Name)
	}
	return queue.Result{}, nil
}

// wait tells what the request waits for, unless that has just been told.
func (h *Handler) wait(o Observed, w Wait) {
	if !h.told.news(o.Request.Name, o.Request.UID, w) {
		return
	}
	kind := corev1.EventTypeWarning
	if w.Reason == reasonUnapproved {
		kind = corev1.EventTypeNormal // as every request begins
	}
	h.Events.Event(o.Request, kind, w.Reason, w.Message)
}

// sign asks the backend, and stores what came of it.
func (h *Handler) sign(ctx context.Context, o Observed) error {
	backend, wait := h.backend(o)
	if wait != nil {
		h.wait(o, *wait)
		return nil
	}
	request, fault := h.request(o)
	if fault != nil {
		return h.fail(ctx, o, *fault)
	}
	out, err := backend.Sign(ctx, request)
	var refusal *issuers.Refusal
	switch {
	case errors.As(err, &refusal):
		return h.fail(ctx, o, Fail{refusal.Reason, refusal.Message})
	case err != nil:
		return err
	case out.Pending != "":
		h.wait(o, Wait{out.Reason, out.Pending})
		return nil
	}
	next := o.Request.DeepCopy()
	next.Status.Certificate = out.Chain
	return h.store(ctx, o, next, corev1.EventTypeNormal, reasonIssued, messageIssued)
}

// backend finds who signs. An issuer without a usable type is not ready, and
// comes here only before that has been noticed: the request waits for its owner.
func (h *Handler) backend(o Observed) (issuers.Backend, *Wait) {
	const reason = "IssuerTypeMissing"
	t, err := issuers.TypeOf(o.Issuer.GetSpec())
	if err != nil {
		return nil, &Wait{reason, fmt.Sprintf("spec.signerName: %s: %v", o.Signer, err)}
	}
	backend, ok := h.Signers[t]
	if !ok {
		return nil, &Wait{reason, fmt.Sprintf(
			"spec.signerName: %s: issuers of type %s are not served: make a new request that names another", o.Signer, t)}
	}
	return backend, nil
}

// request makes what the backend is told.
func (h *Handler) request(o Observed) (issuers.Request, *Fail) {
	template, err := pki.Template(o.Asked, h.Clock.Now())
	if err != nil {
		return issuers.Request{}, unfit(err)
	}
	namespace := o.Issuer.GetNamespace()
	if namespace == "" {
		namespace = h.ClusterNamespace
	}
	return issuers.Request{
		Issuer: issuers.Issuer{Name: o.Issuer.GetName(), Namespace: namespace, Spec: o.Issuer.GetSpec()},
		Name:   o.Request.Name, Namespace: namespace, Annotations: o.Request.Annotations, Experimental: true,
		CSR: o.Request.Spec.Request, Template: template,
	}, nil
}

// fail ends the request. The condition is final in the Kubernetes API too.
func (h *Handler) fail(ctx context.Context, o Observed, f Fail) error {
	next, now := o.Request.DeepCopy(), metav1.NewTime(h.Clock.Now())
	next.Status.Conditions = append(next.Status.Conditions, certificatesv1.CertificateSigningRequestCondition{
		Type: certificatesv1.CertificateFailed, Status: corev1.ConditionTrue,
		Reason: f.Reason, Message: f.Message, LastUpdateTime: now, LastTransitionTime: now,
	})
	return h.store(ctx, o, next, corev1.EventTypeWarning, f.Reason, f.Message)
}

// store writes the status, and only then tells of it.
func (h *Handler) store(ctx context.Context, o Observed, next *certificatesv1.CertificateSigningRequest, kind, reason, message string) error {
	if _, err := h.Client.UpdateStatus(ctx, next, metav1.UpdateOptions{}); err != nil {
		return fmt.Errorf("write status of the signing request: %w", err)
	}
	h.told.forget(next.Name)
	h.Events.Event(o.Request, kind, reason, message)
	return nil
}
