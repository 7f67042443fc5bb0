package certificates_test

import (
	"bytes"
	"encoding/pem"
	"slices"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// redress is what an edit of the spec writes that only dresses the Secret
// anew: the status tells which generation of the spec it is of.
var redress = []string{"apply secrets web-tls", "update certificates/status web"}

// edit changes the spec of the fixture.
func edit(w *handlertest.World, change func(*cmapi.CertificateSpec)) {
	handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { change(&crt.Spec) })
}

// without is a map but for some keys.
func without[V any](all map[string]V, some ...string) map[string]V {
	rest := map[string]V{}
	for k, v := range all {
		if !slices.Contains(some, k) {
			rest[k] = v
		}
	}
	return rest
}

// The template of the Secret comes and goes, and is put right when somebody
// edits what it says; what another manager put there stays.
func TestSecretTemplate(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Labels["theirs"], s.Labels["both"] = "yes", "theirs" })
	edit(w, func(s *cmapi.CertificateSpec) {
		s.SecretTemplate = &cmapi.CertificateSecretTemplate{
			Labels:      map[string]string{"app": "shop", "both": "ours"},
			Annotations: map[string]string{"reload": "yes", "cert-manager.io/allow-direct-injection": "true"},
		}
	})
	p.Settle()
	w.Wrote(redress...)
	w.Told()
	got := w.Secret("web-tls")
	wantLabels := map[string]string{"controller.cert-manager.io/fao": "true", "app": "shop", "both": "ours", "theirs": "yes"}
	if diff := cmp.Diff(wantLabels, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if got.Annotations["reload"] != "yes" || got.Annotations["cert-manager.io/allow-direct-injection"] != "true" {
		t.Errorf("annotations: got %v", got.Annotations)
	}

	w.Forget()
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Labels["app"] = "theirs"; delete(s.Annotations, "reload") })
	p.Settle()
	w.Wrote("apply secrets web-tls")
	if got := w.Secret("web-tls"); got.Labels["app"] != "shop" || got.Annotations["reload"] != "yes" {
		t.Errorf("edited by hand: got %v, %v", got.Labels, got.Annotations)
	}

	w.Forget()
	edit(w, func(s *cmapi.CertificateSpec) { s.SecretTemplate.Labels = nil })
	p.Settle()
	w.Wrote(redress...)
	edit(w, func(s *cmapi.CertificateSpec) { s.SecretTemplate = nil })
	p.Settle()
	got = w.Secret("web-tls")
	if diff := cmp.Diff(map[string]string{"controller.cert-manager.io/fao": "true", "theirs": "yes"}, got.Labels); diff != "" {
		t.Errorf("labels without the template (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(f.Secret.Annotations, got.Annotations); diff != "" {
		t.Errorf("annotations without the template (-want +got):\n%s", diff)
	}
	isReady(t, w, 1, "ca-pair")
}

// A template cannot say what is ours to say.
func TestATemplateDoesNotOverruleTheContract(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t, func(crt *cmapi.Certificate) {
		crt.Spec.SecretTemplate = &cmapi.CertificateSecretTemplate{Labels: map[string]string{"controller.cert-manager.io/fao": "false"}}
	})
	w.Start(handlertest.Defaults()).Settle()
	isReady(t, w, 1, "ca-pair")
	if got := w.Secret("web-tls").Labels["controller.cert-manager.io/fao"]; got != "true" {
		t.Errorf("our label: got %q, want true", got)
	}
}

