package acme_test

import (
	"crypto/x509"
	"encoding/pem"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	proto "github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
)

// A certificate of the issuer's account is revoked; one that is revoked already
// is no error, and a server that is away is tried again.
func TestRevoke(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, handlertest.NewKey(t)))
	refused := func(err error, want string) {
		t.Helper()
		var r *issuers.Refusal
		if !errors.As(err, &r) || !strings.HasPrefix(r.Message, want) {
			t.Errorf("got %v, want a refusal: %s", err, want)
		}
	}
	refused(w.backend.Revoke(t.Context(), issuers.Of(w.issuer(), "kube-system"), nil, 1), "the ACME account of the issuer is not registered yet")
	w.ready("True", "ACMEAccountRegistered", registered)
	w.Refresh()
	i := issuers.Of(w.issuer(), "kube-system")
	leaf := w.issued()
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: leaf.Raw})
	w.server.Fail("revoke_certificate", 1, acmetest.Problem{Status: 500, Type: "serverInternal", Detail: "oh"})
	var r *issuers.Refusal
	if err := w.backend.Revoke(t.Context(), i, text, 4); err == nil || errors.As(err, &r) {
		t.Errorf("a fault that passes: got %v", err)
	}
	w.Clock.SetTime(w.Clock.Now().Add(time.Minute))
	for range 2 {
		if err := w.backend.Revoke(t.Context(), i, text, 4); err != nil {
			t.Error(err)
		}
	}
	if reason, ok := w.server.Revoked(leaf.Raw); !ok || reason != 4 {
		t.Errorf("revoked %t for %d", ok, reason)
	}
	refused(w.backend.Revoke(t.Context(), i, []byte("nonsense"), 4), "what is to be revoked is no certificate")
	foreign := handlertest.NewAuthority(t, "other").Issue(t, handlertest.NewKey(t).Public())
	refused(w.backend.Revoke(t.Context(), i, foreign, 4), "the ACME server does not revoke the certificate: malformed: ")
}

// issued is a certificate of the issuer's account.
func (w *world) issued() *x509.Certificate {
	w.t.Helper()
	ctx := w.t.Context()
	a, err := proto.NewAccounts(w.Cache, "").Of(ctx, w.issuer())
	if err != nil {
		w.t.Fatal(err)
	}
	o, err := w.client.NewOrder(ctx, a, proto.NewOrder{Identifiers: []proto.Identifier{{Type: "dns", Value: "a.example.com"}}})
	if err != nil {
		w.t.Fatal(err)
	}
	auth, err := w.client.Authorization(ctx, a, o.Authorizations[0])
	if err != nil {
		w.t.Fatal(err)
	}
	if _, err := w.client.Accept(ctx, a, auth.Challenges[0].URL); err != nil {
		w.t.Fatal(err)
	}
	block, _ := pem.Decode(asked(w.t, handlertest.NewKey(w.t)))
	if o, err = w.client.Finalize(ctx, a, o, block.Bytes); err != nil {
		w.t.Fatal(err)
	}
	chain, err := w.client.Certificate(ctx, a, o.CertificateURL, "")
	if err != nil {
		w.t.Fatal(err)
	}
	return handlertest.Leaf(w.t, chain)
}
