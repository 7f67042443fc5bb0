package acme

import (
	"slices"
	"strings"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestMisreadRevocation: an annotation that asks for revocation in words that
// nobody knows, or of an issuer that cannot, is told once, stays to be read and
// is mended without a trace; what is right in it holds.
func TestMisreadRevocation(t *testing.T) {
	s := begin(t)
	s.CA("ca")
	name := s.HTTPName("www")
	ask := func(value string) func(*cmapi.Certificate) {
		return func(crt *cmapi.Certificate) { crt.Annotations = map[string]string{"certwright.dev/revoke": value} }
	}
	s.Create("web", s.HTTP(), site.Names(name), ask("on-deletion, on-delete"))
	s.Create("inner", suite.IssuerRef("ca"), ask("on-deletion"))
	bundle := s.Obtained("web", name)
	for crt, words := range map[string][]string{
		"web":   {`unknown word "on-delete"`, "use on-deletion, on-key-change or both"},
		"inner": {"Issuer.cert-manager.io/ca cannot revoke", "remove the annotation"},
	} {
		said := s.AwaitEvent(crt, "BadConfig", words[0])
		s.Mentions(said.Message, append(words, "metadata.annotations[certwright.dev/revoke]: ")...)
		s.Await(crt, func(crt *cmapi.Certificate) bool {
			c := harness.Condition(crt, cmapi.CertificateConditionReady)
			return c != nil && c.Status == "True" && strings.Contains(c.Message, words[0])
		})
		s.Mentions(s.OK("status", "certificate", crt), words[0])
	}
	s.Edit("web", ask("on-deletion"))
	s.Await("web", func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionReady)
		return c.Message == "Certificate is up to date and has not expired" && slices.Contains(crt.Finalizers, "certwright.dev/revoke")
	})
	deleteCertificate(s, "web")
	revoked(s, bundle.Leaf)
	events, err := s.Kube.CoreV1().Events(s.Namespace).List(t.Context(), metav1.ListOptions{})
	s.Must(err)
	told := slices.DeleteFunc(events.Items, func(e corev1.Event) bool { return e.Reason != "BadConfig" })
	if len(told) != 2 || told[0].Count > 1 || told[1].Count > 1 {
		t.Errorf("want one event for each Certificate: %v", told)
	}
}
