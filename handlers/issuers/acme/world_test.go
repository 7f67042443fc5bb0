package acme_test

import (
	"crypto"
	"net/http"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/acme"
	proto "github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// world is a handlertest world with an ACME server beside it.
type world struct {
	*handlertest.World
	t       *testing.T
	server  *acmetest.Server
	client  *proto.Client
	backend *acme.Backend
	process *handlertest.Process
}

// newWorld starts a daemon over objects. The client's clock is the world's.
func newWorld(t *testing.T, o acmetest.Options, objects ...runtime.Object) *world {
	t.Helper()
	w := &world{World: handlertest.New(t, objects...), t: t, server: acmetest.New(t, o)}
	w.start(w.server.Transport())
	return w
}

// start starts the daemon anew, with nothing in its memory.
func (w *world) start(network http.RoundTripper) {
	w.client = proto.NewClient(proto.Options{Transport: network, Now: w.Clock.Now})
	s := handlertest.Defaults()
	s.More = func(hw *handlertest.World) map[queue.Kind]queue.Handler {
		w.backend = acme.New(acme.Needs{
			Server: w.client, Accounts: proto.NewAccounts(hw.Cache, handlertest.ClusterNamespace), Secrets: hw.Cache, Cache: hw.Cache,
			Core: hw.Core.CoreV1(), Orders: hw.CertManager.AcmeV1(), Clock: hw.Clock,
		})
		h := &issuers.Handler{
			Cache: hw.Cache, Client: hw.CertManager.CertmanagerV1(), Backends: map[issuers.Type]issuers.Backend{issuers.ACME: w.backend},
			ClusterNamespace: handlertest.ClusterNamespace, Events: hw.Recorder(), Clock: hw.Clock,
		}
		return map[queue.Kind]queue.Handler{queue.Issuer: h, queue.ClusterIssuer: h}
	}
	w.process = w.Start(s)
	w.Refresh()
}

// handle handles the issuer once on a fresh cache.
func (w *world) handle() (queue.Result, error) {
	w.t.Helper()
	w.Refresh()
	return w.process.Handle(handlertest.IssuerKey("le"))
}

// ready handles the issuer and compares its Ready condition.
func (w *world) ready(status cmmeta.ConditionStatus, reason, message string) queue.Result {
	w.t.Helper()
	result, err := w.handle()
	if err != nil {
		w.t.Fatal(err)
	}
	w.says(status, reason, message)
	return result
}

func (w *world) says(status cmmeta.ConditionStatus, reason, message string) {
	w.t.Helper()
	conditions := w.issuer().Status.Conditions
	if len(conditions) != 1 {
		w.t.Fatalf("conditions %+v, want Ready", conditions)
	}
	if c := conditions[0]; c.Status != status || c.Reason != reason || c.Message != message {
		w.t.Errorf("got  %s %s %q\nwant %s %s %q", c.Status, c.Reason, c.Message, status, reason, message)
	}
}

func (w *world) issuer() *cmapi.Issuer { return handlertest.Get[*cmapi.Issuer](w.World, "le") }

// settled handles again: nothing is written, and nothing is asked of the server.
func (w *world) settled() {
	w.t.Helper()
	writes, calls := len(w.Writes), w.server.Calls("")
	for range 2 {
		_, _ = w.handle()
	}
	if n := len(w.Writes) - writes; n != 0 {
		w.t.Errorf("%d writes on the state left behind: %q", n, w.Writes[writes:])
	}
	if n := w.server.Calls("") - calls; n != 0 {
		w.t.Errorf("%d calls on the state left behind", n)
	}
}

const registered = "The ACME account is registered"

// issuer is a new ACME issuer.
func issuer(edit ...func(*cmacme.ACMEIssuer)) *cmapi.Issuer {
	spec := &cmacme.ACMEIssuer{
		Server: "https://acme.test/directory", Email: "ops@example.com",
		PrivateKey: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "le-account"}},
	}
	for _, e := range edit {
		e(spec)
	}
	return &cmapi.Issuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "le"},
		Spec:       cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{ACME: spec}},
	}
}

// accountSecret holds a given account key.
func accountSecret(t *testing.T, key crypto.Signer) *corev1.Secret {
	t.Helper()
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "le-account"},
		Data:       map[string][]byte{"tls.key": handlertest.PKCS8(t, key)},
	}
}
