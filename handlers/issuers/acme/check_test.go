package acme_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/pem"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"
	proto "github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// A new issuer gets a key and an account, in one pass; and a restart asks its
// server nothing.
func TestRegistration(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, issuer())
	if result := w.ready("True", "ACMEAccountRegistered", registered); result.After != 0 {
		t.Errorf("looked at again after %v", result.After)
	}
	w.Wrote("create secrets le-account", "update issuers/status le")
	w.Told("Issuer/le Normal ACMEAccountRegistered: " + registered)
	secret := handlertest.Get[*corev1.Secret](w.World, "le-account")
	if diff := cmp.Diff(map[string]string{"app.kubernetes.io/managed-by": "cert-manager", "controller.cert-manager.io/fao": "true"}, secret.Labels); diff != "" {
		t.Error(diff)
	}
	block, _ := pem.Decode(secret.Data["tls.key"])
	key, err := x509.ParsePKCS1PrivateKey(block.Bytes)
	if err != nil || key.N.BitLen() != 2048 {
		t.Fatalf("the key is no RSA key of 2048 bits: %v", err)
	}
	hash := sha256.Sum256(block.Bytes)
	status := w.issuer().Status.ACME
	if contacts, ok := w.server.Contacts(status.URI); !ok || len(contacts) != 1 || contacts[0] != "mailto:ops@example.com" {
		t.Errorf("the server has contacts %q, %t", contacts, ok)
	}
	if want := (&cmacme.ACMEIssuerStatus{URI: status.URI, LastRegisteredEmail: "ops@example.com", LastPrivateKeyHash: base64.StdEncoding.EncodeToString(hash[:])}); !cmp.Equal(want, status) {
		t.Error(cmp.Diff(want, status))
	}
	w.settled()
	calls := w.server.Calls("") + w.server.Calls("get_directory")
	w.start(w.server.Transport())
	w.ready("True", "ACMEAccountRegistered", registered)
	if n := w.server.Calls("") + w.server.Calls("get_directory") - calls; n != 0 {
		t.Errorf("%d calls after a restart", n)
	}
}

// A given key is used as it is, of either kind.
func TestGivenKey(t *testing.T) {
	t.Parallel()
	off := func(s *cmacme.ACMEIssuer) { s.DisableAccountKeyGeneration = true }
	for name, secret := range map[string]*corev1.Secret{
		"ECDSA": accountSecret(t, handlertest.NewKey(t)), "RSA": accountSecret(t, handlertest.RSAKey()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, acmetest.Options{}, issuer(off), secret)
			w.ready("True", "ACMEAccountRegistered", registered)
			w.Wrote("update issuers/status le")
			w.settled()
		})
	}
}

func TestKeysThatAreNone(t *testing.T) {
	t.Parallel()
	_, ed, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	empty := accountSecret(t, handlertest.NewKey(t))
	empty.Data = map[string][]byte{"key.pem": empty.Data["tls.key"]}
	garbage := accountSecret(t, handlertest.NewKey(t))
	garbage.Data["tls.key"] = []byte("secret nonsense")
	const field = "spec.acme.privateKeySecretRef: Secret team/le-account"
	for name, row := range map[string]struct {
		edit    func(*cmacme.ACMEIssuer)
		secret  *corev1.Secret
		message string
	}{
		"missing": {func(s *cmacme.ACMEIssuer) { s.DisableAccountKeyGeneration = true }, nil,
			field + " does not exist: create it with the account's key, or let one be made by leaving disableAccountKeyGeneration out"},
		"another name": {nil, empty, field + ` has no key "tls.key": store the account's private key there, or name its place in privateKeySecretRef.key`},
		"no PEM":       {nil, garbage, field + `, key "tls.key": `},
		"Ed25519":      {nil, accountSecret(t, ed), field + `, key "tls.key": ACME accounts take RSA keys and ECDSA keys of P-256, P-384 and P-521: store one of them`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			objects := []runtime.Object{issuer()}
			if row.edit != nil {
				objects[0] = issuer(row.edit)
			}
			if row.secret != nil {
				objects = append(objects, row.secret)
			}
			w := newWorld(t, acmetest.Options{}, objects...)
			if _, err := w.handle(); err != nil {
				t.Fatal(err)
			}
			c := w.issuer().Status.Conditions[0]
			if c.Status != "False" || c.Reason != "ErrVerifyACMEAccount" || !strings.HasPrefix(c.Message, row.message) || strings.Contains(c.Message, "nonsense") {
				t.Errorf("got %+v", c)
			}
			w.Wrote("update issuers/status le")
			w.Told("Issuer/le Warning ErrInitIssuer: " + row.message)
			w.settled()
		})
	}
}

func TestSharedKey(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, handlertest.NewKey(t)))
	w.ready("True", "ACMEAccountRegistered", registered)
	second := issuer(func(s *cmacme.ACMEIssuer) { s.PrivateKey.Key = "tls.key" })
	second.Name = "le2"
	if _, err := w.CertManager.CertmanagerV1().Issuers(handlertest.Namespace).Create(t.Context(), second, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.Refresh()
	if _, err := w.process.Handle(handlertest.IssuerKey("le2")); err != nil {
		t.Fatal(err)
	}
	a, b := w.issuer().Status.ACME, handlertest.Get[*cmapi.Issuer](w.World, "le2").Status.ACME
	if !cmp.Equal(a, b) {
		t.Error(cmp.Diff(a, b))
	}
}

