package shims

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// also adds plain owners to a Certificate.
func also(crt *cmapi.Certificate, names ...string) *cmapi.Certificate {
	for _, name := range names {
		crt.OwnerReferences = append(crt.OwnerReferences, metav1.OwnerReference{APIVersion: "networking.k8s.io/v1", Kind: "Ingress", Name: name, UID: types.UID("uid-of-" + name)})
	}
	return crt
}

// Ingresses that share a Secret have one Certificate, with the names of all; the
// oldest writes it, and whoever is next goes on when it leaves.
func TestOneCertificateForSeveral(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("first", "tls", hosts("a.test"), byIssuer()...)
	w.ingress("another", "tls", hosts("b.test", "a.test"), byIssuer("cert-manager.io/alt-names", "c.test")...)
	w.ingress("last", "tls", hosts("d.test"), byIssuer()...)
	w.ingress("silent", "tls", hosts("no.test"))
	w.settle()
	w.expect([]string{"create tls"}, `Ingress/first Normal CreateCertificate: Successfully created Certificate "tls"`)
	w.has(also(wanted("tls", "first", "a.test", "b.test", "c.test", "d.test"), "another", "last"))

	w.ingresses["last"].Spec.TLS[0].SecretName = "own-tls"
	w.settle()
	w.expect([]string{"patch tls", "create own-tls"}, `Ingress/first Normal UpdateCertificate: Successfully updated Certificate "tls"`, `Ingress/last Normal CreateCertificate: Successfully created Certificate "own-tls"`)
	w.has(also(wanted("tls", "first", "a.test", "b.test", "c.test"), "another"))

	delete(w.ingresses, "first")
	w.settle()
	w.expect([]string{"patch tls"}, "Ingress/another Normal UpdateCertificate")
	w.has(wanted("tls", "another", "a.test", "b.test", "c.test")) // the order does not matter

	w.ingresses["another"].Spec.TLS = nil
	w.settle()
	w.expect([]string{"delete tls"}, "Ingress/another Normal DeleteCertificate")
}

// The garbage collector takes the owner away that is gone, before or after the
// next one takes over.
func TestTheNextOwnerTakesOver(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("next", "tls", hosts("b.test"), byIssuer()...)
	crt := also(wanted("tls", "gone", "a.test", "b.test"), "next")
	crt.OwnerReferences = crt.OwnerReferences[1:]
	w.put(crt)
	w.settle()
	w.has(wanted("tls", "next", "b.test"))
}

// A Certificate that cert-manager made for the younger goes over to the oldest.
func TestOneMadeForTheYounger(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("first", "tls", hosts("a.test"), byIssuer()...)
	w.ingress("second", "tls", hosts("b.test"), byIssuer()...)
	w.put(wanted("tls", "second", "b.test"))
	w.settle()
	w.expect([]string{"patch tls"}, "Ingress/first Normal UpdateCertificate")
	w.has(also(wanted("tls", "first", "a.test", "b.test"), "second"))
}

func TestSharersWhoDiffer(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("first", "tls", hosts("a.test"), byIssuer()...)
	second := w.ingress("second", "tls", hosts("b.test"), "cert-manager.io/cluster-issuer", "le")
	w.ingress("third", "tls", hosts("c.test"), byIssuer("cert-manager.io/duration", "48h")...)
	w.settle()
	w.expect([]string{"create tls"}, "Ingress/first Normal CreateCertificate",
		`Ingress/second Warning BadConfig: metadata.annotations[cert-manager.io/cluster-issuer]: Secret "tls" is shared with Ingress "first", which was there first and has Issuer.cert-manager.io/ca; this asks for ClusterIssuer.cert-manager.io/le, and its names are left out: ask for the same issuer, or name another Secret`,
		`Ingress/third Warning BadConfig: metadata.annotations[cert-manager.io/duration]: Secret "tls" is shared with Ingress "first", which was there first and whose annotations count; they differ in cert-manager.io/duration: make them equal, or name another Secret`)
	w.has(also(wanted("tls", "first", "a.test", "c.test"), "second", "third"))
	second.Annotations = map[string]string{"cert-manager.io/issuer": "ca"}
	w.settle()
	w.has(also(wanted("tls", "first", "a.test", "b.test", "c.test"), "second", "third"))
}

// Whoever makes a mistake loses none of his names, and hands over to nobody.
func TestASharersMistake(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("first", "tls", hosts("a.test"), byIssuer()...)
	w.ingress("second", "tls", hosts("b.test"), byIssuer()...)
	w.settle()
	before := also(wanted("tls", "first", "a.test", "b.test"), "second")
	w.expect([]string{"create tls"}, "Ingress/first Normal CreateCertificate")
	w.ingresses["second"].Annotations["cert-manager.io/duration"] = "never"
	w.settle()
	w.expect(nil, "Ingress/second Warning BadConfig: metadata.annotations[cert-manager.io/duration]")
	w.has(before)
	w.ingresses["second"].Spec.TLS[0].Hosts = hosts("b.test", "new.test")
	w.settle()
	w.has(before)
	w.ingresses["first"].Annotations["cert-manager.io/cluster-issuer"] = "ca"
	w.ingresses["second"].Annotations["cert-manager.io/duration"] = "48h"
	w.settle()
	w.has(before)
}

// The first to ask without a fault gets the Certificate that is not there yet.
func TestAMistakeHoldsUpNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ingress("first", "tls", hosts("a.test"), byIssuer("cert-manager.io/duration", "never")...)
	w.ingress("second", "tls", hosts("b.test"), byIssuer()...)
	w.settle()
	w.expect([]string{"create tls"}, "Ingress/first Warning BadConfig", "Ingress/second Normal CreateCertificate")
	w.has(also(wanted("tls", "second", "b.test"), "first"))
}