func TestAdditionalOutputFormats(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	edit(w, func(s *cmapi.CertificateSpec) {
		s.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{{Type: "DER"}, {Type: "CombinedPEM"}}
	})
	p.Settle()
	w.Wrote(redress...)
	got := w.Secret("web-tls").Data
	key, _ := pem.Decode(got["tls.key"])
	if !bytes.Equal(got["key.der"], key.Bytes) {
		t.Error("key.der is not the DER of tls.key")
	}
	if want := slices.Concat(got["tls.key"], []byte("\n"), got["tls.crt"]); !bytes.Equal(got["tls-combined.pem"], want) {
		t.Errorf("tls-combined.pem: got\n%s\nwant\n%s", got["tls-combined.pem"], want)
	}
	if diff := cmp.Diff(f.Secret.Data, without(got, "key.der", "tls-combined.pem")); diff != "" {
		t.Errorf("the other data (-want +got):\n%s", diff)
	}
	w.Forget()
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { delete(s.Data, "key.der"); s.Data["tls-combined.pem"] = nil })
	p.Settle()
	w.Wrote("apply secrets web-tls")
	w.Forget()
	edit(w, func(s *cmapi.CertificateSpec) { s.AdditionalOutputFormats = s.AdditionalOutputFormats[:1] })
	p.Settle()
	w.Wrote(redress...)
	if got := w.Secret("web-tls").Data; got["tls-combined.pem"] != nil || got["key.der"] == nil {
		t.Error("CombinedPEM was taken out of the spec: want DER alone")
	}
	isReady(t, w, 1, "ca-pair")
}

// Another encoding is the same key: nothing is issued for it.
func TestKeyEncoding(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	edit(w, func(s *cmapi.CertificateSpec) {
		s.PrivateKey.Encoding = cmapi.PKCS8
		s.AdditionalOutputFormats = []cmapi.CertificateAdditionalOutputFormat{{Type: "DER"}}
	})
	p.Settle()
	w.Wrote(redress...)
	got := w.Secret("web-tls")
	if diff := cmp.Diff(string(handlertest.PKCS8(t, f.Key)), string(got.Data["tls.key"])); diff != "" {
		t.Errorf("tls.key (-want +got):\n%s", diff)
	}
	if key, _ := pem.Decode(got.Data["tls.key"]); !bytes.Equal(key.Bytes, got.Data["key.der"]) {
		t.Error("key.der is in the old encoding")
	}
	w.Forget()
	edit(w, func(s *cmapi.CertificateSpec) { s.PrivateKey.Encoding = "" })
	p.Settle()
	w.Wrote(redress...)
	if diff := cmp.Diff(string(handlertest.KeyPEM(t, f.Key)), string(w.Secret("web-tls").Data["tls.key"])); diff != "" {
		t.Errorf("tls.key (-want +got):\n%s", diff)
	}
	isReady(t, w, 1, "ca-pair")
}

// With the setting, the Secret goes with its Certificate; without, it stays.
func TestOwnerReference(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	owning := handlertest.Defaults()
	owning.Certificates.OwnerRef = true
	w.Start(owning).Settle()
	w.Wrote("apply secrets web-tls")
	yes := true
	if diff := cmp.Diff([]metav1.OwnerReference{{
		APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web", UID: "uid-web", Controller: &yes, BlockOwnerDeletion: &yes,
	}}, w.Secret("web-tls").OwnerReferences); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	isReady(t, w, 1, "ca-pair")
	w.Forget()
	p.Settle()
	w.Wrote("apply secrets web-tls")
	if got := w.Secret("web-tls").OwnerReferences; len(got) > 0 {
		t.Errorf("owners without the setting: got %v", got)
	}
	isReady(t, w, 1, "ca-pair")
}

// A Secret with an owner is not a key Secret: it is neither dropped nor read
// as one.
func TestAnOwnedSecretIsNoKeySecret(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	s := handlertest.Defaults()
	s.Certificates.OwnerRef = true
	p := w.Start(s)
	p.Settle()
	w.Wrote("create certificaterequests web-1", "update certificaterequests/status web-1", "apply secrets web-tls", "update certificates/status web")
	isReady(t, w, 1, "ca-pair")
	handlertest.Delete[*cmapi.Certificate](w, "web")
	w.CollectGarbage()
	p.Settle()
	if diff := cmp.Diff([]string{"ca-pair"}, w.Secrets()); diff != "" {
		t.Errorf("Secrets after the Certificate is gone (-want +got):\n%s", diff)
	}
}
