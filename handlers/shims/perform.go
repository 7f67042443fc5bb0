package shims

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/quarrel"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/jsonmergepatch"
)

// Reasons of events, those of the contract and two of our own.
const (
	reasonBadConfig = "BadConfig"
	reasonCreate    = "CreateCertificate"
	reasonUpdate    = "UpdateCertificate"
	reasonDelete    = "DeleteCertificate"
	reasonContested = "CertificateContested"
)

// perform carries a plan out. Its writes are to different Certificates, and one
// that fails does not keep the others from being made.
func (h *Handler) perform(ctx context.Context, p *Parent, rec *memo, plan Plan) (queue.Result, error) {
	var failed []error
	var refused []string
	var after time.Duration
	for _, crt := range plan.Create {
		failed = append(failed, h.create(ctx, p, crt))
	}
	for _, c := range plan.Change {
		wait, err := h.change(ctx, p, rec, c)
		failed = append(failed, err)
		after = earlier(after, wait)
	}
	for _, crt := range plan.Delete {
		failed = append(failed, h.delete(ctx, p, crt))
	}
	for i, err := range failed {
		if text, no := refusal(err); no {
			refused = append(refused, text)
			failed[i] = nil
		}
	}
	for _, f := range plan.Faults {
		refused = append(refused, f.String())
	}
	for _, text := range rec.news(refused) {
		h.Events.Event(p.ref(), corev1.EventTypeWarning, reasonBadConfig, text)
	}
	return queue.Result{After: after}, errors.Join(failed...)
}

// refusal is the text of an API server that says no for good: only a change of
// the parent, or of the server's rules, can help.
func refusal(err error) (string, bool) {
	if err == nil || !apierrors.IsInvalid(err) {
		return "", false
	}
	return "the API server refuses the Certificate: " + err.Error(), true
}

func (h *Handler) create(ctx context.Context, p *Parent, crt *cmapi.Certificate) error {
	_, err := h.Client.Certificates(crt.Namespace).Create(ctx, crt, metav1.CreateOptions{})
	switch {
	case apierrors.IsAlreadyExists(err), apierrors.HasStatusCause(err, corev1.NamespaceTerminatingCause):
		return nil // the cache will learn of it
	case err != nil:
		return fmt.Errorf("create Certificate %q: %w", crt.Name, err)
	}
	h.Events.Event(p.ref(), corev1.EventTypeNormal, reasonCreate, fmt.Sprintf("Successfully created Certificate %q", crt.Name))
	return nil
}

// change patches what differs, on the state that was seen, unless somebody else
// keeps undoing that.
func (h *Handler) change(ctx context.Context, p *Parent, rec *memo, c Change) (time.Duration, error) {
	now := h.Clock.Now()
	patch, what, err := difference(c)
	if err != nil {
		return 0, err
	}
	writes := rec.streak(c.From.Name)
	if wait := writes.Pause(what, now); wait > 0 {
		return wait, nil
	}
	_, err = h.Client.Certificates(c.From.Namespace).Patch(ctx, c.From.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if apierrors.IsNotFound(err) {
		return 0, nil // the cache will learn of it
	}
	if err != nil {
		return 0, fmt.Errorf("update Certificate %q: %w", c.From.Name, err)
	}
	switch streak := writes.Count(what, now); {
	case streak <= quarrel.Prompt:
		h.Events.Event(p.ref(), corev1.EventTypeNormal, reasonUpdate, fmt.Sprintf("Successfully updated Certificate %q", c.From.Name))
	case streak == quarrel.Prompt+1:
		h.Events.Event(p.ref(), corev1.EventTypeWarning, reasonContested, fmt.Sprintf(
			"somebody else keeps changing Certificate %q; it is put back ever more slowly: change the annotations here instead", c.From.Name))
	}
	return 0, nil
}

// difference is the merge patch (RFC 7386) from one state to the other, bound to
// the first, and a text that is the same for the same wish.
func difference(c Change) (patch []byte, what string, err error) {
	from, err := json.Marshal(c.From)
	if err != nil {
		return nil, "", fmt.Errorf("encode Certificate %q: %w", c.From.Name, err)
	}
	to, err := json.Marshal(c.To)
	if err != nil {
		return nil, "", fmt.Errorf("encode Certificate %q: %w", c.From.Name, err)
	}
	bare, err := jsonmergepatch.CreateThreeWayJSONMergePatch(from, to, from)
	if err != nil {
		return nil, "", fmt.Errorf("compare Certificate %q: %w", c.From.Name, err)
	}
	var fields map[string]any
	if err := json.Unmarshal(bare, &fields); err != nil {
		return nil, "", fmt.Errorf("compare Certificate %q: %w", c.From.Name, err)
	}
	meta, ok := fields["metadata"].(map[string]any)
	if !ok {
		meta = map[string]any{}
		fields["metadata"] = meta
	}
	meta["resourceVersion"], meta["uid"] = c.From.ResourceVersion, c.From.UID
	patch, err = json.Marshal(fields)
	return patch, string(bare), err
}

func (h *Handler) delete(ctx context.Context, p *Parent, crt *cmapi.Certificate) error {
	err := h.Client.Certificates(crt.Namespace).Delete(ctx, crt.Name, metav1.DeleteOptions{
		Preconditions: &metav1.Preconditions{UID: &crt.UID, ResourceVersion: &crt.ResourceVersion}})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("delete Certificate %q: %w", crt.Name, err)
	}
	h.Events.Event(p.ref(), corev1.EventTypeNormal, reasonDelete, fmt.Sprintf("Successfully deleted unrequired Certificate %q", crt.Name))
	return nil
}

// ref is what events are told about.
func (p *Parent) ref() *corev1.ObjectReference {
	kind := parentKind(p.Kind)
	return &corev1.ObjectReference{
		APIVersion: kind.GroupVersion().String(), Kind: kind.Kind,
		Namespace: p.Meta.Namespace, Name: p.Meta.Name, UID: p.Meta.UID, ResourceVersion: p.Meta.ResourceVersion,
	}
}

// earlier is the sooner of two waits, of which zero is none.
func earlier(a, b time.Duration) time.Duration {
	if a == 0 || b != 0 && b < a {
		return b
	}
	return a
}
