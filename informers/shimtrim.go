package informers

import (
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// What asks for Certificates is cached without what routes the traffic: a
// cluster has thousands of Ingresses, each with pages of rules and snippets.

// trimIngress keeps of an Ingress that has no annotation of ours only that it
// is there.
func (s *Set) trimIngress(obj any) (any, error) {
	ing, ok := obj.(*networkingv1.Ingress)
	if !ok {
		return obj, nil
	}
	kept := &networkingv1.Ingress{ObjectMeta: s.trimmedParent(&ing.ObjectMeta)}
	if kept.Annotations != nil {
		kept.Spec.TLS = ing.Spec.TLS
	}
	return kept, nil
}

func (s *Set) trimGateway(obj any) (any, error) {
	gw, ok := obj.(*gatewayv1.Gateway)
	if !ok {
		return obj, nil
	}
	kept := &gatewayv1.Gateway{ObjectMeta: s.trimmedParent(&gw.ObjectMeta)}
	kept.Spec.Listeners = gw.Spec.Listeners
	return kept, nil
}

func (s *Set) trimListenerSet(obj any) (any, error) {
	ls, ok := obj.(*gatewayv1.ListenerSet)
	if !ok {
		return obj, nil
	}
	kept := &gatewayv1.ListenerSet{ObjectMeta: s.trimmedParent(&ls.ObjectMeta)}
	kept.Spec.ParentRef, kept.Spec.Listeners = ls.Spec.ParentRef, ls.Spec.Listeners
	return kept, nil
}

// trimRoute keeps the names of a route and who accepted them.
func trimRoute(obj any) (any, error) {
	r, ok := obj.(*gatewayv1.HTTPRoute)
	if !ok {
		return obj, nil
	}
	kept := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{
		Namespace: r.Namespace, Name: r.Name, UID: r.UID, ResourceVersion: r.ResourceVersion, DeletionTimestamp: r.DeletionTimestamp,
	}}
	kept.Spec.ParentRefs, kept.Spec.Hostnames = r.Spec.ParentRefs, r.Spec.Hostnames
	for _, p := range r.Status.Parents {
		p.Conditions = acceptedOnly(p.Conditions)
		kept.Status.Parents = append(kept.Status.Parents, p)
	}
	return kept, nil
}

func acceptedOnly(all []metav1.Condition) []metav1.Condition {
	for _, c := range all {
		if c.Type == string(gatewayv1.RouteConditionAccepted) {
			return []metav1.Condition{{Type: c.Type, Status: c.Status, Reason: c.Reason}}
		}
	}
	return nil
}

// trimmedParent keeps the labels, which go to the Certificate, where there is
// an annotation that counts; Annotations is nil where there is none.
func (s *Set) trimmedParent(m *metav1.ObjectMeta) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{
		Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion,
		CreationTimestamp: m.CreationTimestamp, DeletionTimestamp: m.DeletionTimestamp, Finalizers: m.Finalizers,
	}
	for key, value := range m.Annotations {
		if s.counts(key) {
			metav1.SetMetaDataAnnotation(&kept, key, value)
		}
	}
	if kept.Annotations != nil {
		kept.Labels = m.Labels
	}
	return kept
}
