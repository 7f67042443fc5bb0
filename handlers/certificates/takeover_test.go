package certificates_test

import (
	"bytes"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// What cert-manager leaves is not written anew for the sake of words.
func TestSecretOfTheReferenceStays(t *testing.T) {
	t.Parallel()
	for name, spoken := range map[string]struct{ kind, group string }{
		"kind and group left open": {"", ""},
		"both said":                {"Issuer", "cert-manager.io"},
		"only the group":           {"", "cert-manager.io"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := handlertest.AtRest(t)
			f.Secret.Annotations["cert-manager.io/issuer-kind"], f.Secret.Annotations["cert-manager.io/issuer-group"] = spoken.kind, spoken.group
			w := handlertest.New(t, f.Objects()...)
			p := w.Start(handlertest.Defaults())
			p.Settle()
			w.Wrote()
			if got := w.Secret("web-tls"); got.Annotations["cert-manager.io/issuer-kind"] != spoken.kind || !f.Leaf.Equal(served(t, got)) {
				t.Errorf("annotations: got %v", got.Annotations)
			}
		})
	}
}

// A Secret that was there before, or came out of a backup without annotations, is
// taken for what it is: it gets the annotations, and keeps its certificate.
func TestSecretWithoutAnnotationsIsAdopted(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Annotations = nil })
	p.Settle()
	w.Wrote("apply secrets web-tls")
	got := w.Secret("web-tls")
	if !f.Leaf.Equal(served(t, got)) || !bytes.Equal(got.Data["tls.key"], f.Secret.Data["tls.key"]) {
		t.Error("it was issued anew")
	}
	if diff := cmp.Diff(f.Secret.Annotations, got.Annotations); diff != "" {
		t.Errorf("annotations (-want +got):\n%s", diff)
	}
}

// It may be any Issuer's, but not one of another kind.
func TestSecretWithoutAnnotationsIsNoClusterIssuers(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Annotations = nil })
	handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Spec.IssuerRef.Kind = "ClusterIssuer" })
	p.Settle()
	crt := w.Certificate("web")
	for _, c := range crt.Status.Conditions {
		if c.Type == cmapi.CertificateConditionIssuing && c.Status == "True" {
			return
		}
	}
	t.Errorf("it is not issued anew: %+v", crt.Status.Conditions)
}
