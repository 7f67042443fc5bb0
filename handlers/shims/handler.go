package shims

import (
	"context"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// Cache is what the handler reads.
type Cache interface {
	// ShimsSynced reports whether all that the parents of a kind depend on is
	// known: who asks for a Secret cannot be told before.
	ShimsSynced(kind queue.Kind) bool
	Ingress(namespace, name string) *networkingv1.Ingress
	Gateway(namespace, name string) *gatewayv1.Gateway
	ListenerSet(namespace, name string) *gatewayv1.ListenerSet
	// RoutesOf returns the HTTPRoutes that name a Gateway or ListenerSet.
	RoutesOf(kind queue.Kind, namespace, name string) []*gatewayv1.HTTPRoute
	// NamesSecret returns the names of the parents of a kind that name a Secret.
	NamesSecret(kind queue.Kind, namespace, secret string) []string
	Certificate(namespace, name string) *cmapi.Certificate
	CertificatesBySecret(namespace, secret string) []*cmapi.Certificate
	// CertificatesOwnedBy returns those that name an object among their owners.
	CertificatesOwnedBy(owner metav1.Object) []*cmapi.Certificate
}

// Handler serves the keys of Ingresses, Gateways and ListenerSets.
type Handler struct {
	Cache    Cache
	Client   cmclient.CertificatesGetter
	Settings Settings
	Events   record.EventRecorder
	Clock    clock.PassiveClock

	memory memory
}

// recheck is how soon a key comes back while the caches fill.
const recheck = time.Second

// Handle brings the Certificates of one parent up to date.
func (h *Handler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	if !h.Cache.ShimsSynced(key.Kind) {
		return queue.Result{After: recheck}, nil
	}
	p := h.parent(key.Kind, key.Namespace, key.Name)
	if p == nil || leaving(p.Meta) || !p.asks(h.Settings) {
		h.memory.forget(key)
		return queue.Result{}, nil
	}
	return h.perform(ctx, p, h.memory.of(key, p.Meta.UID), Next(h.observe(p), h.Settings))
}

// parent reads and reduces an object, nil when it does not exist.
func (h *Handler) parent(kind queue.Kind, namespace, name string) *Parent {
	switch kind {
	case queue.Ingress:
		if ing := h.Cache.Ingress(namespace, name); ing != nil {
			return FromIngress(ing)
		}
	case queue.Gateway:
		if gw := h.Cache.Gateway(namespace, name); gw != nil {
			return FromGateway(gw, h.routes(kind, &gw.ObjectMeta), h.Settings)
		}
	case queue.ListenerSet:
		if ls := h.Cache.ListenerSet(namespace, name); ls != nil {
			return FromListenerSet(ls, h.Cache.Gateway(api.GatewayOf(ls)), h.routes(kind, &ls.ObjectMeta), h.Settings)
		}
	}
	return nil
}

func (h *Handler) routes(kind queue.Kind, m *metav1.ObjectMeta) []*gatewayv1.HTTPRoute {
	if m.Annotations[api.HostnamesFromRoutesAnnotation] != "true" {
		return nil
	}
	return h.Cache.RoutesOf(kind, m.Namespace, m.Name)
}

func (h *Handler) observe(p *Parent) Observed {
	o := Observed{Parent: p}
	for _, e := range p.Entries {
		if !slices.ContainsFunc(o.Secrets, func(s Shared) bool { return s.Secret == e.Secret }) {
			o.Secrets = append(o.Secrets, h.shared(p, e.Secret))
		}
	}
	for _, crt := range h.Cache.CertificatesOwnedBy(p.Meta) {
		if slices.Contains(p.Named, crt.Name) || !ours(crt, p) {
			continue
		}
		o.Former = append(o.Former, Shared{Secret: crt.Name, Askers: h.askers(p, crt.Name), Certificate: crt})
	}
	return o
}

// ours reports a Certificate that has the parent among its owners by its UID.
func ours(crt *cmapi.Certificate, p *Parent) bool {
	return slices.ContainsFunc(crt.OwnerReferences, func(r metav1.OwnerReference) bool { return ofKind(r, p.Kind) && r.UID == p.Meta.UID })
}

func (h *Handler) shared(p *Parent, secret string) Shared {
	s := Shared{Secret: secret, Askers: h.askers(p, secret), Certificate: h.Cache.Certificate(p.Meta.Namespace, secret)}
	for _, crt := range h.Cache.CertificatesBySecret(p.Meta.Namespace, secret) {
		if crt.Name != secret && (s.Rival == nil || crt.Name < s.Rival.Name) {
			s.Rival = crt
		}
	}
	return s
}

// askers are the parents of one's own kind that ask for a Secret.
func (h *Handler) askers(p *Parent, secret string) []*Parent {
	var all []*Parent
	for _, name := range h.Cache.NamesSecret(p.Kind, p.Meta.Namespace, secret) {
		other := p
		if name != p.Meta.Name {
			other = h.parent(p.Kind, p.Meta.Namespace, name)
		}
		if other == nil || leaving(other.Meta) || other.Orphan || !other.asks(h.Settings) {
			continue
		}
		if slices.Contains(other.Named, secret) {
			all = append(all, other)
		}
	}
	return all
}
