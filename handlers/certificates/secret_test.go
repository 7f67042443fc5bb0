package certificates_test

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// reissue is what a renewal by the CA issuer writes.
var reissue = []string{
	"create certificaterequests web-2",
	"update certificaterequests/status web-2",
	"apply secrets web-tls",
	"update certificates/status web",
	"delete certificaterequests web-1",
}

// A Secret that somebody spoiled is issued anew, with the reason.
func TestSpoiltSecretsAreIssuedAnew(t *testing.T) {
	t.Parallel()
	other := handlertest.AtRest(t)
	for name, row := range map[string]struct {
		spoil func(*corev1.Secret)
		event string
	}{
		"all data gone":   {func(s *corev1.Secret) { s.Data = map[string][]byte{"tls.crt": nil, "tls.key": nil} }, "Issuing certificate as Secret does not contain a private key (tls.key)"},
		"key garbage":     {func(s *corev1.Secret) { s.Data["tls.key"] = []byte("garbage") }, "Issuing certificate as Secret contains an invalid private key: private key: no PEM block found"},
		"key empty":       {func(s *corev1.Secret) { s.Data["tls.key"] = nil }, "Issuing certificate as Secret does not contain a private key (tls.key)"},
		"chain garbage":   {func(s *corev1.Secret) { s.Data["tls.crt"] = []byte("garbage") }, "Issuing certificate as Secret contains an invalid certificate: certificate: no PEM block found"},
		"chain empty":     {func(s *corev1.Secret) { s.Data["tls.crt"] = nil }, "Issuing certificate as Secret does not contain a certificate (tls.crt)"},
		"half a PEM":      {func(s *corev1.Secret) { s.Data["tls.crt"] = s.Data["tls.crt"][:200] }, "Issuing certificate as Secret contains an invalid certificate: certificate: PEM block 1 is damaged"},
		"a wrong key":     {func(s *corev1.Secret) { s.Data["tls.key"] = other.Secret.Data["tls.key"] }, "Issuing certificate as the private key in the Secret does not belong to its certificate"},
		"another's pair":  {func(s *corev1.Secret) { s.Data = other.Secret.Data }, `Secret contains a private key that does not match CertificateRequest "web-1"`},
		"another issuer":  {func(s *corev1.Secret) { s.Annotations["cert-manager.io/issuer-name"] = "old" }, `Issuing certificate as Secret was previously issued by "Issuer.cert-manager.io/old"`},
		"another kind":    {func(s *corev1.Secret) { s.Annotations["cert-manager.io/issuer-kind"] = "ClusterIssuer" }, `Issuing certificate as Secret was previously issued by "ClusterIssuer.cert-manager.io/ca"`},
		"half an issuer":  {func(s *corev1.Secret) { delete(s.Annotations, "cert-manager.io/issuer-name") }, `Issuing certificate as Secret was previously issued by "Issuer.cert-manager.io/"`},
		"another's claim": {func(s *corev1.Secret) { s.Annotations["cert-manager.io/certificate-name"] = "gone" }, `Issuing certificate as Secret was issued for Certificate "gone"`},
		"a megabyte":      {func(s *corev1.Secret) { s.Data["tls.key"] = []byte(strings.Repeat("x", 1<<20)) }, "Issuing certificate as Secret contains an invalid private key: private key: too large"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p, f := settled(t)
			handlertest.Edit(w, "web-tls", row.spoil)
			p.Settle()
			w.Wrote(reissue...)
			w.Told("Certificate/web Normal Issuing: "+row.event, "CertificateRequest/web-2 Normal CertificateIssued: ",
				"Certificate/web Normal Issuing: The certificate has been successfully issued")
			isReady(t, w, 2, "ca-pair")
			if f.Leaf.Equal(served(t, w.Secret("web-tls"))) {
				t.Error("the certificate is the old one")
			}
		})
	}
}

func TestADeletedSecretIsIssuedAnew(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	handlertest.Delete[*corev1.Secret](w, "web-tls")
	p.Settle()
	w.Wrote(reissue...)
	isReady(t, w, 2, "ca-pair")
}