// What is edited is brought to the server, once.
func TestEdits(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, issuer())
	w.ready("True", "ACMEAccountRegistered", registered)
	first := w.issuer().Status.ACME.URI
	edit := func(e func(*cmacme.ACMEIssuer)) {
		handlertest.Edit(w.World, "le", func(i *cmapi.Issuer) { e(i.Spec.ACME) })
		w.Forget()
		w.ready("True", "ACMEAccountRegistered", registered)
	}
	for _, email := range []string{"new@example.com", ""} {
		edit(func(s *cmacme.ACMEIssuer) { s.Email = email })
		if contacts, _ := w.server.Contacts(first); strings.TrimPrefix(strings.Join(contacts, ","), "mailto:") != email {
			t.Errorf("contacts %q, want %q", contacts, email)
		}
		if s := w.issuer().Status.ACME; s.URI != first || s.LastRegisteredEmail != email {
			t.Errorf("stored %+v", s)
		}
		w.settled()
	}
	edit(func(s *cmacme.ACMEIssuer) { s.PrivateKey.Name = "another" })
	w.Wrote("create secrets another", "update issuers/status le")
	if second := w.issuer().Status.ACME; second.URI == first {
		t.Error("another key has the same account")
	}
	w.settled()

	// To another server, which is the same one by another name here.
	calls := w.server.Calls("new_account")
	edit(func(s *cmacme.ACMEIssuer) { s.Server = "https://other.test/directory" })
	if w.server.Calls("new_account") != calls+1 {
		t.Error("it was not registered at another server")
	}
}

// An account that exists keeps its contact until it is told another one.
func TestFoundAccount(t *testing.T) {
	t.Parallel()
	key := handlertest.NewKey(t)
	w := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, key))
	there, err := w.client.Register(t.Context(), proto.Account{Directory: w.server.Directory(), Key: key}, proto.Registration{Email: "old@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	w.ready("True", "ACMEAccountRegistered", registered)
	w.ready("True", "ACMEAccountRegistered", registered)
	if contacts, _ := w.server.Contacts(there.URL); contacts[0] != "mailto:ops@example.com" || w.issuer().Status.ACME.LastRegisteredEmail != "ops@example.com" {
		t.Errorf("contacts %q", contacts)
	}
	w.settled()
}

func TestInvalidSpecs(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct {
		edit            func(*cmacme.ACMEIssuer)
		reason, message string
	}{
		"URL":     {func(s *cmacme.ACMEIssuer) { s.Server = "acme.example.com" }, "InvalidURL", `spec.acme.server: "acme.example.com" is no URL of a server: `},
		"solver":  {func(s *cmacme.ACMEIssuer) { s.Solvers = []cmacme.ACMEChallengeSolver{{}} }, "InvalidSolver", "spec.acme.solvers[0]: "},
		"trust":   {func(s *cmacme.ACMEIssuer) { s.SkipTLSVerify, s.CABundle = true, []byte("x") }, "InvalidConfig", "[spec.acme.caBundle: "},
		"missing": {func(s *cmacme.ACMEIssuer) { s.PrivateKey.Name = "" }, "InvalidConfig", "spec.acme.privateKeySecretRef.name: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t, acmetest.Options{}, issuer(row.edit))
			if _, err := w.handle(); err != nil {
				t.Fatal(err)
			}
			if c := w.issuer().Status.Conditions[0]; c.Status != "False" || c.Reason != row.reason || !strings.HasPrefix(c.Message, row.message) {
				t.Errorf("got %+v", c)
			}
			w.Wrote("update issuers/status le")
			w.settled()
		})
	}
}

// Whatever write is lost, the next pass goes on without a second account.
func TestLostWrites(t *testing.T) {
	t.Parallel()
	for n := 1; n <= 2; n++ {
		for _, fate := range []handlertest.Fate{handlertest.Lost, handlertest.Unheard} {
			w := newWorld(t, acmetest.Options{}, issuer())
			w.Fail(n, fate)
			if _, err := w.handle(); err == nil {
				t.Errorf("write %d: no error", n)
			}
			w.Mend()
			w.start(w.server.Transport())
			w.ready("True", "ACMEAccountRegistered", registered)
			if _, ok := w.server.Contacts(w.issuer().Status.ACME.URI); !ok {
				t.Errorf("write %d: there is no such account", n)
			}
			w.settled()
		}
	}
}

// ClusterIssuers keep their keys in the namespace for cluster resources.
func TestClusterIssuer(t *testing.T) {
	t.Parallel()
	w := newWorld(t, acmetest.Options{}, &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "le"}, Spec: issuer().Spec})
	w.Refresh()
	if _, err := w.process.Handle(queue.Key{Kind: queue.ClusterIssuer, Name: "le"}); err != nil {
		t.Fatal(err)
	}
	w.RefreshOnly(&corev1.Secret{}) // which wakes it
	if _, err := w.process.Handle(queue.Key{Kind: queue.ClusterIssuer, Name: "le"}); err != nil {
		t.Fatal(err)
	}
	w.Wrote("create secrets le-account", "update clusterissuers/status le")
	if _, err := w.Core.CoreV1().Secrets(handlertest.ClusterNamespace).Get(t.Context(), "le-account", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
}

func TestShortRSAKey(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(t, acmetest.Options{}, issuer(), accountSecret(t, key))
	w.ready("False", "ErrVerifyACMEAccount", `spec.acme.privateKeySecretRef: Secret team/le-account, key "tls.key": an RSA key of 1024 bits is too short for ACME: store one of at least 2048 bits`)
}
