package certificates_test

import (
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A ClusterIssuer signs for every namespace with the CA in the namespace for
// cluster resources.
func TestIssuanceByClusterIssuer(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	f.CASecret.Namespace = handlertest.ClusterNamespace
	root := &cmapi.ClusterIssuer{
		ObjectMeta: metav1.ObjectMeta{Name: "ca", UID: "uid-cluster-ca", Generation: 1}, Spec: f.Issuer.Spec, Status: f.Issuer.Status,
	}
	w := handlertest.New(t, root, f.CASecret, handlertest.Web(func(crt *cmapi.Certificate) { crt.Spec.IssuerRef.Kind = "ClusterIssuer" }))
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote(
		"create certificaterequests web-1",
		"update certificaterequests/status web-1",
		"apply secrets web-tls",
		"update certificates/status web",
	)
	isReady(t, w, 1, "ca-pair")
	a := w.Secret("web-tls").Annotations
	if a["cert-manager.io/issuer-kind"] != "ClusterIssuer" || a["cert-manager.io/issuer-name"] != "ca" {
		t.Errorf("annotations: got %v", a)
	}
}

// A root by SelfSigned, a CA issuer on its Secret, a certificate by that: each
// waits for the one before it, and all come to rest without help.
func TestAHierarchyFromNothing(t *testing.T) {
	t.Parallel()
	issuer := handlertest.CAIssuer("ca", "root-tls")
	issuer.Status = cmapi.IssuerStatus{}
	w := handlertest.New(t, issuer, handlertest.SelfSignedIssuer("self"), handlertest.Web(),
		handlertest.Web(selfSigned, func(crt *cmapi.Certificate) { crt.Name, crt.UID, crt.Spec.SecretName = "root", "uid-root", "root-tls" }))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	leaf := served(t, w.Secret("web-tls"))
	if leaf.Issuer.CommonName != "Root" {
		t.Errorf("issued by %s, want Root", leaf.Issuer)
	}
	for _, name := range []string{"web", "root"} {
		if crt := w.Certificate(name); *crt.Status.Revision != 1 || len(crt.Status.Conditions) != 1 {
			t.Errorf("%s: got %+v", name, crt.Status)
		}
	}
	w.Forget()
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote()
}
