package shims

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// FromGateway reduces a Gateway. routes are the HTTPRoutes that name it; they
// count only where its annotation asks for their names.
func FromGateway(gw *gatewayv1.Gateway, routes []*gatewayv1.HTTPRoute, s Settings) *Parent {
	p := &Parent{Kind: queue.Gateway, Meta: &gw.ObjectMeta, Annotations: gw.Annotations}
	p.Overrides = map[string]string{
		cmacme.ACMECertificateHTTP01ParentRefKind: "Gateway",
		cmacme.ACMECertificateHTTP01ParentRefName: gw.Name,
	}
	p.listeners(gw.Spec.Listeners, routes, s)
	return p
}

// FromListenerSet reduces a ListenerSet. gw is its Gateway, nil when there is
// none, whose issuer it takes when it names none itself.
func FromListenerSet(ls *gatewayv1.ListenerSet, gw *gatewayv1.Gateway, routes []*gatewayv1.HTTPRoute, s Settings) *Parent {
	p := &Parent{Kind: queue.ListenerSet, Meta: &ls.ObjectMeta, Annotations: ls.Annotations}
	if gw == nil || gw.DeletionTimestamp != nil {
		p.Orphan = true
	} else {
		p.Annotations = inherited(ls.Annotations, gw.Annotations)
	}
	p.Overrides = listenerSetOverrides(ls)
	listeners := make([]gatewayv1.Listener, 0, len(ls.Spec.Listeners))
	for _, l := range ls.Spec.Listeners {
		listeners = append(listeners, gatewayv1.Listener(l))
	}
	p.listeners(listeners, routes, s)
	return p
}

var issuerAnnotations = []string{
	cmapi.IngressIssuerNameAnnotationKey, cmapi.IngressClusterIssuerNameAnnotationKey,
	cmapi.IssuerKindAnnotationKey, cmapi.IssuerGroupAnnotationKey,
}

// inherited adds the Gateway's issuer to annotations that name none. It is
// taken as a whole: half of it with half of another would be a third issuer.
func inherited(own, gateway map[string]string) map[string]string {
	for _, key := range issuerAnnotations[:2] {
		if _, ok := own[key]; ok {
			return own
		}
	}
	merged := maps.Clone(own)
	for _, key := range issuerAnnotations {
		value, ok := gateway[key]
		if _, has := own[key]; !ok || has {
			continue
		}
		if merged == nil {
			merged = map[string]string{}
		}
		merged[key] = value
	}
	return merged
}

// listenerSetOverrides sends challenges to the ListenerSet, or to its Gateway
// where the ListenerSet says so.
func listenerSetOverrides(ls *gatewayv1.ListenerSet) map[string]string {
	if fallback, err := strconv.ParseBool(ls.Annotations[cmacme.ACMECertificateHTTP01ParentRefFallback]); err != nil || !fallback {
		return map[string]string{
			cmacme.ACMECertificateHTTP01ParentRefKind: "ListenerSet",
			cmacme.ACMECertificateHTTP01ParentRefName: ls.Name,
		}
	}
	namespace, name := api.GatewayOf(ls)
	return map[string]string{
		cmacme.ACMECertificateHTTP01ParentRefKind:      "Gateway",
		cmacme.ACMECertificateHTTP01ParentRefName:      name,
		cmacme.ACMECertificateHTTP01ParentRefNamespace: namespace,
	}
}

func (p *Parent) listeners(listeners []gatewayv1.Listener, routes []*gatewayv1.HTTPRoute, s Settings) {
	for i, l := range listeners {
		where := fmt.Sprintf("spec.listeners[%d]", i)
		if l.TLS != nil {
			for _, ref := range l.TLS.CertificateRefs {
				if home(ref, p.Meta.Namespace) {
					p.name(string(ref.Name))
				}
			}
		}
		if !terminates(l, s) || p.ignores(l.Name) || !p.usable(where, l) {
			continue
		}
		hosts, from := p.hosts(where, l, routes)
		if len(hosts) == 0 {
			continue
		}
		for _, ref := range l.TLS.CertificateRefs {
			p.Entries = append(p.Entries, Entry{Secret: string(ref.Name), Hosts: hosts, Where: from})
		}
	}
}

// terminates reports a listener that ends TLS by itself.
func terminates(l gatewayv1.Listener, s Settings) bool {
	switch {
	case l.TLS != nil && l.TLS.Mode != nil && *l.TLS.Mode == gatewayv1.TLSModePassthrough:
		return false
	case l.Protocol == gatewayv1.HTTPSProtocolType, l.Protocol == gatewayv1.TLSProtocolType:
		return true
	default:
		return slices.Contains(s.ExtraProtocols, string(l.Protocol))
	}
}

func (p *Parent) ignores(listener gatewayv1.SectionName) bool {
	for name := range strings.SplitSeq(p.Annotations[cmapi.CertificateIgnoreTLSListeners], ",") {
		if strings.TrimSpace(name) == string(listener) {
			return true
		}
	}
	return false
}

// usable tells what keeps a listener from getting a certificate.
func (p *Parent) usable(where string, l gatewayv1.Listener) bool {
	before := len(p.Faults)
	const passed = "this listener is passed over: "
	switch {
	case l.TLS == nil:
		p.fault(where+".tls", passed+"say there which Secret the certificate goes into")
	case l.TLS.Mode != nil && *l.TLS.Mode != gatewayv1.TLSModeTerminate:
		p.fault(where+".tls.mode", passed+"%q is unknown: use Terminate", *l.TLS.Mode)
	case len(l.TLS.CertificateRefs) == 0:
		p.fault(where+".tls.certificateRefs", passed+"name the Secret that the certificate goes into")
	}
	if l.TLS == nil {
		return false
	}
	for i, ref := range l.TLS.CertificateRefs {
		at := fmt.Sprintf("%s.tls.certificateRefs[%d]", where, i)
		switch {
		case ref.Group != nil && *ref.Group != "" && *ref.Group != "core":
			p.fault(at+".group", passed+"%q has no Secrets: leave it out", *ref.Group)
		case ref.Kind != nil && *ref.Kind != "" && *ref.Kind != "Secret":
			p.fault(at+".kind", passed+"%q is not Secret, which is all that can be filled", *ref.Kind)
		case !home(ref, p.Meta.Namespace):
			p.fault(at+".namespace", passed+"a certificate can go only into the namespace of the %s, not into %q: make a Certificate there, and leave this listener out with %s",
				p.noun(), *ref.Namespace, cmapi.CertificateIgnoreTLSListeners)
		case ref.Name == "":
			p.fault(at+".name", passed+"name the Secret that the certificate goes into")
		}
	}
	return len(p.Faults) == before
}

// home reports a reference to something of the parent's own namespace.
func home(ref gatewayv1.SecretObjectReference, namespace string) bool {
	return ref.Namespace == nil || *ref.Namespace == "" || string(*ref.Namespace) == namespace
}
