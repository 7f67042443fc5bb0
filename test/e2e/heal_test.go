package e2e

import (
	"encoding/json"
	"fmt"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// patchSecret edits a Secret as an operator does by hand.
func patchSecret(s *suite.Space, name, patch string) {
	s.Helper()
	_, err := s.Kube.CoreV1().Secrets(s.Namespace).Patch(s.Context(), name, mergePatch, []byte(patch), metav1.PatchOptions{})
	s.Must(err)
}

// setData is a patch of one key's value.
func setData(s *suite.Space, key string, value []byte) string {
	s.Helper()
	patch, err := json.Marshal(map[string]any{"data": map[string]any{key: value}})
	s.Must(err)
	return string(patch)
}

// TestSecretHeals spoils Secrets in every way the contract names; each time a
// new certificate is issued and the Event tells the reason.
func TestSecretHeals(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(s *suite.Space, was *suite.Bundle)
		says  string
	}{
		"deleted": {says: "does not exist", spoil: func(s *suite.Space, _ *suite.Bundle) {
			s.Must(s.Kube.CoreV1().Secrets(s.Namespace).Delete(s.Context(), "web", metav1.DeleteOptions{}))
		}},
		"no data": {says: "does not contain", spoil: func(s *suite.Space, _ *suite.Bundle) {
			patchSecret(s, "web", `{"data":{"tls.crt":"","tls.key":"","ca.crt":null}}`)
		}},
		"no key": {says: "tls.key", spoil: func(s *suite.Space, _ *suite.Bundle) {
			patchSecret(s, "web", `{"data":{"tls.key":""}}`)
		}},
		"key is no key": {says: "invalid private key", spoil: func(s *suite.Space, _ *suite.Bundle) {
			patchSecret(s, "web", setData(s, "tls.key", []byte("nothing of the kind")))
		}},
		"half a certificate": {says: "invalid certificate", spoil: func(s *suite.Space, was *suite.Bundle) {
			chain := was.Secret.Data["tls.crt"]
			patchSecret(s, "web", setData(s, "tls.crt", chain[:len(chain)/2]))
		}},
		"key of another": {says: "does not belong to its certificate", spoil: func(s *suite.Space, _ *suite.Bundle) {
			other := s.Issue("other", suite.IssuerRef("ca"))
			patchSecret(s, "web", setData(s, "tls.key", other.Secret.Data["tls.key"]))
		}},
		"pair of another": {says: "private key", spoil: func(s *suite.Space, _ *suite.Bundle) {
			other := s.Issue("other", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) { crt.Spec.DNSNames = []string{"web.example.com"} })
			data, err := json.Marshal(map[string]any{"data": map[string]any{
				"tls.key": other.Secret.Data["tls.key"], "tls.crt": other.Secret.Data["tls.crt"],
			}})
			s.Must(err)
			patchSecret(s, "web", string(data))
		}},
		"issuer annotation": {says: "previously issued by", spoil: func(s *suite.Space, _ *suite.Bundle) {
			patchSecret(s, "web", `{"metadata":{"annotations":{"cert-manager.io/issuer-name":"somebody-else"}}}`)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			ca := s.CA("ca")
			was := s.Issue("web", suite.IssuerRef("ca"))
			before := s.Get("web")
			row.spoil(s, was)
			s.Reissued(before)
			now := s.Bundle("web")
			now.SignedBy(s, ca)
			if now.Leaf.Equal(was.Leaf) {
				t.Error("the certificate is the same as before")
			}
			s.AwaitEvent("web", "Issuing", row.says)
		})
	}
}

func TestOtherIssuerInTheSpecIssuesAnew(t *testing.T) {
	s := space(t)
	s.CA("one")
	two := s.CA("two")
	s.Issue("web", suite.IssuerRef("one"))
	before := s.Get("web")
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.IssuerRef = suite.IssuerRef("two") })
	s.Reissued(before)
	now := s.Bundle("web")
	now.SignedBy(s, two)
	if name := now.Secret.Annotations["cert-manager.io/issuer-name"]; name != "two" {
		t.Errorf("the Secret says it is of issuer %q", name)
	}
	s.AwaitEvent("web", "Issuing", "previously issued by")
}

func TestOtherSecretNameMovesTheCertificate(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	before := s.Get("web")
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.SecretName = "elsewhere" })
	s.Reissued(before)
	s.Bundle("elsewhere")
}

func TestAnnotationsAndLabelsHealWithoutIssuingAnew(t *testing.T) {
	s := space(t)
	s.CA("ca")
	was := s.Issue("web", suite.IssuerRef("ca"))
	for _, patch := range []string{
		`{"metadata":{"annotations":{"cert-manager.io/alt-names":"wrong"}}}`,
		`{"metadata":{"labels":{"controller.cert-manager.io/fao":null}}}`,
		`{"data":{"ca.crt":""}}`,
	} {
		patchSecret(s, "web", patch)
		s.AwaitSecret("web", func(secret *corev1.Secret) bool {
			return secret.Annotations["cert-manager.io/alt-names"] == "web.example.com" &&
				secret.Labels["controller.cert-manager.io/fao"] == "true" && len(secret.Data["ca.crt"]) > 0
		})
	}
	if now := s.Bundle("web"); !now.Leaf.Equal(was.Leaf) || harness.Revision(s.Get("web")) != 1 {
		t.Error("a new certificate was issued, for nothing that is in it")
	}
}

// TestTwoWritersMakeNoStorm plays a tool that keeps putting its own key back.
func TestTwoWritersMakeNoStorm(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	const prompt = 3 // times it is mended at once
	for i := range prompt {
		before := s.Get("web")
		patchSecret(s, "web", setData(s, "tls.key", fmt.Appendf(nil, "key number %d", i)))
		s.Reissued(before)
	}
	// Now it waits, says why the Certificate is not Ready, and then goes on.
	waits := s.Soon("web", suite.NotReady("InvalidKeyPair"))
	before := s.Get("web")
	patchSecret(s, "web", setData(s, "tls.key", []byte("and again")))
	waits()
	s.Reissued(before)
}
