package shims

import (
	"testing"

	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

func some[T any](v T) *T { return &v }

// listener ends TLS for a host with a Secret.
func listener(name, host, secret string) gatewayv1.Listener {
	l := gatewayv1.Listener{Name: gatewayv1.SectionName(name), Port: 443, Protocol: gatewayv1.HTTPSProtocolType,
		TLS: &gatewayv1.ListenerTLSConfig{Mode: some(gatewayv1.TLSModeTerminate), CertificateRefs: []gatewayv1.SecretObjectReference{
			{Group: some(gatewayv1.Group("")), Kind: some(gatewayv1.Kind("Secret")), Name: gatewayv1.ObjectName(secret)}}}}
	if host != "" {
		l.Hostname = some(gatewayv1.Hostname(host))
	}
	return l
}

func (w *world) gateway(name string, listeners []gatewayv1.Listener, annotations ...string) *gatewayv1.Gateway {
	gw := &gatewayv1.Gateway{ObjectMeta: w.meta(name, annotations...)}
	gw.Spec.Listeners = listeners
	w.gateways[name] = gw
	return gw
}

// ofGateway is a Certificate that a Gateway or ListenerSet controls.
func ofGateway(kind, secret, owner string, hosts ...string) *cmapi.Certificate {
	crt := wanted(secret, owner, hosts...)
	crt.OwnerReferences[0].APIVersion, crt.OwnerReferences[0].Kind = "gateway.networking.k8s.io/v1", kind
	crt.Annotations = map[string]string{"acme.cert-manager.io/http01-parentrefkind": kind, "acme.cert-manager.io/http01-parentrefname": owner}
	return crt
}

func TestGateway(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	passing, plain, other := listener("through", "p.test", "p-tls"), listener("plain", "h.test", "h-tls"), listener("mqtt", "m.test", "mqtt-tls")
	passing.TLS.Mode, plain.Protocol, other.Protocol = some(gatewayv1.TLSModePassthrough), gatewayv1.HTTPProtocolType, "example.com/mqtts"
	two := listener("two", "two.test", "web-tls")
	two.TLS.CertificateRefs = append(two.TLS.CertificateRefs, gatewayv1.SecretObjectReference{Name: "second-tls"})
	gw := w.gateway("gw", []gatewayv1.Listener{listener("a", "*.web.test", "web-tls"), two, passing, plain, other, listener("skip", "s.test", "s-tls")},
		byIssuer("cert-manager.io/ignore-tls-listeners", "x, skip")...)
	w.settle()
	w.expect([]string{"create web-tls", "create second-tls"}, "Gateway/gw Normal CreateCertificate", "Gateway/gw Normal CreateCertificate")
	w.has(ofGateway("Gateway", "web-tls", "gw", "*.web.test", "two.test"))
	w.has(ofGateway("Gateway", "second-tls", "gw", "two.test"))
	w.settings.ExtraProtocols = []string{"example.com/mqtts"}
	w.restart()
	w.settle()
	w.expect([]string{"create mqtt-tls"}, "Gateway/gw Normal CreateCertificate")
	gw.Spec.Listeners = gw.Spec.Listeners[:2]
	w.settle()
	w.expect([]string{"delete mqtt-tls"}, "Gateway/gw Normal DeleteCertificate")
}

func TestFaultyListeners(t *testing.T) {
	t.Parallel()
	edit := func(change func(*gatewayv1.Listener)) gatewayv1.Listener {
		l := listener("a", "a.test", "a-tls")
		change(&l)
		return l
	}
	ref := func(l *gatewayv1.Listener) *gatewayv1.SecretObjectReference { return &l.TLS.CertificateRefs[0] }
	for name, row := range map[string]struct {
		listener gatewayv1.Listener
		want     string
	}{
		"no TLS":            {edit(func(l *gatewayv1.Listener) { l.TLS = nil }), "spec.listeners[0].tls: this listener is passed over: say there"},
		"unknown mode":      {edit(func(l *gatewayv1.Listener) { l.TLS.Mode = some(gatewayv1.TLSModeType("Half")) }), `spec.listeners[0].tls.mode: this listener is passed over: "Half" is unknown: use Terminate`},
		"no Secret":         {edit(func(l *gatewayv1.Listener) { l.TLS.CertificateRefs = nil }), "spec.listeners[0].tls.certificateRefs: this listener is passed over: name the Secret"},
		"another group":     {edit(func(l *gatewayv1.Listener) { ref(l).Group = some(gatewayv1.Group("a.test")) }), `spec.listeners[0].tls.certificateRefs[0].group: this listener is passed over: "a.test" has no Secrets`},
		"another kind":      {edit(func(l *gatewayv1.Listener) { ref(l).Kind = some(gatewayv1.Kind("ConfigMap")) }), `spec.listeners[0].tls.certificateRefs[0].kind: this listener is passed over: "ConfigMap" is not Secret`},
		"another namespace": {edit(func(l *gatewayv1.Listener) { ref(l).Namespace = some(gatewayv1.Namespace("bank")) }), `spec.listeners[0].tls.certificateRefs[0].namespace: this listener is passed over: a certificate can go only into the namespace of the Gateway, not into "bank"`},
		"no hostname":       {listener("a", "", "a-tls"), `spec.listeners[0].hostname: this listener is passed over: name the host, or have the names of its routes taken with the annotation certwright.dev/hostnames-from-routes: "true"`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.gateway("gw", []gatewayv1.Listener{row.listener, listener("b", "b.test", "b-tls")}, byIssuer()...)
			w.settle()
			w.expect([]string{"create b-tls"}, "Gateway/gw Normal CreateCertificate", "Gateway/gw Warning BadConfig: "+row.want)
		})
	}
}

