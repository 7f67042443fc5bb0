package certificates_test

import (
	"crypto/x509"
	"encoding/pem"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
)

// publicly has the fixture issued by a ready ACME issuer, whose part a test plays.
func publicly(crt *cmapi.Certificate) { crt.Spec.IssuerRef = cmmeta.IssuerReference{Name: "le"} }

func acmeIssuer() *cmapi.Issuer {
	i := handlertest.SelfSignedIssuer("le")
	i.Spec.IssuerConfig = cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{Server: "https://acme.example/directory"}}
	return i
}

// alone is a process that serves Certificates only.
func alone(w *handlertest.World) *handlertest.Process {
	p := w.Start(handlertest.Defaults())
	p.Handlers = map[queue.Kind]queue.Handler{queue.Certificate: p.Handlers[queue.Certificate]}
	return p
}

// What a server signs within seconds takes five writes, of which one keeps the
// key over a crash, and one takes it away again.
func TestIssuanceByAServer(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, acmeIssuer(), handlertest.Web(publicly))
	p := alone(w)
	p.Settle()
	w.Wrote("create secrets "+nextKey, "create certificaterequests web-1")
	w.Told("Certificate/web Normal Issuing: Issuing certificate as Secret does not exist")
	if result, err := p.Handle(handlertest.CertificateKey("web")); err != nil || result.After != 8*time.Second {
		t.Errorf("waiting: %v, %v", result, err)
	}
	w.Wait(7 * time.Second)
	signer{handlertest.NewAuthority(t, "Public CA")}.signs(t, w)
	p.Settle()
	w.Wrote("create secrets "+nextKey, "create certificaterequests web-1",
		"apply secrets web-tls", "update certificates/status web", "delete secrets "+nextKey)
	isReady(t, w, 1)
}

// One that takes longer is told of once, by whatever process.
func TestSlowServer(t *testing.T) {
	t.Parallel()
	for _, restart := range []bool{false, true} {
		w := handlertest.New(t, acmeIssuer(), handlertest.Web(publicly))
		p := alone(w)
		p.Settle()
		if restart {
			p = alone(w)
		}
		w.Forget()
		w.Wait(9 * time.Second)
		p.Settle()
		w.Wrote("update certificates/status web")
		w.Told()
		if c := issuing(w); c.Status != "True" || c.Reason != "DoesNotExist" {
			t.Errorf("Issuing: %+v", c)
		}
		if c := readiness(w); c.Status != "False" || c.Reason != "DoesNotExist" {
			t.Errorf("Ready: %+v", c)
		}
		if name := w.Certificate("web").Status.NextPrivateKeySecretName; name == nil || *name != nextKey {
			t.Errorf("nextPrivateKeySecretName: %v", name)
		}
	}
}

// A person who asked for a renewal sees at once that it goes on.
func TestManualRenewalByAServer(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, acmeIssuer(), handlertest.Web(publicly, handlertest.ManuallyTriggered))
	alone(w).Settle()
	w.Wrote("update certificates/status web", "create secrets "+nextKey, "create certificaterequests web-1")
}

// Killed after any write, the next process goes on with the same key.
func TestCrashWhileAServerSigns(t *testing.T) {
	t.Parallel()
	for n := 1; n < 4; n++ {
		w := handlertest.New(t, acmeIssuer(), handlertest.Web(publicly))
		w.KillAfter(n)
		p := alone(w)
		for range 3 {
			if p.Settle() {
				p = alone(w)
			}
			if cr := w.Request("web-1"); cr != nil && len(cr.Status.Certificate) == 0 {
				w.Mend()
				signer{handlertest.NewAuthority(t, "Public CA")}.signs(t, w)
			}
		}
		isReady(t, w, 1)
		if made := count(w, "create certificaterequests"); made != 1 {
			t.Errorf("killed after write %d: %d requests", n, made)
		}
	}
}

