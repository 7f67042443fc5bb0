package certificaterequests

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/tracing"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// Texts of the API contract, section 1.3, which other programs look for.
const (
	reasonApproved  = "cert-manager.io"
	messageApproved = "Certificate request has been approved by cert-manager.io"
	messageIssued   = "Certificate fetched from issuer successfully"

	reasonForbidden = "Forbidden" // ours
)

// event is what is told once a status is stored.
type event struct{ kind, reason, message string }

func (h *Handler) perform(ctx context.Context, o Observed, step Step) (queue.Result, error) {
	next := o.Request.DeepCopy()
	switch s := step.(type) {
	case Approve:
		h.approve(next)
		return h.store(ctx, o.Request, next, nil)
	case Hold:
		return h.hold(ctx, o, next, s)
	case Refuse:
		return h.refuse(ctx, o, next, s)
	case Sign:
		return h.sign(ctx, o, next)
	default:
		return queue.Result{}, nil
	}
}

// sign asks the backend, and stores what came of it.
func (h *Handler) sign(ctx context.Context, o Observed, next *cmapi.CertificateRequest) (queue.Result, error) {
	backend, request, err := h.request(o)
	if err != nil {
		return h.refuse(ctx, o, next, Refuse{Reason: cmapi.CertificateRequestReasonFailed, Message: err.Error()})
	}
	out, err := h.ask(ctx, backend, request)
	var refusal *issuers.Refusal
	switch {
	case errors.As(err, &refusal):
		return h.refuse(ctx, o, next, Refuse{Reason: cmapi.CertificateRequestReasonFailed, Message: refusal.Message})
	case err != nil:
		return queue.Result{}, err
	case out.Annotate != nil:
		return queue.Result{}, h.annotate(ctx, o.Request, out.Annotate)
	case out.Pending != "" && h.untilTold(o.Request, out.Reason) > 0:
		return queue.Result{After: h.untilTold(o.Request, out.Reason)}, nil
	case out.Pending != "":
		result, err := h.hold(ctx, o, next, Hold{out.Reason, out.Pending})
		result.After = out.After
		return result, err
	}
	h.approve(next)
	h.ready(next, cmmeta.ConditionTrue, cmapi.CertificateRequestReasonIssued, messageIssued)
	next.Status.Certificate, next.Status.CA = out.Chain, out.CA
	return h.store(ctx, o.Request, next, &event{corev1.EventTypeNormal, "CertificateIssued", messageIssued})
}

// ask has the backend sign. What a server has answered is not asked for again.
func (h *Handler) ask(ctx context.Context, backend issuers.Backend, r issuers.Request) (out issuers.Outcome, err error) {
	defer tracing.Measure(ctx, "ask the issuer")(&err)
	if _, ok := backend.(issuers.Remote); ok {
		return h.answers.Sign(ctx, backend, r)
	}
	return backend.Sign(ctx, r)
}

// annotate notes something on the request, and nothing on one that has been
// made anew under its name meanwhile.
func (h *Handler) annotate(ctx context.Context, cr *cmapi.CertificateRequest, notes map[string]string) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"uid": cr.UID, "annotations": notes}})
	if err != nil {
		return err
	}
	_, err = h.Client.CertificateRequests(cr.Namespace).Patch(ctx, cr.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return fmt.Errorf("annotate the request: %w", err)
	}
	h.answers.Forget(cr.UID)
	return nil
}

// request makes what the backend is told. An error is the request's own fault.
func (h *Handler) request(o Observed) (issuers.Backend, issuers.Request, error) {
	spec := o.Issuer.GetSpec()
	t, err := issuers.TypeOf(spec)
	if err != nil {
		return nil, issuers.Request{}, err
	}
	backend, ok := h.Signers[t]
	if !ok {
		return nil, issuers.Request{}, fmt.Errorf("spec.issuerRef: issuers of type %s are not served", t)
	}
	template, err := pki.Template(o.Request, h.Clock.Now())
	if err != nil {
		return nil, issuers.Request{}, err
	}
	cr := o.Request
	return backend, issuers.Request{
		Issuer: issuers.Of(o.Issuer, h.ClusterNamespace),
		Name:   cr.Name, Namespace: cr.Namespace, Annotations: cr.Annotations, Labels: cr.Labels,
		CSR: cr.Spec.Request, Template: template,
		Owner:     *metav1.NewControllerRef(cr, cmapi.SchemeGroupVersion.WithKind(cmapi.CertificateRequestKind)),
		IssuerRef: cr.Spec.IssuerRef, Duration: cr.Spec.Duration,
		Replaces: cr.Annotations[api.ReplacesAnnotation],
	}, nil
}

// hold writes what the request waits for, and approves it meanwhile where that
// falls to us.
func (h *Handler) hold(ctx context.Context, o Observed, next *cmapi.CertificateRequest, s Hold) (queue.Result, error) {
	if o.Approves {
		h.approve(next)
	}
	h.ready(next, cmmeta.ConditionFalse, cmapi.CertificateRequestReasonPending, s.Message)
	return h.store(ctx, o.Request, next, &event{corev1.EventTypeNormal, s.Reason, s.Message})
}

func (h *Handler) refuse(ctx context.Context, o Observed, next *cmapi.CertificateRequest, s Refuse) (queue.Result, error) {
	now := metav1.NewTime(h.Clock.Now())
	if s.Invalid {
		api.SetRequestCondition(next, cmapi.CertificateRequestCondition{
			Type: cmapi.CertificateRequestConditionInvalidRequest, Status: cmmeta.ConditionTrue,
			Reason: "BadRequest", Message: s.Message}, now)
	}
	h.ready(next, cmmeta.ConditionFalse, s.Reason, s.Message)
	next.Status.FailureTime = &now
	return h.store(ctx, o.Request, next, &event{corev1.EventTypeWarning, s.Reason, s.Message})
}

// approve leaves an approval by somebody else as it is.
func (h *Handler) approve(cr *cmapi.CertificateRequest) {
	if api.RequestIs(cr, cmapi.CertificateRequestConditionApproved) {
		return
	}
	api.SetRequestCondition(cr, cmapi.CertificateRequestCondition{
		Type: cmapi.CertificateRequestConditionApproved, Status: cmmeta.ConditionTrue,
		Reason: reasonApproved, Message: messageApproved}, metav1.NewTime(h.Clock.Now()))
}

func (h *Handler) ready(cr *cmapi.CertificateRequest, status cmmeta.ConditionStatus, reason, message string) {
	api.SetRequestCondition(cr, cmapi.CertificateRequestCondition{
		Type: cmapi.CertificateRequestConditionReady, Status: status, Reason: reason, Message: message},
		metav1.NewTime(h.Clock.Now()))
}

// store writes the status if it differs, and only then tells of it.
func (h *Handler) store(ctx context.Context, before, next *cmapi.CertificateRequest, e *event) (queue.Result, error) {
	if equality.Semantic.DeepEqual(before.Status, next.Status) {
		return queue.Result{}, nil
	}
	if _, err := h.Client.CertificateRequests(next.Namespace).UpdateStatus(ctx, next, metav1.UpdateOptions{}); err != nil {
		if apierrors.IsForbidden(err) { // such as an approval for an issuer that we may not approve for
			h.Events.Event(before, corev1.EventTypeWarning, reasonForbidden, err.Error())
		}
		return queue.Result{}, fmt.Errorf("write status of the request: %w", err)
	}
	h.answers.Forget(next.UID)
	if e != nil {
		h.Events.Event(before, e.kind, e.reason, e.message)
	}
	return queue.Result{}, nil
}