// The annotation kubernetes.io/tls-acme counts on Ingresses only.
func TestNoAutoAnnotationOnGateways(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.settings.Issuer.Name = "le"
	w.restart()
	w.gateway("gw", []gatewayv1.Listener{listener("a", "a.test", "a-tls")}, "kubernetes.io/tls-acme", "true")
	w.settle()
	w.expect(nil)
}

// route is accepted by what it names.
func route(namespace, host string, refs ...gatewayv1.ParentReference) *gatewayv1.HTTPRoute {
	r := &gatewayv1.HTTPRoute{ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: host}}
	r.Spec.Hostnames = []gatewayv1.Hostname{gatewayv1.Hostname(host)}
	r.Spec.ParentRefs = refs
	for _, ref := range refs {
		r.Status.Parents = append(r.Status.Parents, gatewayv1.RouteParentStatus{ParentRef: ref, Conditions: []metav1.Condition{{Type: "Accepted", Status: "True"}}})
	}
	return r
}

func TestNamesFromRoutes(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	all, same, chosen := listener("all", "", "all-tls"), listener("same", "", "same-tls"), listener("chosen", "", "chosen-tls")
	from := func(l *gatewayv1.Listener, f gatewayv1.FromNamespaces) {
		l.AllowedRoutes = &gatewayv1.AllowedRoutes{Namespaces: &gatewayv1.RouteNamespaces{From: &f}}
	}
	from(&all, gatewayv1.NamespacesFromAll)
	from(&chosen, gatewayv1.NamespacesFromSelector)
	same.Port = 8443
	w.gateway("gw", []gatewayv1.Listener{all, same, chosen, listener("none", "", "none-tls"), listener("own", "own.test", "own-tls")},
		byIssuer("certwright.dev/hostnames-from-routes", "true")...)
	ref := gatewayv1.ParentReference{Name: "gw"}
	far := gatewayv1.ParentReference{Name: "gw", Namespace: some(gatewayv1.Namespace("shop"))}
	section := func(r gatewayv1.ParentReference, name string) gatewayv1.ParentReference {
		r.SectionName = some(gatewayv1.SectionName(name))
		return r
	}
	refused := route("shop", "refused.test", ref)
	refused.Status.Parents[0].Conditions[0] = metav1.Condition{Type: "Accepted", Status: "False", Reason: "NotAllowedByListeners"}
	waiting := route("shop", "waiting.test", section(ref, "same")) // for the certificate
	waiting.Status.Parents[0].Conditions[0] = metav1.Condition{Type: "Accepted", Status: "False", Reason: "NoMatchingParent"}
	unseen := route("shop", "unseen.test", section(ref, "same"))
	unseen.Status.Parents = nil
	unchosen := route("bank", "unchosen.test", section(far, "chosen"))
	unchosen.Status.Parents = nil
	elsewhere := route("shop", "elsewhere.test", gatewayv1.ParentReference{Name: "other"})
	service := route("shop", "mesh.test", gatewayv1.ParentReference{Name: "gw", Kind: some(gatewayv1.Kind("Service")), Group: some(gatewayv1.Group(""))})
	moved := route("shop", "moved.test", ref)
	moved.Spec.ParentRefs = nil
	port := route("shop", "port.test", gatewayv1.ParentReference{Name: "gw", Port: some(gatewayv1.PortNumber(8443))})
	w.routes = []*gatewayv1.HTTPRoute{
		route("shop", "z.test", section(ref, "all")), route("shop", "b.test", section(ref, "same")), route("bank", "far.test", section(far, "all")),
		route("bank", "denied.test", section(far, "same")), route("bank", "chosen.test", section(far, "chosen")), route("bank", "vague.test", far), port,
		refused, elsewhere, service, moved, waiting, unseen, unchosen,
	}
	w.settle()
	w.has(ofGateway("Gateway", "all-tls", "gw", "far.test", "vague.test", "z.test"))
	w.has(ofGateway("Gateway", "same-tls", "gw", "b.test", "port.test", "unseen.test", "waiting.test"))
	w.has(ofGateway("Gateway", "chosen-tls", "gw", "chosen.test"))
	w.has(ofGateway("Gateway", "own-tls", "gw", "own.test"))
	if w.crts["none-tls"] != nil {
		t.Error("a listener without routes has a Certificate")
	}
	w.writes = nil
	w.routes = nil
	w.settle() // routes that are gone take no certificate away
	w.expect(nil, "Gateway/gw Normal", "Gateway/gw Normal", "Gateway/gw Normal", "Gateway/gw Normal")
}

