package api

import gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"

// GatewayOf names the Gateway that a ListenerSet belongs to.
func GatewayOf(ls *gatewayv1.ListenerSet) (namespace, name string) {
	namespace = ls.Namespace
	if ns := ls.Spec.ParentRef.Namespace; ns != nil && *ns != "" {
		namespace = string(*ns)
	}
	return namespace, string(ls.Spec.ParentRef.Name)
}

// RouteParent names what a route of a namespace refers to, with the defaults of
// the Gateway API filled in. The kind is empty when it is none of that API's.
func RouteParent(ref gatewayv1.ParentReference, routeNamespace string) (kind, namespace, name string) {
	kind, namespace, name = "Gateway", routeNamespace, string(ref.Name)
	if ref.Kind != nil {
		kind = string(*ref.Kind)
	}
	if ref.Namespace != nil && *ref.Namespace != "" {
		namespace = string(*ref.Namespace)
	}
	if ref.Group != nil && string(*ref.Group) != gatewayv1.GroupName {
		kind = ""
	}
	return kind, namespace, name
}
