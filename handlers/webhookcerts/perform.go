package webhookcerts

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/queue"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Reasons of events.
const (
	reasonCA        = "CACreated"
	reasonServer    = "ServerCertificateCreated"
	reasonBundle    = "CABundleSet"
	reasonDrift     = "CABundleOverwritten"
	reasonRetired   = "OldCARetired"
	reasonAttention = "AttentionNeeded"
	reasonRefused   = "WriteRefused"
)

func (h *Handler) perform(ctx context.Context, o *Observed, step Step) (queue.Result, error) {
	m := h.memory.of(o.Set.Name)
	if rest, ok := step.(Rest); ok {
		if m.news(rest.Warning) {
			h.Events.Event(o.caRef(), corev1.EventTypeWarning, reasonAttention, rest.Warning)
		}
		return queue.Result{After: max(rest.After, time.Millisecond)}, nil
	}
	err := h.act(ctx, o, m, step)
	if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
		h.Events.Event(o.caRef(), corev1.EventTypeWarning, reasonRefused, err.Error())
	}
	return queue.Result{}, err
}

func (h *Handler) act(ctx context.Context, o *Observed, m *recollection, step Step) error {
	switch s := step.(type) {
	case MakeCA:
		return h.makeCA(ctx, o, m, s)
	case Sign:
		return h.sign(ctx, o, m, s)
	case Spread:
		return h.spread(ctx, o, m, s)
	case Dress:
		return h.dress(ctx, o, s)
	case Retire:
		return h.retire(ctx, o, s)
	}
	return fmt.Errorf("no effect is known for step %T", step)
}

func (h *Handler) makeCA(ctx context.Context, o *Observed, m *recollection, s MakeCA) error {
	now := h.Clock.Now()
	ca, certPEM, keyPEM, err := makeCA(o.Set, now)
	if err != nil {
		return err
	}
	if err := h.applySecret(ctx, o.Set, o.CA.Secret, o.newCA(ca, certPEM, keyPEM, s, now)); err != nil {
		return err
	}
	m.owed, m.fresh, m.remade, m.made = "", true, s.Remade, now
	h.Gauges.Regenerated(o.Set.Name, string(s.Cause))
	text := fmt.Sprintf("Made a new CA (%s): %s", s.Cause, s.Why)
	h.Events.Event(o.caRef(), corev1.EventTypeNormal, reasonCA, text)
	for _, hook := range o.Hooks {
		h.Events.Event(hook.ref(), corev1.EventTypeNormal, reasonCA, text)
	}
	return nil
}

func (h *Handler) sign(ctx context.Context, o *Observed, m *recollection, s Sign) error {
	certPEM, keyPEM, err := makeServer(o, h.Clock.Now())
	if err != nil {
		return err
	}
	c := o.serverContent()
	c.data[o.Set.Server.CertKey], c.data[o.Set.Server.KeyKey] = certPEM, keyPEM
	if o.asked() == webhookset.RotateServer {
		c.annotations[webhookset.RotatedAnnotation] = o.CA.annotation(webhookset.RotateAnnotation)
	}
	if err := h.applySecret(ctx, o.Set, o.Server.Secret, c); err != nil {
		return err
	}
	m.fresh = false
	if s.Owes != "" {
		m.owed = s.Owes
	}
	h.Gauges.Regenerated(o.Set.Name, string(s.Cause))
	h.Events.Eventf(o.serverRef(), corev1.EventTypeNormal, reasonServer, "Made a new server certificate (%s): %s", s.Cause, s.Why)
	return nil
}

// spread goes on after a failure: one configuration that may not be written
// keeps a rotation from going on, and no other bundle from being set.
func (h *Handler) spread(ctx context.Context, o *Observed, m *recollection, s Spread) error {
	var faults []error
	for _, hook := range s.Hooks {
		if err := h.applyBundle(ctx, o.Set, hook, o.bundle()); err != nil {
			faults = append(faults, err)
			if apierrors.IsForbidden(err) || apierrors.IsInvalid(err) {
				h.Events.Event(hook.ref(), corev1.EventTypeWarning, reasonRefused, err.Error())
			}
			continue
		}
		h.tellSpread(o, hook, s)
	}
	if s.Owes != "" {
		m.owed = s.Owes
	}
	return errors.Join(faults...)
}

func (h *Handler) tellSpread(o *Observed, hook Hook, s Spread) {
	if !hook.overwritten() {
		h.Events.Eventf(hook.ref(), corev1.EventTypeNormal, reasonBundle, "Set the CA bundle of set %q (%s)", o.Set.Name, o.phase())
		return
	}
	const remedy = ": leave caBundle out of what is applied"
	text := "Somebody overwrote the CA bundle; it was put back"
	switch {
	case s.Owes != "":
		text += ", and a new CA is made"
	case !s.NoCABefore.IsZero():
		text += "; this happens often, so that no CA is made for it before " + stamp(s.NoCABefore) + remedy
	default:
		text += remedy
	}
	m := h.memory.of(o.Set.Name)
	m.mend(h.Clock.Now())
	if m.drifted(hook.Kind+hook.Meta.Name+text, h.Clock.Now()) {
		h.Events.Event(hook.ref(), corev1.EventTypeWarning, reasonDrift, text)
	}
}

func (h *Handler) dress(ctx context.Context, o *Observed, s Dress) error {
	if s.CA {
		return h.applySecret(ctx, o.Set, o.CA.Secret, o.caContent(h.Clock.Now()))
	}
	return h.applySecret(ctx, o.Set, o.Server.Secret, o.serverContent())
}

func (h *Handler) retire(ctx context.Context, o *Observed, s Retire) error {
	next := *o
	next.Old = nil
	if err := h.applySecret(ctx, o.Set, o.CA.Secret, next.caContent(h.Clock.Now())); err != nil {
		return err
	}
	h.Events.Eventf(o.caRef(), corev1.EventTypeNormal, reasonRetired, "The old CA leaves the bundles: %s", s.Why)
	return nil
}

func (o *Observed) caRef() *corev1.ObjectReference { return o.ref(o.Set.CA.Name, o.CA.Secret) }

func (o *Observed) serverRef() *corev1.ObjectReference {
	return o.ref(o.Set.Server.Name, o.Server.Secret)
}

// ref is what an event is told about; the Secret may not exist yet.
func (o *Observed) ref(name string, s *corev1.Secret) *corev1.ObjectReference {
	r := &corev1.ObjectReference{APIVersion: "v1", Kind: "Secret", Namespace: o.Set.Namespace, Name: name}
	if s != nil {
		r.UID, r.ResourceVersion = s.UID, s.ResourceVersion
	}
	return r
}
