package informers

import (
	"slices"
	"strings"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gwclient "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"
)

// Shims says which of the objects that ask for Certificates by annotation are
// watched. Those of the Gateway API may appear at any time, or never, so that
// nobody waits for them but their own handler.
type Shims struct {
	Ingresses, Gateways, ListenerSets bool
	Gateway                           gwclient.Interface
	// Annotations that count beside those of our own groups.
	Annotations []string
}

// shims are the stores of what asks by annotation; nil is not watched.
type shims struct {
	ingresses    *store[*networkingv1.Ingress]
	gateways     *store[*gatewayv1.Gateway]
	listenerSets *store[*gatewayv1.ListenerSet]
	httpRoutes   *store[*gatewayv1.HTTPRoute]
}

// gatewayAPI is the version of the Gateway API that is watched.
var gatewayAPI = schema.GroupVersion(gatewayv1.GroupVersion)

const (
	byNamedSecret = "named-secret" // Ingresses, Gateways, ListenerSets: the Secrets they name
	byGateway     = "gateway"      // ListenerSets: their Gateway
	byRouteParent = "route-parent" // HTTPRoutes: the Gateways and ListenerSets they name
	byShimOwner   = "shim-owner"   // Certificates: the UIDs of the parents among their owners
)

func (s *Set) newShims(namespaces []string) shims {
	var all shims
	o := s.options.Shims
	if o.Ingresses {
		all.ingresses = newStore(namespaces, s.ingressSpec())
	}
	if o.Gateways || o.ListenerSets {
		all.gateways = newStore(namespaces, s.gatewaySpec())
		all.httpRoutes = newStore(namespaces, s.routeSpec())
	}
	if o.ListenerSets {
		all.listenerSets = newStore(namespaces, s.listenerSetSpec())
	}
	return all
}

func (s *Set) ingressSpec() spec[*networkingv1.Ingress, *networkingv1.IngressList] {
	return spec[*networkingv1.Ingress, *networkingv1.IngressList]{
		resource: networkingv1.SchemeGroupVersion.WithResource("ingresses"),
		example:  &networkingv1.Ingress{}, client: s.options.Core, transform: s.trimIngress,
		typed: func(ns string) listWatcher[*networkingv1.IngressList] {
			return s.options.Core.NetworkingV1().Ingresses(ns)
		},
		indexers: cache.Indexers{byNamedSecret: indexBy(ingressSecrets)},
	}
}

func (s *Set) gatewaySpec() spec[*gatewayv1.Gateway, *gatewayv1.GatewayList] {
	return spec[*gatewayv1.Gateway, *gatewayv1.GatewayList]{
		resource: gatewayAPI.WithResource("gateways"),
		example:  &gatewayv1.Gateway{}, client: s.options.Shims.Gateway, transform: s.trimGateway,
		typed: func(ns string) listWatcher[*gatewayv1.GatewayList] {
			return s.options.Shims.Gateway.GatewayV1().Gateways(ns)
		},
		indexers: cache.Indexers{byNamedSecret: indexBy(gatewaySecrets)},
	}
}

func (s *Set) listenerSetSpec() spec[*gatewayv1.ListenerSet, *gatewayv1.ListenerSetList] {
	return spec[*gatewayv1.ListenerSet, *gatewayv1.ListenerSetList]{
		resource: gatewayAPI.WithResource("listenersets"),
		example:  &gatewayv1.ListenerSet{}, client: s.options.Shims.Gateway, transform: s.trimListenerSet,
		typed: func(ns string) listWatcher[*gatewayv1.ListenerSetList] {
			return s.options.Shims.Gateway.GatewayV1().ListenerSets(ns)
		},
		indexers: cache.Indexers{byNamedSecret: indexBy(listenerSetSecrets), byGateway: indexBy(itsGateway)},
	}
}

func (s *Set) routeSpec() spec[*gatewayv1.HTTPRoute, *gatewayv1.HTTPRouteList] {
	return spec[*gatewayv1.HTTPRoute, *gatewayv1.HTTPRouteList]{
		resource: gatewayAPI.WithResource("httproutes"),
		example:  &gatewayv1.HTTPRoute{}, client: s.options.Shims.Gateway, transform: trimRoute,
		typed: func(ns string) listWatcher[*gatewayv1.HTTPRouteList] {
			return s.options.Shims.Gateway.GatewayV1().HTTPRoutes(ns)
		},
		indexers: cache.Indexers{byRouteParent: indexBy(routeParents)},
	}
}

func ingressSecrets(ing *networkingv1.Ingress) []string {
	var names []string
	for _, entry := range ing.Spec.TLS {
		names = add(names, ing.Namespace, entry.SecretName)
	}
	return names
}

func gatewaySecrets(gw *gatewayv1.Gateway) []string {
	var names []string
	for _, l := range gw.Spec.Listeners {
		names = addListener(names, gw.Namespace, l.TLS)
	}
	return names
}

func listenerSetSecrets(ls *gatewayv1.ListenerSet) []string {
	var names []string
	for _, l := range ls.Spec.Listeners {
		names = addListener(names, ls.Namespace, l.TLS)
	}
	return names
}

func addListener(names []string, namespace string, tls *gatewayv1.ListenerTLSConfig) []string {
	if tls == nil {
		return names
	}
	for _, ref := range tls.CertificateRefs {
		if ref.Namespace == nil || *ref.Namespace == "" || string(*ref.Namespace) == namespace {
			names = add(names, namespace, string(ref.Name))
		}
	}
	return names
}

func add(names []string, namespace, secret string) []string {
	if k := cacheKey(namespace, secret); secret != "" && !slices.Contains(names, k) {
		return append(names, k)
	}
	return names
}

func itsGateway(ls *gatewayv1.ListenerSet) []string {
	return []string{cacheKey(api.GatewayOf(ls))}
}

func routeParents(r *gatewayv1.HTTPRoute) []string {
	var parents []string
	for _, ref := range r.Spec.ParentRefs {
		kind, namespace, name := api.RouteParent(ref, r.Namespace)
		if value := kind + "/" + cacheKey(namespace, name); kind != "" && !slices.Contains(parents, value) {
			parents = append(parents, value)
		}
	}
	return parents
}

// shimOwners files Certificates under what they were made for.
func shimOwners(crt *cmapi.Certificate) []string {
	var uids []string
	for _, r := range crt.OwnerReferences {
		if _, ok := shimKind(r); ok {
			uids = append(uids, string(r.UID))
		}
	}
	return uids
}

// shimKind is the kind of key of an owner that asks for Certificates by
// annotation.
func shimKind(r metav1.OwnerReference) (queue.Kind, bool) {
	gv, err := schema.ParseGroupVersion(r.APIVersion)
	switch {
	case err != nil:
		return 0, false
	case gv.Group == networkingv1.GroupName && r.Kind == "Ingress":
		return queue.Ingress, true
	case gv.Group == gatewayv1.GroupName && r.Kind == "Gateway":
		return queue.Gateway, true
	case gv.Group == gatewayv1.GroupName && r.Kind == "ListenerSet":
		return queue.ListenerSet, true
	}
	return 0, false
}

// counts reports an annotation that somebody here reads.
func (s *Set) counts(key string) bool {
	for _, group := range []string{"cert-manager.io/", "acme.cert-manager.io/", "certwright.dev/"} {
		if strings.HasPrefix(key, group) {
			return true
		}
	}
	return slices.Contains(s.options.Shims.Annotations, key)
}
