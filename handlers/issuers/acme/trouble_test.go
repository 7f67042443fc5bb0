package acme_test

import (
	"encoding/base64"
	"errors"
	"net/http"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	proto "github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

func binding(s *cmacme.ACMEIssuer) {
	s.ExternalAccountBinding = &cmacme.ACMEExternalAccountBinding{KeyID: "kid",
		Key: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "eab"}, Key: "hmac"}}
}

// Refusals are told with the remedy; the same is asked again after an hour, and
// at once when something has changed.
func TestRefusals(t *testing.T) {
	t.Parallel()
	hmac := []byte("0123456789abcdef")
	secret := func(key string) *corev1.Secret {
		return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "eab"}, Data: map[string][]byte{"hmac": []byte(key)}}
	}
	good := base64.RawURLEncoding.EncodeToString(hmac)
	for name, row := range map[string]struct {
		edit    func(*cmacme.ACMEIssuer)
		secret  *corev1.Secret
		message string
		asked   int
	}{
		"none": {func(*cmacme.ACMEIssuer) {}, nil,
			"externalAccountRequired: an external account is needed: set spec.acme.externalAccountBinding with the key id and HMAC key that the CA has given you", 1},
		"wrong": {binding, secret("AAAA"),
			"unauthorized: the external account binding is wrong: check spec.acme.externalAccountBinding: its key id and HMAC key must be those that the CA has given you", 1},
		"no base64": {binding, secret("!secret!"),
			"spec.acme.externalAccountBinding.keySecretRef: the key is not base64: store the HMAC key exactly as the CA gave it", 0},
		"no Secret": {binding, nil,
			"spec.acme.externalAccountBinding.keySecretRef: Secret team/eab does not exist: create it with the HMAC key that the CA has given you", 0},
		"empty": {binding, secret(""),
			`spec.acme.externalAccountBinding.keySecretRef: Secret team/eab has no key "hmac": store the HMAC key there that the CA has given you`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := []runtime.Object{issuer(row.edit), accountSecret(t, handlertest.NewKey(t))}
			if row.secret != nil {
				objects = append(objects, row.secret)
			}
			w := newWorld(t, acmetest.Options{Bindings: map[string][]byte{"kid": hmac}}, objects...)
			w.ready("False", "ErrRegisterACMEAccount", row.message)
			w.Told("Issuer/le Warning ErrInitIssuer: " + row.message)
			w.settled()
			if n := w.server.Calls("new_account"); n != row.asked {
				t.Errorf("asked %d times, want %d", n, row.asked)
			}
			if row.asked > 0 {
				w.Wait(time.Hour)
				w.ready("False", "ErrRegisterACMEAccount", row.message)
				if n := w.server.Calls("new_account"); n != 2 {
					t.Errorf("asked %d times in an hour, want 2", n)
				}
			}
			if row.secret == nil {
				if _, err := w.Core.CoreV1().Secrets(handlertest.Namespace).Create(t.Context(), secret(good), metav1.CreateOptions{}); err != nil {
					t.Fatal(err)
				}
			} else {
				handlertest.Edit(w.World, "eab", func(s *corev1.Secret) { s.Data["hmac"] = []byte(good) })
			}
			handlertest.Edit(w.World, "le", func(i *cmapi.Issuer) { binding(i.Spec.ACME) })
			w.ready("True", "ACMEAccountRegistered", registered)
		})
	}
}

// A server that is away keeps a new issuer waiting, and takes nothing from one
// that is registered.
func TestServerAway(t *testing.T) {
	t.Parallel()
	away := errors.New("connect: connection refused")
	w := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, handlertest.NewKey(t)))
	w.start(transportFunc(func(*http.Request) (*http.Response, error) { return nil, away }))
	const message = "no answer from acme.test: connect: connection refused"
	if _, err := w.handle(); err == nil || err.Error() != message {
		t.Errorf("got %v, want an error, so that it is tried again", err)
	}
	w.says("False", "ErrRegisterACMEAccount", message)
	w.settled()

	w.start(w.server.Transport())
	w.ready("True", "ACMEAccountRegistered", registered)
	w.start(transportFunc(func(*http.Request) (*http.Response, error) { return nil, away }))
	w.ready("True", "ACMEAccountRegistered", registered)
	handlertest.Edit(w.World, "le", func(i *cmapi.Issuer) { i.Spec.ACME.Email = "new@example.com" })
	if _, err := w.handle(); err == nil {
		t.Error("the change of the address is not tried again")
	}
	w.says("True", "ACMEAccountRegistered", registered+"; its e-mail address could not be changed yet: "+message)
	w.settled()
}

