package http01

import (
	"context"
	"fmt"

	"github.com/certwright/certwright/internal/responder"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// httpRouteTo is the HTTPRoute of a challenge's own.
func (p plan) httpRouteTo(b backend) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: p.meta()}
	add(r.Labels, p.gateway.Labels)
	r.Spec.ParentRefs = p.gateway.ParentRefs
	if host := p.host(); host != "" {
		r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(host)}
	}
	r.Spec.Rules = []gatewayv1.HTTPRouteRule{{
		Matches: []gatewayv1.HTTPRouteMatch{{Path: &gatewayv1.HTTPPathMatch{
			Type: ptr.To(gatewayv1.PathMatchExact), Value: ptr.To(responder.Path(p.ch.Spec.Token)),
		}}},
		BackendRefs: []gatewayv1.HTTPBackendRef{{BackendRef: gatewayv1.BackendRef{
			BackendObjectReference: gatewayv1.BackendObjectReference{
				Group: ptr.To(gatewayv1.Group("")), Kind: ptr.To(gatewayv1.Kind("Service")),
				Name: gatewayv1.ObjectName(b.service), Port: ptr.To(b.port),
			},
			Weight: ptr.To[int32](1),
		}}},
	}}
	return r
}

func (s *Solver) httpRoutes(p plan) kept[*gatewayv1.HTTPRoute] {
	return kept[*gatewayv1.HTTPRoute]{
		kind: "HTTPRoute", store: s.api.Routes.HTTPRoutes(p.ch.Namespace),
		ours:  func(have *gatewayv1.HTTPRoute) bool { return metav1.IsControlledBy(have, p.ch) },
		merge: mergeHTTPRoute, first: p.first,
	}
}

// mergeHTTPRoute compares what may be defaulted by what was asked for: of the
// parents their names, of the rules what they match and where they lead.
func mergeHTTPRoute(have, want *gatewayv1.HTTPRoute) (*gatewayv1.HTTPRoute, bool) {
	next := have.DeepCopy()
	dress(next, want)
	next.Spec.Hostnames = want.Spec.Hostnames
	if !sameParents(have.Spec.ParentRefs, want.Spec.ParentRefs) {
		next.Spec.ParentRefs = want.Spec.ParentRefs
	}
	if !sameRules(have.Spec.Rules, want.Spec.Rules) {
		next.Spec.Rules = want.Spec.Rules
	}
	return next, false
}

func sameParents(have, want []gatewayv1.ParentReference) bool {
	if len(have) != len(want) {
		return false
	}
	for i, w := range want {
		h := have[i]
		if h.Name != w.Name || !sameOrUnsaid(h.Namespace, w.Namespace) || !sameOrUnsaid(h.SectionName, w.SectionName) ||
			!sameOrUnsaid(h.Port, w.Port) || !sameOrUnsaid(h.Kind, w.Kind) || !sameOrUnsaid(h.Group, w.Group) {
			return false
		}
	}
	return true
}

// sameOrUnsaid takes a default for the same as nothing said.
func sameOrUnsaid[T comparable](have, want *T) bool {
	return want == nil || have != nil && *have == *want
}

func sameRules(have, want []gatewayv1.HTTPRouteRule) bool {
	if len(have) != 1 || len(have[0].Matches) != 1 || len(have[0].BackendRefs) != 1 || len(have[0].Filters) > 0 {
		return false
	}
	h, w := have[0], want[0]
	path, to := h.Matches[0].Path, h.BackendRefs[0]
	return path != nil && ptr.Equal(path.Type, w.Matches[0].Path.Type) && ptr.Equal(path.Value, w.Matches[0].Path.Value) &&
		to.Name == w.BackendRefs[0].Name && ptr.Equal(to.Port, w.BackendRefs[0].Port)
}

// routeTrouble says what a Gateway has against the HTTPRoute; empty: nothing.
func (s *Solver) routeTrouble(ctx context.Context, p plan) string {
	route, err := s.api.Routes.HTTPRoutes(p.ch.Namespace).Get(ctx, p.name(), metav1.GetOptions{})
	if err != nil {
		return ""
	}
	if len(route.Status.Parents) == 0 {
		return fmt.Sprintf("no Gateway has taken up HTTPRoute %s; check parentRefs", route.Name)
	}
	for _, parent := range route.Status.Parents {
		for _, c := range parent.Conditions {
			told := c.Type == string(gatewayv1.RouteConditionAccepted) || c.Type == string(gatewayv1.RouteConditionResolvedRefs)
			if told && c.Status == metav1.ConditionFalse {
				return fmt.Sprintf("Gateway %s does not serve HTTPRoute %s (%s)", parent.ParentRef.Name, route.Name, printable(c.Reason))
			}
		}
	}
	return ""
}
