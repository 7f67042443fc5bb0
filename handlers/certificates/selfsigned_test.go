package certificates_test

import (
	"crypto/x509"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// selfSigned has the fixture signed by itself, as a root CA.
func selfSigned(crt *cmapi.Certificate) {
	crt.Spec.IssuerRef = cmmeta.IssuerReference{Name: "self"}
	crt.Spec.IsCA, crt.Spec.CommonName, crt.Spec.DNSNames = true, "Root", nil
}

// nextKey is the name of the key Secret of the fixture's first revision: the
// hash of "uid-web/1", UID and revision, makes it the same after a restart.
const nextKey = "web-2f07783e"

// A SelfSigned issuer must read the key, so the request names its Secret,
// which goes when it has served.
func TestFirstIssuanceBySelfSigned(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.SelfSignedIssuer("self"), handlertest.Web(selfSigned))
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote(
		"create secrets "+nextKey,
		"create certificaterequests web-1",
		"update certificaterequests/status web-1",
		"apply secrets web-tls",
		"update certificates/status web",
		"delete secrets "+nextKey,
	)
	w.Told(
		"Certificate/web Normal Issuing: Issuing certificate as Secret does not exist",
		"CertificateRequest/web-1 Normal CertificateIssued: ",
		"Certificate/web Normal Issuing: The certificate has been successfully issued",
	)
	isReady(t, w, 1)
	if got := w.Request("web-1").Annotations["cert-manager.io/private-key-secret-name"]; got != nextKey {
		t.Errorf("the request names the key Secret %q, want %q", got, nextKey)
	}
	s := w.Secret("web-tls")
	leaf := served(t, s)
	if !leaf.IsCA || leaf.KeyUsage&x509.KeyUsageCertSign == 0 || leaf.Issuer.String() != "CN=Root" {
		t.Errorf("got a certificate of %s, CA %t, usage %b, want a root CA", leaf.Issuer, leaf.IsCA, leaf.KeyUsage)
	}
	if diff := cmp.Diff(s.Data["tls.crt"], s.Data["ca.crt"]); diff != "" {
		t.Error("ca.crt is not the certificate itself")
	}
}

// The key Secret is the contract's, section 1.2: whoever lists them sees whose
// it is, and it goes with its Certificate.
func TestTheKeySecret(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.SelfSignedIssuer("self"), handlertest.Web(selfSigned))
	p := w.Start(handlertest.Defaults())
	if _, err := p.Handle(handlertest.CertificateKey("web")); err != nil {
		t.Fatal(err)
	}
	got := w.Secret(nextKey)
	if got == nil {
		t.Fatalf("got Secrets %v, want %s", w.Secrets(), nextKey)
	}
	if diff := cmp.Diff(map[string]string{
		"cert-manager.io/next-private-key": "true", "controller.cert-manager.io/fao": "true",
	}, got.Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	yes := true
	if diff := cmp.Diff([]metav1.OwnerReference{{
		APIVersion: "cert-manager.io/v1", Kind: "Certificate", Name: "web", UID: "uid-web", Controller: &yes, BlockOwnerDeletion: &yes,
	}}, got.OwnerReferences); diff != "" {
		t.Errorf("owners (-want +got):\n%s", diff)
	}
	if len(got.Data) != 1 || string(got.Data["tls.key"][:27]) != "-----BEGIN PRIVATE KEY-----" {
		t.Errorf("data: got %d keys, want tls.key alone, in PKCS#8", len(got.Data))
	}
}

// A key Secret that holds another kind of key than the spec asks for, or
// nothing of use, makes room.
func TestAKeySecretThatDoesNotFit(t *testing.T) {
	t.Parallel()
	for name, key := range map[string][]byte{
		"garbage":     []byte("garbage"),
		"empty":       nil,
		"another RSA": handlertest.PKCS8(t, handlertest.RSAKey()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := handlertest.New(t, handlertest.SelfSignedIssuer("self"), handlertest.Web(selfSigned))
			p := w.Start(handlertest.Defaults())
			if _, err := p.Handle(handlertest.CertificateKey("web")); err != nil {
				t.Fatal(err)
			}
			handlertest.Edit(w, nextKey, func(s *corev1.Secret) { s.Data = map[string][]byte{"tls.key": key} })
			w.Forget()
			w.Start(handlertest.Defaults()).Settle()
			w.Wrote(
				"delete secrets "+nextKey,
				"create secrets "+nextKey,
				"create certificaterequests web-1",
				"update certificaterequests/status web-1",
				"apply secrets web-tls",
				"update certificates/status web",
				"delete secrets "+nextKey,
			)
			isReady(t, w, 1)
		})
	}
}

// Renewals of a root get a new key as any other; the old one is not needed.
func TestRenewalBySelfSigned(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.SelfSignedIssuer("self"), handlertest.Web(selfSigned))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	first := served(t, w.Secret("web-tls"))
	w.Forget()
	w.Clock.SetTime(w.Certificate("web").Status.RenewalTime.Time)
	p.Settle()
	if len(w.Writes) != 7 {
		t.Errorf("got %d writes, want 7: those of the first issuance, and the old request:\n%q", len(w.Writes), w.Writes)
	}
	isReady(t, w, 2)
	if first.Equal(served(t, w.Secret("web-tls"))) {
		t.Error("the certificate is the old one")
	}
}