// What stands around a good certificate is put right without a new one.
func TestSecretsHeal(t *testing.T) {
	t.Parallel()
	for name, spoil := range map[string]func(*corev1.Secret){
		"label removed":         func(s *corev1.Secret) { s.Labels = nil },
		"label changed":         func(s *corev1.Secret) { s.Labels["controller.cert-manager.io/fao"] = "false" },
		"annotation removed":    func(s *corev1.Secret) { delete(s.Annotations, "cert-manager.io/alt-names") },
		"annotation changed":    func(s *corev1.Secret) { s.Annotations["cert-manager.io/common-name"] = "x" },
		"name removed":          func(s *corev1.Secret) { delete(s.Annotations, "cert-manager.io/certificate-name") },
		"ca.crt removed":        func(s *corev1.Secret) { delete(s.Data, "ca.crt") },
		"ca.crt edited by hand": func(s *corev1.Secret) { s.Data["ca.crt"] = []byte("garbage") },
		"chain lengthened":      func(s *corev1.Secret) { s.Data["tls.crt"] = append(s.Data["tls.crt"], s.Data["ca.crt"]...) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p, f := settled(t)
			handlertest.Edit(w, "web-tls", spoil)
			p.Settle()
			w.Wrote("apply secrets web-tls")
			w.Told()
			isReady(t, w, 1, "ca-pair")
			got := w.Secret("web-tls")
			if diff := cmp.Diff(f.Secret.Data, got.Data); diff != "" {
				t.Errorf("data (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(f.Secret.Labels, got.Labels); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(f.Secret.Annotations, got.Annotations); diff != "" {
				t.Errorf("annotations (-want +got):\n%s", diff)
			}
		})
	}
}

// What others put into the Secret beside ours stays theirs.
func TestWhatOthersPutBesideIsLeftAlone(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) {
		s.Labels["team"], s.Annotations["reflector/allowed"], s.Data["extra"] = "shop", "true", []byte("x")
	})
	p.Settle()
	w.Wrote()
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Data["ca.crt"] = []byte("x") })
	p.Settle()
	w.Wrote("apply secrets web-tls")
	got := w.Secret("web-tls")
	if got.Labels["team"] != "shop" || got.Annotations["reflector/allowed"] != "true" || string(got.Data["extra"]) != "x" {
		t.Errorf("what others put beside is gone: %v, %v", got.Labels, got.Annotations)
	}
}

// An existing Secret keeps its type, which nobody can change.
func TestAnExistingSecretKeepsItsType(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t)
	w.Create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "web-tls"}, Type: corev1.SecretTypeOpaque, Data: map[string][]byte{"mine": []byte("x")}})
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote("create certificaterequests web-1", "update certificaterequests/status web-1", "apply secrets web-tls", "update certificates/status web")
	isReady(t, w, 1, "ca-pair")
	if got := w.Secret("web-tls"); got.Type != corev1.SecretTypeOpaque || string(got.Data["mine"]) != "x" {
		t.Errorf("got type %s and data %v, want Opaque, with what was in it", got.Type, got.Data)
	}
}

// The request is gone, and with it what the issuer gave: what the Secret holds
// counts, and is left alone.
func TestWithoutItsRequest(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	handlertest.Delete[*cmapi.CertificateRequest](w, "web-1")
	p.Settle()
	w.Wrote()
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Labels = nil })
	p.Settle()
	w.Wrote("apply secrets web-tls")
	w.Forget()
	w.Clock.SetTime(handlertest.Renewal)
	p.Settle()
	w.Wrote(reissue[:4]...)
	isReady(t, w, 2, "ca-pair")
}

// Two writers on one Secret: repairs are prompt at first, then ever slower,
// and other Certificates do not suffer from it.
func TestSomebodyKeepsSpoilingTheSecret(t *testing.T) {
	t.Parallel()
	w, p, _ := settled(t)
	spoil := func() {
		handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Data["tls.key"] = []byte("garbage") })
		p.Settle()
	}
	for range 3 {
		spoil()
	}
	if n := count(w, "create certificaterequests"); n != 3 {
		t.Fatalf("three repairs: got %d requests, want 3", n)
	}
	for _, pause := range []time.Duration{10 * time.Second, 20 * time.Second, 40 * time.Second} {
		w.Forget()
		spoil()
		w.Wrote("update certificates/status web")
		if c := readiness(w); c.Status != "False" || c.Reason != "InvalidKeyPair" {
			t.Errorf("Ready: got %+v, want False, InvalidKeyPair", c)
		}
		result, err := p.Handle(handlertest.CertificateKey("web"))
		if err != nil || result.After != pause {
			t.Errorf("got After %s, %v, want %s", result.After, err, pause)
		}
		w.Wait(pause)
		p.Settle()
		if n := count(w, "create certificaterequests"); n != 1 {
			t.Errorf("after %s: got %d requests, want 1", pause, n)
		}
	}
	if c := readiness(w); c.Status != "True" {
		t.Errorf("Ready: got %+v, want True", c)
	}
}
