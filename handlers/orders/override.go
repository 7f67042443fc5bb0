package orders

import (
	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	gwapi "sigs.k8s.io/gateway-api/apis/v1"
)

// overridden is a solver with what an Order's annotations, which are the
// Certificate's, put in the place of its settings (contract 1.4). How an Ingress
// is found is said in one way only: by name, by ingressClassName or by class.
func overridden(s cmacme.ACMEChallengeSolver, annotations map[string]string) cmacme.ACMEChallengeSolver {
	s = *s.DeepCopy()
	if s.HTTP01 == nil {
		return s
	}
	if s.HTTP01.Ingress != nil {
		overrideIngress(s.HTTP01.Ingress, annotations)
	}
	if s.HTTP01.GatewayHTTPRoute != nil {
		overrideParent(s.HTTP01.GatewayHTTPRoute, annotations)
	}
	return s
}

func overrideIngress(i *cmacme.ACMEChallengeSolverHTTP01Ingress, annotations map[string]string) {
	name := annotations[cmacme.ACMECertificateHTTP01IngressNameOverride]
	className := annotations[cmacme.ACMECertificateHTTP01IngressClassNameOverride]
	class := annotations[cmacme.ACMECertificateHTTP01IngressClassOverride]
	if name == "" && className == "" && class == "" {
		return
	}
	i.Name, i.IngressClassName, i.Class = "", nil, nil
	switch {
	case name != "":
		i.Name = name
	case className != "":
		i.IngressClassName = &className
	default:
		i.Class = &class
	}
}

func overrideParent(r *cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute, annotations map[string]string) {
	name := annotations[cmacme.ACMECertificateHTTP01ParentRefName]
	if name == "" {
		return
	}
	parent := gwapi.ParentReference{Name: gwapi.ObjectName(name)}
	if kind := gwapi.Kind(annotations[cmacme.ACMECertificateHTTP01ParentRefKind]); kind != "" {
		parent.Kind = &kind
	}
	if namespace := gwapi.Namespace(annotations[cmacme.ACMECertificateHTTP01ParentRefNamespace]); namespace != "" {
		parent.Namespace = &namespace
	}
	r.ParentRefs = []gwapi.ParentReference{parent}
}
