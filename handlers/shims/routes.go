package shims

import (
	"slices"

	"github.com/certwright/certwright/internal/api"

	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// hosts are the names that a listener is for, and the field that says so.
func (p *Parent) hosts(where string, l gatewayv1.Listener, routes []*gatewayv1.HTTPRoute) ([]string, string) {
	if l.Hostname != nil && *l.Hostname != "" {
		return []string{string(*l.Hostname)}, where + ".hostname"
	}
	if p.Annotations[api.HostnamesFromRoutesAnnotation] != "true" {
		p.fault(where+".hostname", `this listener is passed over: name the host, or have the names of its routes taken with the annotation %s: "true"`, api.HostnamesFromRoutesAnnotation)
		return nil, ""
	}
	var hosts []string
	for _, r := range routes {
		if !p.attached(r, l) {
			continue
		}
		for _, h := range r.Spec.Hostnames {
			if !slices.Contains(hosts, string(h)) {
				hosts = append(hosts, string(h))
			}
		}
	}
	slices.Sort(hosts)
	return hosts, "metadata.annotations[" + api.HostnamesFromRoutesAnnotation + "]"
}

// attached reports a route whose names a listener is for. A controller may
// accept no route for a listener that has no certificate yet, as traefik does, so
// that waiting for its word would be waiting for ever: where the listener admits
// namespaces without looking at their labels, only its refusal counts.
func (p *Parent) attached(r *gatewayv1.HTTPRoute, l gatewayv1.Listener) bool {
	return r.DeletionTimestamp == nil && slices.ContainsFunc(r.Spec.ParentRefs, func(ref gatewayv1.ParentReference) bool {
		return p.refersTo(ref, r.Namespace, l) && p.admits(l, r.Namespace, ref, verdict(r, ref))
	})
}

// verdict is what the controllers say of a route at a parent; empty is nothing.
func verdict(r *gatewayv1.HTTPRoute, ref gatewayv1.ParentReference) gatewayv1.RouteConditionReason {
	for _, s := range r.Status.Parents {
		if !equality.Semantic.DeepEqual(s.ParentRef, ref) {
			continue
		}
		for _, c := range s.Conditions {
			switch {
			case c.Type != string(gatewayv1.RouteConditionAccepted):
			case c.Status == metav1.ConditionTrue:
				return gatewayv1.RouteReasonAccepted
			default:
				return gatewayv1.RouteConditionReason(c.Reason)
			}
		}
	}
	return ""
}

func (p *Parent) refersTo(ref gatewayv1.ParentReference, namespace string, l gatewayv1.Listener) bool {
	kind, ns, name := api.RouteParent(ref, namespace)
	return kind == p.noun() && ns == p.Meta.Namespace && name == p.Meta.Name &&
		(ref.SectionName == nil || *ref.SectionName == l.Name) && (ref.Port == nil || *ref.Port == l.Port)
}

// admits judges by itself only what needs no labels of namespaces. Where those
// decide, the route must be accepted, and must name the listener, for then it was
// the listener that was asked.
func (p *Parent) admits(l gatewayv1.Listener, namespace string, ref gatewayv1.ParentReference, said gatewayv1.RouteConditionReason) bool {
	from := gatewayv1.NamespacesFromSame
	if l.AllowedRoutes != nil && l.AllowedRoutes.Namespaces != nil && l.AllowedRoutes.Namespaces.From != nil {
		from = *l.AllowedRoutes.Namespaces.From
	}
	accepted := said == gatewayv1.RouteReasonAccepted
	open := accepted || said == "" || said == gatewayv1.RouteReasonPending || said == gatewayv1.RouteReasonNoMatchingParent
	switch from {
	case gatewayv1.NamespacesFromAll:
		return open
	case gatewayv1.NamespacesFromSame:
		return open && namespace == p.Meta.Namespace
	case gatewayv1.NamespacesFromSelector:
		return accepted && ref.SectionName != nil
	default:
		return false
	}
}