func (w *world) listenerSet(name, gateway string, listeners []gatewayv1.Listener, annotations ...string) *gatewayv1.ListenerSet {
	ls := &gatewayv1.ListenerSet{ObjectMeta: w.meta(name, annotations...)}
	ls.Spec.ParentRef.Name = gatewayv1.ObjectName(gateway)
	for _, l := range listeners {
		ls.Spec.Listeners = append(ls.Spec.Listeners, gatewayv1.ListenerEntry(l))
	}
	w.sets[name] = ls
	return ls
}

func TestListenerSet(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ls := w.listenerSet("set", "gw", []gatewayv1.Listener{listener("a", "a.test", "a-tls")})
	w.settle()
	w.expect(nil) // its Gateway is not there
	gw := w.gateway("gw", nil, byIssuer()...)
	w.settle()
	w.expect([]string{"create a-tls"}, "ListenerSet/set Normal CreateCertificate")
	w.has(ofGateway("ListenerSet", "a-tls", "set", "a.test"))

	gw.Annotations = map[string]string{"cert-manager.io/cluster-issuer": "le"}
	w.settle()
	want := ofGateway("ListenerSet", "a-tls", "set", "a.test")
	want.Spec.IssuerRef.Name, want.Spec.IssuerRef.Kind = "le", "ClusterIssuer"
	w.has(want)

	// Its own issuer goes before the Gateway's, whose kind does not count then.
	gw.Annotations = map[string]string{"cert-manager.io/issuer": "ca", "cert-manager.io/issuer-kind": "Far", "cert-manager.io/issuer-group": "far.test"}
	ls.Annotations = map[string]string{"cert-manager.io/cluster-issuer": "own", "acme.cert-manager.io/http01-parentreffallback": "true"}
	w.settle()
	want.Spec.IssuerRef.Name = "own"
	want.Annotations = map[string]string{"acme.cert-manager.io/http01-parentrefkind": "Gateway", "acme.cert-manager.io/http01-parentrefname": "gw", "acme.cert-manager.io/http01-parentrefnamespace": "shop"}
	w.has(want)

	delete(ls.Annotations, "acme.cert-manager.io/http01-parentreffallback")
	w.settle()
	want.Annotations = map[string]string{"acme.cert-manager.io/http01-parentrefkind": "ListenerSet", "acme.cert-manager.io/http01-parentrefname": "set"}
	w.has(want)

	w.writes = nil
	ls.Spec.Listeners = nil
	delete(w.gateways, "gw")
	w.settle() // without its Gateway nothing is known of it
	w.expect(nil, "ListenerSet/set Normal UpdateCertificate", "ListenerSet/set Normal UpdateCertificate", "ListenerSet/set Normal UpdateCertificate")
	if w.handle(queue.ListenerSet, "set"); w.crts["a-tls"] == nil {
		t.Error("the Certificate is gone")
	}
}
