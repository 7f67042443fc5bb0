package contract

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1apply "k8s.io/client-go/applyconfigurations/core/v1"

	"github.com/certwright/certwright/test/e2e/suite"
)

func TestOutputFormats(t *testing.T) {
	t.Parallel()
	for _, encoding := range []cmapi.PrivateKeyEncoding{cmapi.PKCS1, cmapi.PKCS8} {
		t.Run(string(encoding), func(t *testing.T) {
			s := space(t)
			root := below(s, "ca")
			got := s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
				crt.Spec.PrivateKey.Encoding = encoding
				crt.Spec.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{
					{Type: cmapi.CertificateOutputFormatDER}, {Type: cmapi.CertificateOutputFormatCombinedPEM},
				}
			})
			d := newDesk(s)
			d.put("root", pemOf(root.Certificate))
			for _, key := range []string{"tls.key", "key.der", "tls-combined.pem"} {
				d.put(key, got.Secret.Data[key])
			}
			public := d.run("openssl", "pkey", "-in", "tls.key", "-pubout")
			if d.run("openssl", "pkey", "-inform", "DER", "-in", "key.der", "-pubout") != public {
				t.Error("key.der holds another key")
			}
			if d.run("openssl", "pkey", "-in", "tls-combined.pem", "-pubout") != public {
				t.Error("tls-combined.pem holds another key")
			}
			d.run("openssl", "verify", "-CAfile", "root", "-untrusted", "tls-combined.pem", "tls-combined.pem")

			s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.AdditionalOutputFormats = nil })
			left := s.AwaitSecret("web", func(secret *corev1.Secret) bool { return secret.Data["key.der"] == nil })
			if left.Data["tls-combined.pem"] != nil || !s.Parse(left).Leaf.Equal(got.Leaf) {
				t.Error("what is not wanted any more is still there, or more than that has changed")
			}
		})
	}
}

// TestTemplateKnowsWhatIsWhose: what leaves the template leaves the Secret,
// unless somebody else has applied it too.
func TestTemplateKnowsWhatIsWhose(t *testing.T) {
	s := space(t)
	s.CA("ca")
	first := s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.SecretTemplate = &cmapi.CertificateSecretTemplate{
			Labels:      map[string]string{"ours": "a", "both": "a"},
			Annotations: map[string]string{"example.com/ours": "a", "example.com/both": "a"},
		}
	})
	theirs := corev1apply.Secret("web", s.Namespace).
		WithLabels(map[string]string{"both": "a", "theirs": "a"}).
		WithAnnotations(map[string]string{"example.com/both": "a", "example.com/theirs": "a"})
	_, err := s.Kube.CoreV1().Secrets(s.Namespace).Apply(t.Context(), theirs, metav1.ApplyOptions{FieldManager: "somebody"})
	s.Must(err)
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Spec.SecretTemplate = nil })
	left := s.AwaitSecret("web", func(secret *corev1.Secret) bool { return secret.Labels["ours"] == "" })
	if left.Annotations["example.com/ours"] != "" {
		t.Error("an annotation of the template that was is still there")
	}
	for _, key := range []string{"both", "theirs"} {
		if left.Labels[key] != "a" || left.Annotations["example.com/"+key] != "a" {
			t.Errorf("%s: what somebody else has applied was removed: %v %v", key, left.Labels, left.Annotations)
		}
	}
	if !s.Parse(left).Leaf.Equal(first.Leaf) {
		t.Error("a new certificate was issued for a label")
	}
}
