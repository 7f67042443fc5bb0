package acme_test

import (
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	proto "github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	k8stesting "k8s.io/client-go/testing"
)

// asked is how often the server was asked for anything, its directory included.
func (w *world) asked() int { return w.server.Calls("") + w.server.Calls("get_directory") }

// silent handles the issuer and wants neither a write nor a call.
func (w *world) silent(why string) {
	w.t.Helper()
	calls := w.asked()
	w.Forget()
	if _, err := w.handle(); err != nil {
		w.t.Errorf("%s: %v", why, err)
	}
	w.Wrote()
	if n := w.asked() - calls; n != 0 {
		w.t.Errorf("%s: %d calls", why, n)
	}
}

// What is stored of an issuer that is ready is all that a restart needs,
// whatever the account's key and contact are.
func TestRestart(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		edit   func(*cmacme.ACMEIssuer)
		secret *corev1.Secret
	}{
		"a key of our own":      {},
		"a given key, RSA":      {secret: accountSecret(t, handlertest.RSAKey())},
		"a given key, ECDSA":    {secret: accountSecret(t, handlertest.NewKey(t))},
		"no e-mail address":     {edit: func(s *cmacme.ACMEIssuer) { s.Email = "" }},
		"an address in capital": {edit: func(s *cmacme.ACMEIssuer) { s.Email = "Ops@Example.COM" }},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			edit := row.edit
			if edit == nil {
				edit = func(*cmacme.ACMEIssuer) {}
			}
			objects := []runtime.Object{issuer(edit)}
			if row.secret != nil {
				objects = append(objects, row.secret)
			}
			w := newWorld(t, acmetest.Options{}, objects...)
			w.ready("True", "ACMEAccountRegistered", registered)
			w.start(w.server.Transport())
			w.silent("restarted")
			w.Wait(365 * 24 * time.Hour)
			w.start(w.server.Transport())
			w.silent("restarted a year later")
		})
	}
}

// An issuer that cert-manager has made ready is taken over without a call. One
// of a version that kept no hash of the key is looked up, once.
func TestTakeover(t *testing.T) {
	t.Parallel()
	key := handlertest.RSAKey()
	hash := sha256.Sum256(x509.MarshalPKCS1PrivateKey(key))
	for name, row := range map[string]struct {
		hash  string
		calls int
	}{
		"1.12 and later": {base64.StdEncoding.EncodeToString(hash[:]), 0},
		"before":         {"", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, key))
			there, err := w.client.Register(t.Context(), proto.Account{Directory: w.server.Directory(), Key: key}, proto.Registration{Email: "ops@example.com"})
			if err != nil {
				t.Fatal(err)
			}
			handlertest.EditStatus(w.World, "le", func(i *cmapi.Issuer) {
				i.Status.ACME = &cmacme.ACMEIssuerStatus{URI: there.URL, LastRegisteredEmail: "ops@example.com", LastPrivateKeyHash: row.hash}
				i.Status.Conditions = []cmapi.IssuerCondition{{
					Type: "Ready", Status: cmmeta.ConditionTrue, Reason: "ACMEAccountRegistered", ObservedGeneration: 1,
					Message: "in the words of another",
				}}
			})
			calls := w.server.Calls("new_account")
			w.ready("True", "ACMEAccountRegistered", registered)
			w.Wrote("update issuers/status le")
			if got := w.issuer().Status.ACME; got.URI != there.URL || got.LastPrivateKeyHash != base64.StdEncoding.EncodeToString(hash[:]) {
				t.Errorf("stored %+v", got)
			}
			if n := w.server.Calls("new_account") - calls; n != row.calls {
				t.Errorf("%d look-ups, want %d", n, row.calls)
			}
			w.silent("taken over")
			w.start(w.server.Transport())
			w.silent("restarted")
		})
	}
}

// The Secret of a new account wakes its issuer before the cache shows the status
// that was written after it, or the other way round: in any order there are two
// writes and one registration.
func TestLaggingCaches(t *testing.T) {
	t.Parallel()
	for name, first := range map[string]runtime.Object{
		"the Secret is seen first": &corev1.Secret{}, "the status is seen first": &cmapi.Issuer{}, "neither is seen": nil,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, acmetest.Options{}, issuer())
			for range 3 {
				if _, err := w.process.Handle(handlertest.IssuerKey("le")); err != nil {
					t.Error(err)
				}
				if first != nil {
					w.RefreshOnly(first)
				}
			}
			w.ready("True", "ACMEAccountRegistered", registered)
			w.Wrote("create secrets le-account", "update issuers/status le")
			w.Told("Issuer/le Normal ACMEAccountRegistered: " + registered)
			if n := w.server.Calls("new_account"); n != 1 {
				t.Errorf("registered %d times", n)
			}
			w.settled()
		})
	}
}

// Two issuers that name one Secret are made at once: they share the key that one
// of them makes, also where that happens between a look and a write.
func TestSharedNewKey(t *testing.T) {
	t.Parallel()
	for name, race := range map[string]bool{"the cache lags": false, "in between": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			second := issuer()
			second.Name = "le2"
			w := newWorld(t, acmetest.Options{}, issuer(), second)
			if _, err := w.process.Handle(handlertest.IssuerKey("le")); err != nil {
				t.Fatal(err)
			}
			want := []string{"create secrets le-account", "update issuers/status le", "update issuers/status le2"}
			if race {
				w.unseenOnce()
				want = []string{want[0], want[1], "create secrets le-account: AlreadyExists", want[2]}
			}
			if _, err := w.process.Handle(handlertest.IssuerKey("le2")); err != nil {
				t.Error(err)
			}
			w.Wrote(want...)
			if a, b := w.issuer().Status.ACME, handlertest.Get[*cmapi.Issuer](w.World, "le2").Status.ACME; a.URI != b.URI {
				t.Errorf("accounts %q and %q", a.URI, b.URI)
			}
		})
	}
}

// unseenOnce has the next look at a Secret find nothing.
func (w *world) unseenOnce() {
	looked := false
	w.Core.PrependReactor("get", "secrets", func(k8stesting.Action) (bool, runtime.Object, error) {
		if looked {
			return false, nil, nil
		}
		looked = true
		return true, nil, apierrors.NewNotFound(corev1.Resource("secrets"), "le-account")
	})
}

// A Secret that somebody deletes takes its key with it: the issuer gets another
// one, and the account of that.
func TestDeletedSecret(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, issuer())
	w.ready("True", "ACMEAccountRegistered", registered)
	first := w.issuer().Status.ACME.URI
	if err := w.Core.CoreV1().Secrets(handlertest.Namespace).Delete(t.Context(), "le-account", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	w.Forget()
	w.ready("True", "ACMEAccountRegistered", registered)
	w.Wrote("create secrets le-account", "update issuers/status le")
	if second := w.issuer().Status.ACME.URI; second == first {
		t.Error("another key has the same account")
	}
	w.settled()
}
