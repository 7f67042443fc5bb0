package certificates_test

import (
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
)

// temporary asks for a certificate to start with, before the issuer answers.
func temporary(crt *cmapi.Certificate) {
	crt.Annotations = map[string]string{"cert-manager.io/issue-temporary-certificate": "true"}
}

func TestTemporaryCertificate(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.Web(external, temporary))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	w.Wrote(
		"update certificates/status web",
		"create secrets "+nextKey,
		"create certificaterequests web-1",
		"apply secrets web-tls",
		"update certificaterequests/status web-1", // Approved; nobody has signed yet
		"update certificates/status web",
	)
	w.Told("Certificate/web Normal Issuing: Issuing certificate as Secret does not exist", "Certificate/web Normal Issuing: Issued temporary certificate")
	s := w.Secret("web-tls")
	leaf := served(t, s)
	if leaf.Subject.SerialNumber != "1234567890" || leaf.DNSNames[0] != "web.example.com" {
		t.Errorf("got %s with %v, want the mark of a temporary certificate, and the names", leaf.Subject, leaf.DNSNames)
	}
	if len(s.Data["ca.crt"]) > 0 {
		t.Error("ca.crt: nobody is to trust the throwaway CA")
	}
	if c := readiness(w); c.Status != "False" || c.Reason != "TemporaryCertificate" {
		t.Errorf("Ready: got %+v, want False: it never counts as issued", c)
	}
	if c := issuing(w); c.Status != "True" {
		t.Errorf("Issuing: got %+v, want True", c)
	}
	if status := w.Certificate("web").Status; status.NotAfter != nil || status.Revision != nil {
		t.Errorf("status: got %+v, want neither dates nor a revision", status)
	}

	w.Forget()
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote()
	signer{handlertest.NewAuthority(t, "PCA")}.signs(t, w)
	p.Settle()
	w.Wrote("apply secrets web-tls", "update certificates/status web", "delete secrets "+nextKey)
	isReady(t, w, 1)
	if leaf := served(t, w.Secret("web-tls")); leaf.Subject.SerialNumber != "" || leaf.Issuer.CommonName != "PCA" {
		t.Errorf("got %s by %s, want the real one", leaf.Subject, leaf.Issuer)
	}
}

// It never takes the place of one that works, nor is it needed where the
// issuer answers at once.
func TestNoTemporaryCertificate(t *testing.T) {
	t.Parallel()
	w, f := newCertificate(t, temporary)
	p := w.Start(byPolicy())
	p.Settle()
	approve(w)
	p.Settle()
	isReady(t, w, 1, "ca-pair")
	first := served(t, w.Secret("web-tls"))
	w.Forget()
	w.Clock.SetTime(w.Certificate("web").Status.RenewalTime.Time)
	p.Settle()
	if !first.Equal(served(t, w.Secret("web-tls"))) || count(w, "apply secrets") > 0 {
		t.Error("the certificate in use was displaced")
	}

	w = handlertest.New(t, f.Issuer, f.CASecret, handlertest.Web(temporary))
	w.Start(handlertest.Defaults()).Settle()
	w.Wrote("create certificaterequests web-1", "update certificaterequests/status web-1", "apply secrets web-tls", "update certificates/status web")
}

// A temporary certificate that somebody spoils is made anew, without a second
// request; and a failure leaves it where it is.
func TestATemporaryCertificateIsKept(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.Web(external, temporary))
	p := w.Start(handlertest.Defaults())
	p.Settle()
	handlertest.Edit(w, "web-tls", func(s *corev1.Secret) { s.Data["tls.key"] = []byte("garbage") })
	p.Settle()
	first := served(t, w.Secret("web-tls"))
	if n := count(w, "create certificaterequests"); n != 1 {
		t.Errorf("got %d requests, want 1", n)
	}
	deny(w)
	p.Settle()
	if !first.Equal(served(t, w.Secret("web-tls"))) {
		t.Error("the temporary certificate is gone with the failure")
	}
	w.Wait(3 * 60 * 60e9)
	p.Settle()
	signer{handlertest.NewAuthority(t, "PCA")}.signs(t, w)
	p.Settle()
	isReady(t, w, 1)
}
