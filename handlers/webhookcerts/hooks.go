package webhookcerts

import (
	"crypto/x509"
	"slices"
	"strings"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/webhookset"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Hook is a webhook configuration of either kind.
type Hook struct {
	Kind string
	Meta *metav1.ObjectMeta
	// Webhooks are its webhooks, each with a bundle of its own.
	Webhooks []Webhook
	Mark     webhookset.Mark
}

// Webhook is what matters here of one webhook.
type Webhook struct {
	Name   string
	Client *admissionv1.WebhookClientConfig
}

func hooks(cache Cache, set *webhookset.Set) []Hook {
	var all []Hook
	for _, c := range cache.MutatingWebhooks(set) {
		h := newHook(webhookset.MutatingKind, &c.ObjectMeta)
		for i := range c.Webhooks {
			h.Webhooks = append(h.Webhooks, Webhook{c.Webhooks[i].Name, &c.Webhooks[i].ClientConfig})
		}
		all = append(all, h)
	}
	for _, c := range cache.ValidatingWebhooks(set) {
		h := newHook(webhookset.ValidatingKind, &c.ObjectMeta)
		for i := range c.Webhooks {
			h.Webhooks = append(h.Webhooks, Webhook{c.Webhooks[i].Name, &c.Webhooks[i].ClientConfig})
		}
		all = append(all, h)
	}
	return all
}

func newHook(kind string, meta *metav1.ObjectMeta) Hook {
	return Hook{Kind: kind, Meta: meta, Mark: webhookset.ParseMark(meta.Annotations[webhookset.BundleAnnotation])}
}

// ref is what events are told about.
func (h Hook) ref() *corev1.ObjectReference {
	return &corev1.ObjectReference{
		APIVersion: admissionv1.SchemeGroupVersion.String(), Kind: h.Kind, Name: h.Meta.Name,
		UID: h.Meta.UID, ResourceVersion: h.Meta.ResourceVersion,
	}
}

// holds reports whether every webhook carries the bundle, and the mark says so.
func (h Hook) holds(bundle string) bool {
	for _, w := range h.Webhooks {
		if fingerprintOf(w.Client.CABundle) != bundle {
			return false
		}
	}
	return h.Mark.String() == h.markFor(bundle).String()
}

func (h Hook) markFor(bundle string) webhookset.Mark {
	m := webhookset.Mark{Bundle: bundle}
	for _, w := range h.Webhooks {
		m.Webhooks = append(m.Webhooks, w.Name)
	}
	return m
}

// overwritten reports whether somebody changed a bundle that we had set. A
// webhook that the mark does not name was added since, and is only new.
func (h Hook) overwritten() bool {
	return slices.ContainsFunc(h.Webhooks, func(w Webhook) bool {
		return slices.Contains(h.Mark.Webhooks, w.Name) && fingerprintOf(w.Client.CABundle) != h.Mark.Bundle
	})
}

// fingerprintOf is the fingerprint of PEM; that of garbage is like no other.
func fingerprintOf(bundle []byte) string {
	certs, err := pki.ParseBundle(bundle)
	if err != nil {
		return "garbage"
	}
	return webhookset.Fingerprint(certs)
}

// spreadState names the state in which all bundles are as they should be;
// empty when one is not.
func (o *Observed) spreadState() string {
	if o.CA.Cert == nil {
		return ""
	}
	want := webhookset.Fingerprint(o.bundle())
	state := []string{want}
	for _, h := range o.Hooks {
		if !h.holds(want) {
			return ""
		}
		state = append(state, string(h.Meta.UID))
	}
	return strings.Join(state, " ")
}

// bundle is what belongs into every webhook configuration at this moment of
// the rotation.
func (o *Observed) bundle() []*x509.Certificate {
	if o.NoOverlap {
		return []*x509.Certificate{o.CA.Cert}
	}
	return append([]*x509.Certificate{o.CA.Cert}, o.Old...)
}

// without returns the certificates but for one.
func without(certs []*x509.Certificate, one *x509.Certificate) []*x509.Certificate {
	return slices.DeleteFunc(certs, func(c *x509.Certificate) bool { return one != nil && c.Equal(one) })
}
