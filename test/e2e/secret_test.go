package e2e

import (
	"maps"
	"slices"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/certwright/certwright/test/e2e/suite"
)

func isPKCS8(s *suite.Space) func(*corev1.Secret) bool {
	return func(secret *corev1.Secret) bool { return s.Parse(secret).KeyBlock() == "PRIVATE KEY" }
}

func TestSecretIsExactlyAsTheContractSays(t *testing.T) {
	s := space(t)
	s.CA("ca")
	got := s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.SecretName = "web-tls"
		crt.Spec.DNSNames = []string{"a.example.com", "b.example.com"}
		crt.Spec.IPAddresses = []string{"192.0.2.1"}
		crt.Spec.EmailAddresses = []string{"a@example.com"}
	}).Secret
	if got.Type != corev1.SecretTypeTLS {
		t.Errorf("its type is %s", got.Type)
	}
	if keys := slices.Sorted(maps.Keys(got.Data)); !slices.Equal(keys, []string{"ca.crt", "tls.crt", "tls.key"}) {
		t.Errorf("its keys are %q", keys)
	}
	if want := map[string]string{"controller.cert-manager.io/fao": "true"}; !maps.Equal(got.Labels, want) {
		t.Errorf("its labels are %v, want %v", got.Labels, want)
	}
	want := map[string]string{
		"cert-manager.io/certificate-name": "web",
		"cert-manager.io/issuer-name":      "ca",
		"cert-manager.io/issuer-kind":      "Issuer",
		"cert-manager.io/issuer-group":     "cert-manager.io",
		"cert-manager.io/common-name":      "",
		"cert-manager.io/alt-names":        "a.example.com,b.example.com",
		"cert-manager.io/ip-sans":          "192.0.2.1",
		"cert-manager.io/uri-sans":         "",
		"cert-manager.io/email-sans":       "a@example.com",
	}
	if !maps.Equal(got.Annotations, want) {
		t.Errorf("its annotations are\n%v, want\n%v", got.Annotations, want)
	}
	if len(got.OwnerReferences) != 0 {
		t.Errorf("it has owners, so it would go with the Certificate: %v", got.OwnerReferences)
	}
	if managers := appliers(got); !slices.Equal(managers, []string{"cert-manager-certificates-issuing"}) {
		t.Errorf("its fields are managed by %q", managers)
	}
}

func appliers(secret *corev1.Secret) (names []string) {
	for _, entry := range secret.ManagedFields {
		names = append(names, entry.Manager)
	}
	return names
}

func TestSecretTemplateComesAndGoes(t *testing.T) {
	s := space(t)
	s.CA("ca")
	first := s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.SecretTemplate = &cmapi.CertificateSecretTemplate{
			Labels: map[string]string{"app": "web"}, Annotations: map[string]string{"example.com/a": "1", "example.com/b": "1"},
		}
	})
	if first.Secret.Labels["app"] != "web" || first.Secret.Annotations["example.com/a"] != "1" {
		t.Errorf("the template was not applied: %v %v", first.Secret.Labels, first.Secret.Annotations)
	}
	patchSecret(s, "web", `{"metadata":{"labels":{"foreign":"stays"}}}`)
	s.Edit("web", func(crt *cmapi.Certificate) {
		crt.Spec.SecretTemplate = &cmapi.CertificateSecretTemplate{Annotations: map[string]string{"example.com/a": "2"}}
	})
	secret := s.AwaitSecret("web", func(secret *corev1.Secret) bool { return secret.Annotations["example.com/a"] == "2" })
	if _, is := secret.Labels["app"]; is {
		t.Error("a label that left the template is still there")
	}
	if _, is := secret.Annotations["example.com/b"]; is {
		t.Error("an annotation that left the template is still there")
	}
	if secret.Labels["foreign"] != "stays" {
		t.Error("a label of somebody else was removed")
	}
	if !s.Parse(secret).Leaf.Equal(first.Leaf) {
		t.Error("a new certificate was issued for a label")
	}
}

func TestFurtherOutputs(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.PutSecret(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "password"},
		Data:       map[string][]byte{"password": []byte("open sesame")},
	})
	password := &cmapi.CertificateKeystores{
		JKS:    &cmapi.JKSKeystore{Create: true},
		PKCS12: &cmapi.PKCS12Keystore{Create: true, Profile: cmapi.Modern2023PKCS12Profile},
	}
	password.JKS.PasswordSecretRef.Name, password.JKS.PasswordSecretRef.Key = "password", "password"
	password.PKCS12.PasswordSecretRef = password.JKS.PasswordSecretRef
	got := s.Issue("java", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
		crt.Spec.Keystores = password
		crt.Spec.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{
			{Type: cmapi.CertificateOutputFormatDER}, {Type: cmapi.CertificateOutputFormatCombinedPEM},
		}
	}).Secret
	for _, key := range []string{"key.der", "tls-combined.pem", "keystore.jks", "truststore.jks", "keystore.p12", "truststore.p12"} {
		if len(got.Data[key]) == 0 {
			t.Errorf("%s is missing", key)
		}
	}
	if want := string(got.Data["tls.key"]) + "\n" + string(got.Data["tls.crt"]); string(got.Data["tls-combined.pem"]) != want {
		t.Error("tls-combined.pem is not the key, a line end and the chain")
	}
}

func TestTwoCertificatesOnOneSecret(t *testing.T) {
	s := space(t)
	s.CA("ca")
	shared := func(crt *cmapi.Certificate) { crt.Spec.SecretName = "shared" }
	first := s.Issue("first", suite.IssuerRef("ca"), shared)
	s.Create("second", suite.IssuerRef("ca"), shared)
	s.Mentions(s.Refused("second", "IncorrectCertificate"), "spec.secretName", `"shared"`, `"first"`)
	s.Ready("first")
	if again := s.Bundle("shared"); !again.Leaf.Equal(first.Leaf) {
		t.Error("the second took the Secret over")
	}
	if n := len(s.AllRequests()); n != 1 {
		t.Errorf("there are %d requests, want the first's only", n)
	}
	// When the first goes, the second may have it.
	s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), "first", metav1.DeleteOptions{}))
	s.Ready("second")
	if name := s.Bundle("shared").Secret.Annotations["cert-manager.io/certificate-name"]; name != "second" {
		t.Errorf("the Secret belongs to %q", name)
	}
}

// mergePatch is how an operator edits a Secret by hand.
const mergePatch = types.MergePatchType

func TestSecretThatWasThereBefore(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.PutSecret(&corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "web", Labels: map[string]string{"old": "label"}},
		Type:       corev1.SecretTypeOpaque,
		Data:       map[string][]byte{"other": []byte("stays")},
	})
	got := s.Issue("web", suite.IssuerRef("ca")).Secret
	if got.Type != corev1.SecretTypeOpaque {
		t.Errorf("its type, which cannot be changed, is %s", got.Type)
	}
	if string(got.Data["other"]) != "stays" || got.Labels["old"] != "label" {
		t.Errorf("what others put there was removed: %v", got.Labels)
	}
}

func anySecret(*corev1.Secret) bool { return true }
