package certificates_test

import (
	"bytes"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
)

// never has the key stay whatever is issued.
func never(s *cmapi.CertificateSpec) { s.PrivateKey.RotationPolicy = cmapi.RotationPolicyNever }

func TestRotationPolicyNeverKeepsTheKey(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*handlertest.World){
		"when it is renewed": func(w *handlertest.World) { w.Clock.SetTime(handlertest.Renewal) },
		"when names are edited": func(w *handlertest.World) {
			edit(w, func(s *cmapi.CertificateSpec) { s.DNSNames = []string{"new.example.com"} })
		},
		"when the chain is spoilt": func(w *handlertest.World) {
			handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Data["tls.crt"] = []byte("garbage") })
		},
		"when asked for by hand": func(w *handlertest.World) { handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p, f := settled(t)
			edit(w, never)
			p.Settle()
			w.Forget()
			act(w)
			p.Settle()
			w.Wrote(reissue...)
			isReady(t, w, 2, "ca-pair")
			if got := w.Secret("web-tls").Data["tls.key"]; !bytes.Equal(got, f.Secret.Data["tls.key"]) {
				t.Error("the key is another one")
			}
		})
	}
}

// A key that is gone or cannot be read cannot be kept.
func TestRotationPolicyNeverWithoutAKey(t *testing.T) {
	t.Parallel()
	for name, act := range map[string]func(*handlertest.World){
		"Secret deleted": func(w *handlertest.World) { handlertest.Delete[*corev1.Secret](w, "web-tls") },
		"key garbage": func(w *handlertest.World) {
			handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Data["tls.key"] = []byte("garbage") })
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p, _ := settled(t)
			edit(w, never)
			p.Settle()
			w.Forget()
			act(w)
			p.Settle()
			w.Wrote(reissue...)
			isReady(t, w, 2, "ca-pair")
		})
	}
}

// A user's own key in the Secret is taken, though we have never issued it.
func TestRotationPolicyNeverTakesAKeyThatIsThere(t *testing.T) {
	t.Parallel()
	w, f := newCertificate(t, func(crt *cmapi.Certificate) { never(&crt.Spec) })
	w.Create(&corev1.Secret{ObjectMeta: f.Secret.ObjectMeta, Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"tls.key": handlertest.KeyPEM(t, f.Key)}})
	w.Start(handlertest.Defaults()).Settle()
	isReady(t, w, 1, "ca-pair")
	if got := w.Secret("web-tls").Data["tls.key"]; !bytes.Equal(got, f.Secret.Data["tls.key"]) {
		t.Error("the key is another one")
	}
}

// The spec asks for another kind of key, and for the key to stay: only a
// person can say which of the two gives way. The Secret stays as it is.
func TestRotationPolicyNeverAndAnotherKindOfKey(t *testing.T) {
	t.Parallel()
	w, p, f := settled(t)
	edit(w, func(s *cmapi.CertificateSpec) { never(s); s.PrivateKey.Size = 384 })
	p.Settle()
	w.Wrote("update certificates/status web")
	const says = `Existing private key is not up to date for spec.privateKey.size: spec.privateKey.rotationPolicy is Never, ` +
		`so the key in Secret "web-tls" must stay: set it to Always, or set the spec back, or delete the Secret`
	w.Told("Certificate/web Warning CannotRegenerateKey: " + says)
	if c := readiness(w); c.Status != "False" || c.Reason != "SecretMismatch" || c.Message != says {
		t.Errorf("Ready: got %+v", c)
	}
	if got := w.Secret("web-tls").Data["tls.key"]; !bytes.Equal(got, f.Secret.Data["tls.key"]) {
		t.Error("the key is another one")
	}
	w.Forget()
	p.Settle()
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote()

	for name, remedy := range map[string]func(*handlertest.World){
		"set it to Always": func(w *handlertest.World) {
			edit(w, func(s *cmapi.CertificateSpec) { s.PrivateKey.RotationPolicy = cmapi.RotationPolicyAlways })
		},
		"set the spec back": func(w *handlertest.World) { edit(w, func(s *cmapi.CertificateSpec) { s.PrivateKey.Size = 256 }) },
		"delete the Secret": func(w *handlertest.World) { handlertest.Delete[*corev1.Secret](w, "web-tls") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w, p, _ := settled(t)
			edit(w, func(s *cmapi.CertificateSpec) { never(s); s.PrivateKey.Size = 384 })
			p.Settle()
			remedy(w)
			p.Settle()
			revision := 2
			if name == "set the spec back" {
				revision = 1
			}
			isReady(t, w, revision, "ca-pair")
		})
	}
}

// The key stays, so an answer that cannot serve would fit it for ever: the next
// try is a new request all the same.
func TestRotationPolicyNeverAndABadAnswer(t *testing.T) {
	t.Parallel()
	pca := signer{handlertest.NewAuthority(t, "PCA")}
	w := handlertest.New(t, handlertest.Web(external, func(crt *cmapi.Certificate) { never(&crt.Spec) }))
	w.Create(&corev1.Secret{ObjectMeta: handlertest.AtRest(t).Secret.ObjectMeta, Type: corev1.SecretTypeOpaque,
		Data: map[string][]byte{"tls.key": handlertest.KeyPEM(t, handlertest.NewKey(t))}})
	p := w.Start(handlertest.Defaults())
	p.Settle()
	pca.answers(w, []byte("garbage"))
	p.Settle()
	bad := w.Request("web-1").UID
	w.Wait(2 * 60 * 60e9)
	p.Settle()
	if w.Request("web-1").UID == bad {
		t.Fatal("the request with the bad answer is still there")
	}
	pca.signs(t, w)
	p.Settle()
	isReady(t, w, 1)
}

// The default is RSA with 2048 bits, in PKCS#1.
func TestDefaultKey(t *testing.T) {
	t.Parallel()
	w, _ := newCertificate(t, func(crt *cmapi.Certificate) { crt.Spec.PrivateKey = nil })
	w.Start(handlertest.Defaults()).Settle()
	isReady(t, w, 1, "ca-pair")
	if got := string(w.Secret("web-tls").Data["tls.key"][:31]); got != "-----BEGIN RSA PRIVATE KEY-----" {
		t.Errorf("tls.key begins %q", got)
	}
}