// Another program's request has the name: said with the remedy, and gone on with
// when it gives way.
func TestNameOfTheRequestIsTaken(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	theirs := handlertest.RequestOf(handlertest.Web(), 1, handlertest.CSR(t, handlertest.NewKey(t)), func(cr *cmapi.CertificateRequest) {
		cr.OwnerReferences, cr.UID = nil, "uid-theirs"
	})
	w := handlertest.New(t, f.Issuer, f.CASecret, handlertest.Web(), theirs)
	p := alone(w)
	p.Settle()
	w.Wrote("update certificates/status web")
	const message = `CertificateRequest "web-1" has the name that the next request of this Certificate is to have, and belongs to somebody else: delete it, or make a Certificate of another name`
	w.Told("Certificate/web Warning RequestNameTaken: " + message)
	if c := issuing(w); c.Status != "False" || c.Reason != "RequestNameTaken" || c.Message != message {
		t.Errorf("Issuing: %+v", c)
	}
	if c := readiness(w); c.Status != "False" || c.Reason != "DoesNotExist" || !strings.HasSuffix(c.Message, message) {
		t.Errorf("Ready: %+v", c)
	}
	if result, err := p.Handle(handlertest.CertificateKey("web")); err != nil || result.After != 30*time.Second {
		t.Errorf("then: %v, %v", result, err)
	}
	handlertest.Delete[*cmapi.CertificateRequest](w, "web-1")
	w.Start(handlertest.Defaults()).Settle()
	isReady(t, w, 1, "ca-pair")
}

// One of ours that lost its mark is made anew.
func TestRequestWithoutItsRevision(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	unmarked := handlertest.RequestOf(handlertest.Web(), 1, handlertest.CSR(t, handlertest.NewKey(t)), func(cr *cmapi.CertificateRequest) { cr.Annotations = nil })
	w := handlertest.New(t, f.Issuer, f.CASecret, handlertest.Web(), unmarked)
	w.Start(handlertest.Defaults()).Settle()
	isReady(t, w, 1, "ca-pair")
}

// A new leader's cache shows the Secret as it was before the last issuance: no
// order is spent on that.
func TestLaggingSecretCostsNoOrder(t *testing.T) {
	t.Parallel()
	f := handlertest.AtRest(t)
	publicly(f.Certificate)
	f.Request.Spec.IssuerRef = f.Certificate.Spec.IssuerRef
	f.Secret.Annotations["cert-manager.io/issuer-name"] = "le"
	good := f.Secret.Data
	f.Secret.Data = map[string][]byte{"tls.key": handlertest.KeyPEM(t, handlertest.NewKey(t)), "tls.crt": good["tls.crt"]}
	w := handlertest.New(t, append(f.Objects(), acmeIssuer())...)
	w.Unseen(func() {
		handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Data = good })
		result, err := alone(w).Handle(handlertest.CertificateKey("web"))
		if err != nil || result.After != time.Second {
			t.Errorf("got %v, %v; want another look in a second", result, err)
		}
	})
	w.Wrote()
	w.Refresh()
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Data["tls.key"] = handlertest.KeyPEM(t, handlertest.NewKey(t)) })
	alone(w).Settle() // and what is really spoilt is mended
	w.Wrote("create secrets "+w.Secrets()[1], "create certificaterequests web-2")
}

// The key Secret is there, and the cache does not show it yet.
func TestLaggingKeySecret(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, acmeIssuer(), handlertest.Web(publicly))
	w.Unseen(func() {
		for range 2 {
			if _, err := alone(w).Handle(handlertest.CertificateKey("web")); err != nil {
				t.Fatal(err)
			}
		}
	})
	w.Wrote("create secrets "+nextKey, "create secrets "+nextKey+": AlreadyExists")
	w.Refresh()
	p := alone(w)
	p.Settle()
	signer{handlertest.NewAuthority(t, "Public CA")}.signs(t, w)
	p.Settle()
	isReady(t, w, 1)
}

func TestNextOnRemotePath(t *testing.T) {
	t.Parallel()
	wantStep(t, certificates.Next(observed(t, func(o *certificates.Observed) {
		o.Path, o.Secret, o.Stored = certificates.Remote, nil, certificates.Stored{}
	}), handlertest.Now), "KeepKey mends")
}

// csrOf reads the signing request of a CertificateRequest.
func csrOf(t *testing.T, cr *cmapi.CertificateRequest) *x509.CertificateRequest {
	t.Helper()
	b, _ := pem.Decode(cr.Spec.Request)
	csr, err := x509.ParseCertificateRequest(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return csr
}
