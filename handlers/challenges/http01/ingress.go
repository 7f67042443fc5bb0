package http01

import (
	"context"

	"github.com/certwright/certwright/internal/responder"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// backend is where a route leads.
type backend struct {
	service string
	port    int32
}

// open lets validation in from everywhere where ingress-nginx is told to let
// only some addresses in (contract, section 1.4).
var openToAll = map[string]string{"nginx.ingress.kubernetes.io/whitelist-source-range": "0.0.0.0/0,::/0"}

// classAnnotation is how an Ingress was given its class before there was a field.
const classAnnotation = "kubernetes.io/ingress.class"

// ingressTo is the Ingress of a challenge's own.
func (p plan) ingressTo(b backend) *networkingv1.Ingress {
	in := &networkingv1.Ingress{ObjectMeta: p.meta()}
	if t := p.ingress.IngressTemplate; t != nil {
		add(in.Labels, t.Labels)
		add(in.Annotations, t.Annotations)
	}
	add(in.Annotations, openToAll)
	if p.ingress.Class != nil {
		in.Annotations[classAnnotation] = *p.ingress.Class
	}
	in.Spec.IngressClassName = p.ingress.IngressClassName
	in.Spec.Rules = []networkingv1.IngressRule{ruleFor(p.host(), pathTo(p.ch.Spec.Token, b))}
	return in
}

func ruleFor(host string, path networkingv1.HTTPIngressPath) networkingv1.IngressRule {
	return networkingv1.IngressRule{Host: host, IngressRuleValue: networkingv1.IngressRuleValue{
		HTTP: &networkingv1.HTTPIngressRuleValue{Paths: []networkingv1.HTTPIngressPath{path}},
	}}
}

func pathTo(token string, b backend) networkingv1.HTTPIngressPath {
	return networkingv1.HTTPIngressPath{
		Path: responder.Path(token), PathType: ptr.To(networkingv1.PathTypeExact),
		Backend: networkingv1.IngressBackend{Service: &networkingv1.IngressServiceBackend{
			Name: b.service, Port: networkingv1.ServiceBackendPort{Number: b.port},
		}},
	}
}

func (s *Solver) ingresses(p plan) kept[*networkingv1.Ingress] {
	return kept[*networkingv1.Ingress]{
		kind: "Ingress", store: s.api.Ingresses.Ingresses(p.ch.Namespace),
		ours:  func(have *networkingv1.Ingress) bool { return metav1.IsControlledBy(have, p.ch) },
		merge: mergeIngress, first: p.first,
	}
}

// mergeIngress leaves alone what controllers add, such as a default class.
func mergeIngress(have, want *networkingv1.Ingress) (*networkingv1.Ingress, bool) {
	next := have.DeepCopy()
	dress(next, want)
	next.Spec.Rules = want.Spec.Rules
	if want.Spec.IngressClassName != nil {
		next.Spec.IngressClassName = want.Spec.IngressClassName
	}
	return next, false
}

// route leads the challenge's path to b.
func (s *Solver) route(ctx context.Context, p plan, b backend) error {
	var err error
	switch {
	case p.gateway != nil:
		_, err = s.httpRoutes(p).ensure(ctx, p.httpRouteTo(b))
	case p.ingress.Name != "":
		err = s.edit(ctx, p, func(in *networkingv1.Ingress) error { return addPath(in, p.host(), pathTo(p.ch.Spec.Token, b)) })
	default:
		_, err = s.ingresses(p).ensure(ctx, p.ingressTo(b))
	}
	return err
}

// unroute takes that away.
func (s *Solver) unroute(ctx context.Context, p plan) error {
	switch {
	case p.gateway != nil:
		return s.httpRoutes(p).remove(ctx, p.ch.Namespace, p.name())
	case p.ingress.Name != "":
		return s.unedit(ctx, p)
	default:
		return s.ingresses(p).remove(ctx, p.ch.Namespace, p.name())
	}
}
