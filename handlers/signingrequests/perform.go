package signingrequests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/queue"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
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
		return h.sign(ctx, o)
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
func (h *Handler) sign(ctx context.Context, o Observed) (queue.Result, error) {
	backend, wait := h.backend(o)
	if wait != nil {
		h.wait(o, *wait)
		return queue.Result{}, nil
	}
	request, fault := h.request(o)
	if fault != nil {
		return queue.Result{}, h.fail(ctx, o, *fault)
	}
	out, err := h.ask(ctx, backend, request)
	var refusal *issuers.Refusal
	switch {
	case errors.As(err, &refusal):
		return queue.Result{}, h.fail(ctx, o, Fail{refusal.Reason, refusal.Message})
	case err != nil:
		return queue.Result{}, err
	case out.Annotate != nil:
		return queue.Result{}, h.annotate(ctx, o.Request, out.Annotate)
	case out.Pending != "":
		h.wait(o, Wait{out.Reason, out.Pending})
		return queue.Result{After: out.After}, nil
	}
	next := o.Request.DeepCopy()
	next.Status.Certificate = out.Chain
	return queue.Result{}, h.store(ctx, o, next, corev1.EventTypeNormal, reasonIssued, messageIssued)
}

// ask has the backend sign. What a server has answered is not asked for again.
func (h *Handler) ask(ctx context.Context, backend issuers.Backend, r issuers.Request) (issuers.Outcome, error) {
	if _, ok := backend.(issuers.Remote); ok {
		return h.answers.Sign(ctx, backend, r)
	}
	return backend.Sign(ctx, r)
}

// annotate notes something on the request, and nothing on one that has been
// made anew under its name meanwhile.
func (h *Handler) annotate(ctx context.Context, csr *certificatesv1.CertificateSigningRequest, notes map[string]string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": csr.UID, "annotations": notes}})
	if err != nil {
		return err
	}
	if _, err := h.Client.Patch(ctx, csr.Name, types.MergePatchType, patch, metav1.PatchOptions{}); err != nil {
		return fmt.Errorf("annotate the signing request: %w", err)
	}
	h.answers.Forget(csr.UID)
	return nil
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
	csr, issuer := o.Request, issuers.Of(o.Issuer, h.ClusterNamespace)
	return issuers.Request{
		Issuer: issuer, Name: csr.Name, Namespace: issuer.Namespace,
		Annotations: csr.Annotations, Labels: csr.Labels, Experimental: true,
		CSR: csr.Spec.Request, Template: template,
		Owner:     *metav1.NewControllerRef(csr, certificatesv1.SchemeGroupVersion.WithKind("CertificateSigningRequest")),
		IssuerRef: cmmeta.IssuerReference{Name: o.Signer.Name, Kind: o.Signer.Kind, Group: certmanager.GroupName},
		Duration:  o.Asked.Spec.Duration,
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
	h.answers.Forget(next.UID)
	h.Events.Event(o.Request, kind, reason, message)
	return nil
}
