package certificates_test

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// revoker plays the ACME server that revokes.
type revoker struct {
	t       *testing.T
	revoked map[string]int // reasons, by serial number
	refuses string
	err     error
	calls   int
}

func (r *revoker) revoke(_ context.Context, issuer cmapi.GenericIssuer, leaf []byte, reason int) (string, error) {
	r.calls++
	if issuer.GetName() != "le" {
		r.t.Errorf("asked of issuer %q", issuer.GetName())
	}
	if r.err != nil || r.refuses != "" {
		return r.refuses, r.err
	}
	r.revoked[handlertest.Leaf(r.t, leaf).SerialNumber.String()] = reason
	return "", nil
}

// revocable is the fixture at rest by an ACME issuer, with the annotation.
func revocable(t *testing.T, wish string) (*handlertest.World, *handlertest.Fixture, *revoker, func() error) {
	t.Helper()
	f := handlertest.AtRest(t)
	publicly(f.Certificate)
	f.Certificate.Annotations = map[string]string{"certwright.dev/revoke": wish}
	f.Request.Spec.IssuerRef = f.Certificate.Spec.IssuerRef
	f.Secret.Annotations["cert-manager.io/issuer-name"] = "le"
	w := handlertest.New(t, append(f.Objects(), acmeIssuer())...)
	r := &revoker{t: t, revoked: map[string]int{}}
	s := handlertest.Defaults()
	h := certificates.New(certificates.Handler{
		Cache: w.Cache, Client: w.CertManager.CertmanagerV1(), Secrets: w.Core.CoreV1(), Settings: s.Certificates,
		Approves: s.Approver.Approves, Events: w.Recorder(), Clock: w.Clock, Revoke: r.revoke,
	})
	return w, f, r, func() error {
		t.Helper()
		for range 8 {
			w.Refresh()
			writes, calls := len(w.Writes), r.calls
			result, err := h.Handle(t.Context(), handlertest.CertificateKey("web"))
			if result.Beside != nil {
				_, err = result.Beside.Do(t.Context())
			}
			if err != nil || len(w.Writes) == writes && r.calls == calls {
				return err
			}
		}
		t.Fatalf("not at rest: %v", w.Writes)
		return nil
	}
}

// A deleted Certificate stays until its certificate is revoked.
func TestRevocationOnDeletion(t *testing.T) {
	t.Parallel()
	w, f, r, run := revocable(t, "on-key-change, on-deletion")
	if err := run(); err != nil {
		t.Fatal(err)
	}
	w.Wrote("update certificates web")
	handlertest.Delete[*cmapi.Certificate](w, "web")
	r.err = errors.New("the server is away")
	if err := run(); err == nil {
		t.Error("a fault that may pass was not told")
	}
	if w.Certificate("web") == nil {
		t.Fatal("it was let go before its certificate was revoked")
	}
	r.err = nil
	if err := run(); err != nil {
		t.Fatal(err)
	}
	if reason, ok := r.revoked[f.Leaf.SerialNumber.String()]; !ok || reason != 5 || w.Certificate("web") != nil {
		t.Errorf("revoked %v; the Certificate is there: %t", r.revoked, w.Certificate("web") != nil)
	}
	w.Told("Certificate/web Normal Revoked: The certificate was revoked, as the annotation certwright.dev/revoke asks")
}

// What cannot be revoked does not keep a Certificate for ever.
func TestRevocationThatCannotBe(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		spoil func(w *handlertest.World, r *revoker)
		event string
	}{
		"refused":            {func(_ *handlertest.World, r *revoker) { r.refuses = "it is not of this account" }, "Warning NotRevoked: The certificate was not revoked: it is not of this account"},
		"its issuer is gone": {func(w *handlertest.World, _ *revoker) { handlertest.Delete[*cmapi.Issuer](w, "le") }, "Warning NotRevoked: The certificate was not revoked: its issuer is gone"},
		"away for a day": {func(w *handlertest.World, r *revoker) {
			r.err = errors.New("away")
			w.Wait(25 * time.Hour)
		}, "Warning NotRevoked: The certificate was not revoked: the issuer's server could not be reached"},
	} {
		w, _, r, run := revocable(t, "on-deletion")
		if err := run(); err != nil {
			t.Fatal(err)
		}
		handlertest.Delete[*cmapi.Certificate](w, "web")
		row.spoil(w, r)
		if err := run(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if w.Certificate("web") != nil {
			t.Errorf("%s: it is still there", name)
		}
		w.Told("Certificate/web " + row.event)
	}
}

// Without the wish any more, there is nothing to wait for.
func TestRevocationTakenBack(t *testing.T) {
	t.Parallel()
	w, _, r, run := revocable(t, "on-deletion")
	if err := run(); err != nil {
		t.Fatal(err)
	}
	handlertest.Edit(w, "web", func(crt *cmapi.Certificate) { crt.Annotations = nil })
	if err := run(); err != nil {
		t.Fatal(err)
	}
	w.Wrote("update certificates web", "update certificates web")
	handlertest.Delete[*cmapi.Certificate](w, "web")
	if w.Certificate("web") != nil || r.calls != 0 {
		t.Error("it was kept, or revoked")
	}
}

// The certificate before is revoked when the one with another key is stored, and
// not sooner.
func TestRevocationOnKeyChange(t *testing.T) {
	t.Parallel()
	w, f, r, run := revocable(t, "on-key-change")
	handlertest.EditStatus(w, "web", handlertest.ManuallyTriggered)
	if err := run(); err != nil {
		t.Fatal(err)
	}
	if r.calls != 0 {
		t.Fatal("revoked before another one was there")
	}
	chain := f.CA.Issue(t, csrOf(t, w.Request("web-2")).PublicKey, func(c *x509.Certificate) { c.NotAfter = handlertest.Now.AddDate(0, 3, 0) })
	handlertest.EditStatus(w, "web-2", handlertest.IssuedAs(chain, nil))
	r.err = errors.New("away")
	if err := run(); err == nil {
		t.Error("a fault that may pass was not told")
	}
	r.err = nil
	if err := run(); err != nil {
		t.Fatal(err)
	}
	if reason, ok := r.revoked[f.Leaf.SerialNumber.String()]; !ok || reason != 4 || len(r.revoked) != 1 {
		t.Errorf("revoked %v, want the one before, as superseded", r.revoked)
	}
	if c := readiness(w); c.Status != "True" {
		t.Errorf("Ready: %+v", c)
	}
}

// Who asks for nothing that is known has nothing revoked, and no finalizer.
func TestNoRevocation(t *testing.T) {
	t.Parallel()
	w, _, r, run := revocable(t, "never")
	if err := run(); err != nil {
		t.Fatal(err)
	}
	w.Wrote("update certificates/status web") // that the word is unknown
	if r.calls != 0 || len(w.Certificate("web").Finalizers) != 0 {
		t.Error("revoked, or about to be")
	}
}
