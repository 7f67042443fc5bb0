package daemon

import (
	"testing"

	"github.com/certwright/certwright/daemon/config"

	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// An annotated Ingress costs one write more than its Certificate, and its
// deletion none: the garbage collector's work is not ours.
func TestWritesForAnIngress(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		r.take(work)
		w.ingress("web", map[string]string{"cert-manager.io/issuer": "ca"})
		w.rest()
		w.expectReady("web-tls")
		w.expectWrites(r,
			"create certificates shop",
			"create certificaterequests shop",
			"update certificaterequests/status shop/web-tls-1",
			"patch secrets shop/web-tls",
			"update certificates/status shop/web-tls")
		if events := w.eventsOf("web"); len(events) != 1 || events[0] != "CreateCertificate" {
			t.Errorf("events %q", events)
		}
		w.expectTidy()
	})
}

// Switched off, nobody looks at Ingresses.
func TestIngressesLeftAlone(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start(func(cfg *config.Config) { cfg.Controllers = []string{"*", "-ingress-shim"} })
		w.withCA()
		r.take(work)
		w.ingress("web", map[string]string{"cert-manager.io/issuer": "ca"})
		w.rest()
		w.expectWrites(r)
	})
}

func (w *world) ingress(name string, annotations map[string]string) {
	w.Helper()
	ing := &networkingv1.Ingress{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: name, Annotations: annotations}}
	ing.Spec.TLS = []networkingv1.IngressTLS{{Hosts: []string{name + ".test"}, SecretName: name + "-tls"}}
	_, err := w.user.Core.NetworkingV1().Ingresses(ns).Create(w.ctx, ing, metav1.CreateOptions{})
	w.must(err)
}
