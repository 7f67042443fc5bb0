package informers

import (
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// ShimsSynced reports whether all that the Certificates of a kind of parent
// depend on is in the cache. It is apart from Synced, because the Gateway API
// may not be there, and because who may not watch Ingresses yet shall go on
// with all else.
func (s *Set) ShimsSynced(kind queue.Kind) bool {
	switch kind {
	case queue.Ingress:
		return s.ingresses != nil && s.ingresses.hasSynced()
	case queue.Gateway:
		return s.gateways != nil && s.gateways.hasSynced() && s.routesSynced()
	case queue.ListenerSet:
		return s.listenerSets != nil && s.listenerSets.hasSynced() && s.gateways.hasSynced() && s.routesSynced()
	default:
		return false
	}
}

// routesSynced does not wait for an API that is not there.
func (s *Set) routesSynced() bool {
	return !s.httpRoutes.hasStarted() || s.httpRoutes.hasSynced()
}

func (s *Set) isShim(st watched) bool {
	return st == watched(s.ingresses) || st == watched(s.gateways) || st == watched(s.listenerSets) || st == watched(s.httpRoutes)
}

// Ingress returns an Ingress, or nil. The cache has of it what asks for
// Certificates.
func (s *Set) Ingress(namespace, name string) *networkingv1.Ingress {
	return lookup(s.ingresses, namespace, name)
}

// Gateway returns a Gateway, or nil; as with Ingresses, not all of it.
func (s *Set) Gateway(namespace, name string) *gatewayv1.Gateway {
	return lookup(s.gateways, namespace, name)
}

// ListenerSet returns a ListenerSet, or nil; as with Ingresses, not all of it.
func (s *Set) ListenerSet(namespace, name string) *gatewayv1.ListenerSet {
	return lookup(s.listenerSets, namespace, name)
}

func lookup[T object](st *store[T], namespace, name string) T {
	var none T
	if st == nil {
		return none
	}
	o, _ := st.get(namespace, name)
	return o
}

// RoutesOf returns the HTTPRoutes that name a Gateway or ListenerSet.
func (s *Set) RoutesOf(kind queue.Kind, namespace, name string) []*gatewayv1.HTTPRoute {
	if s.httpRoutes == nil {
		return nil
	}
	prefix := "Gateway/"
	if kind == queue.ListenerSet {
		prefix = "ListenerSet/"
	}
	return s.httpRoutes.byAnywhere(byRouteParent, prefix+cacheKey(namespace, name))
}

// NamesSecret returns the names of the parents of a kind that name a Secret.
func (s *Set) NamesSecret(kind queue.Kind, namespace, secret string) []string {
	var names []string
	for _, k := range s.namers(kind, namespace, secret) {
		names = append(names, k.Name)
	}
	return names
}

func (s *Set) namers(kind queue.Kind, namespace, secret string) []queue.Key {
	value := cacheKey(namespace, secret)
	switch {
	case kind == queue.Ingress && s.ingresses != nil:
		return keys(kind, s.ingresses.by(byNamedSecret, namespace, value))
	case kind == queue.Gateway && s.gateways != nil && s.options.Shims.Gateways:
		return keys(kind, s.gateways.by(byNamedSecret, namespace, value))
	case kind == queue.ListenerSet && s.listenerSets != nil:
		return keys(kind, s.listenerSets.by(byNamedSecret, namespace, value))
	default:
		return nil
	}
}

// CertificatesOwnedBy returns those that name a parent among their owners.
func (s *Set) CertificatesOwnedBy(owner metav1.Object) []*cmapi.Certificate {
	return s.certificates.by(byShimOwner, owner.GetNamespace(), string(owner.GetUID()))
}

// sharers wakes a parent, and those of its kind that name a Secret it names.
func sharers(kind queue.Kind) target {
	return func(s *Set, o metav1.Object) []queue.Key {
		switch {
		case kind == queue.Gateway && !s.options.Shims.Gateways: // watched for its ListenerSets alone
			return nil
		case kind == queue.Ingress && o.GetAnnotations() == nil: // most ask for nothing
			return nil
		}
		woken := []queue.Key{key(kind, o)}
		for _, secret := range secretsNamed(o) {
			for _, k := range s.namers(kind, o.GetNamespace(), secret) {
				if k.Name != o.GetName() {
					woken = append(woken, k)
				}
			}
		}
		return woken
	}
}

func secretsNamed(o metav1.Object) []string {
	var named []string
	switch o := o.(type) {
	case *networkingv1.Ingress:
		named = ingressSecrets(o)
	case *gatewayv1.Gateway:
		named = gatewaySecrets(o)
	case *gatewayv1.ListenerSet:
		named = listenerSetSecrets(o)
	}
	for i, n := range named {
		named[i] = n[len(o.GetNamespace())+1:]
	}
	return named
}

// shimsOfCertificate wakes what a Certificate was made for, and what asks for a
// Secret of its name or with its content.
func shimsOfCertificate(s *Set, o metav1.Object) []queue.Key {
	crt, ok := o.(*cmapi.Certificate)
	if !ok {
		return nil
	}
	var woken []queue.Key
	for _, r := range crt.OwnerReferences {
		if kind, ok := shimKind(r); ok {
			woken = append(woken, queue.Key{Kind: kind, Namespace: crt.Namespace, Name: r.Name})
		}
	}
	for _, kind := range []queue.Kind{queue.Ingress, queue.Gateway, queue.ListenerSet} {
		woken = append(woken, s.namers(kind, crt.Namespace, crt.Name)...)
		if crt.Spec.SecretName != crt.Name {
			woken = append(woken, s.namers(kind, crt.Namespace, crt.Spec.SecretName)...)
		}
	}
	return woken
}

// itsListenerSets wakes the ListenerSets of a Gateway, which may take its issuer.
func itsListenerSets(s *Set, o metav1.Object) []queue.Key {
	if s.listenerSets == nil {
		return nil
	}
	return keys(queue.ListenerSet, s.listenerSets.byAnywhere(byGateway, cacheKey(o.GetNamespace(), o.GetName())))
}

// itsParents wakes the Gateways and ListenerSets that take names from a route.
func itsParents(s *Set, o metav1.Object) []queue.Key {
	r, ok := o.(*gatewayv1.HTTPRoute)
	if !ok {
		return nil
	}
	var woken []queue.Key
	for _, ref := range r.Spec.ParentRefs {
		kind, namespace, name := api.RouteParent(ref, r.Namespace)
		switch {
		case kind == "Gateway" && s.options.Shims.Gateways && takesNames(lookup(s.gateways, namespace, name)):
			woken = append(woken, queue.Key{Kind: queue.Gateway, Namespace: namespace, Name: name})
		case kind == "ListenerSet" && takesNames(lookup(s.listenerSets, namespace, name)):
			woken = append(woken, queue.Key{Kind: queue.ListenerSet, Namespace: namespace, Name: name})
		}
	}
	return woken
}

func takesNames[T interface {
	*gatewayv1.Gateway | *gatewayv1.ListenerSet
	metav1.Object
}](o T) bool {
	return o != nil && o.GetAnnotations()[api.HostnamesFromRoutesAnnotation] == "true"
}

// shimKeys are the keys of those who ask by annotation, for a sweep.
func (s *Set) shimKeys() []queue.Key {
	var all []queue.Key
	if s.ingresses != nil {
		for _, ing := range s.ingresses.list() {
			if ing.Annotations != nil {
				all = append(all, key(queue.Ingress, ing))
			}
		}
	}
	if s.gateways != nil && s.options.Shims.Gateways {
		all = append(all, keys(queue.Gateway, s.gateways.list())...)
	}
	if s.listenerSets != nil {
		all = append(all, keys(queue.ListenerSet, s.listenerSets.list())...)
	}
	return all
}

func (s *Set) shimRoutes() []route {
	var table []route
	if s.ingresses != nil {
		table = append(table, route{s.ingresses, []target{sharers(queue.Ingress)}})
	}
	if s.gateways != nil {
		table = append(table, route{s.gateways, []target{sharers(queue.Gateway), itsListenerSets}}, route{s.httpRoutes, []target{itsParents}})
	}
	if s.listenerSets != nil {
		table = append(table, route{s.listenerSets, []target{sharers(queue.ListenerSet)}})
	}
	return table
}