type transportFunc func(*http.Request) (*http.Response, error)

func (f transportFunc) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

// A pause is told on the issuer until it ends, and it stays ready.
func TestPause(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, handlertest.NewKey(t)))
	w.ready("True", "ACMEAccountRegistered", registered)
	a, err := proto.NewAccounts(w.Cache, handlertest.ClusterNamespace).Of(t.Context(), w.issuer())
	if err != nil {
		t.Fatal(err)
	}
	w.server.Fail("new_order", 1, acmetest.Problem{Status: 429, Type: "rateLimited", Detail: "too many orders", RetryAfter: "600"})
	if _, err := w.client.NewOrder(t.Context(), a, proto.NewOrder{}); err == nil {
		t.Fatal("the order was taken")
	}
	if keys := w.backend.Concerned(a); len(keys) != 1 || keys[0] != handlertest.IssuerKey("le") {
		t.Errorf("concerned are %v", keys)
	}
	w.Forget()
	until := handlertest.Now.Add(10 * time.Minute).UTC().Format(time.RFC3339)
	message := registered + "; paused until " + until + ", as the ACME server asks: rateLimited: too many orders"
	if r := w.ready("True", "ACMEAccountRegistered", message); r.After != 10*time.Minute {
		t.Errorf("looked at again after %v", r.After)
	}
	w.Told("Issuer/le Normal ACMEAccountRegistered: " + message)
	w.settled()
	w.Wait(10 * time.Minute)
	w.ready("True", "ACMEAccountRegistered", registered)

	fresh := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, handlertest.NewKey(t)))
	fresh.server.Fail("new_account", 1, acmetest.Problem{Status: 429, Type: "rateLimited", Detail: "too many accounts", RetryAfter: "7200"})
	until = handlertest.Now.Add(time.Hour).UTC().Format(time.RFC3339) // of the two that were told: other keys may be served sooner
	if r := fresh.ready("False", "ErrRegisterACMEAccount", "paused until "+until+", as the ACME server asks: rateLimited: too many accounts"); r.After != time.Hour {
		t.Errorf("looked at again after %v", r.After)
	}
	fresh.settled()
}

// A server that lost the account gets it again; one that closed it says so.
func TestLostAccount(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, handlertest.NewKey(t)))
	w.ready("True", "ACMEAccountRegistered", registered)
	accounts := proto.NewAccounts(w.Cache, handlertest.ClusterNamespace)
	use := func() {
		t.Helper()
		w.Refresh()
		a, err := accounts.Of(t.Context(), w.issuer())
		if err != nil {
			t.Fatal(err)
		}
		if _, err = w.client.NewOrder(t.Context(), a, proto.NewOrder{}); err == nil {
			t.Fatal("the order was taken")
		}
	}
	w.server.Fail("new_order", 1, acmetest.Problem{Type: "accountDoesNotExist", Detail: "who is that"})
	use()
	before := w.server.Calls("new_account")
	w.ready("True", "ACMEAccountRegistered", registered)
	if w.server.Calls("new_account") != before+1 {
		t.Error("it was not registered again")
	}
	w.settled()

	w.server.Close(w.issuer().Status.ACME.URI)
	use()
	w.ready("False", "ErrRegisterACMEAccount", `unauthorized: the account is not valid: it is deactivated: the CA has closed the account of this key; delete Secret "le-account" to have another one made, or store another key in it`)
	w.settled()
	handlertest.Edit(w.World, "le-account", func(s *corev1.Secret) { s.Data["tls.key"] = handlertest.PKCS8(t, handlertest.NewKey(t)) })
	w.ready("True", "ACMEAccountRegistered", registered)
}
