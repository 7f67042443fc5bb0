package venafi_test

import (
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/venafi"
	"github.com/certwright/certwright/handlers/issuers/venafi/venafitest"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// The SaaS servers are known by the system's roots alone, so that the test's
// server, whose certificate is always the same, becomes one of them.
func TestMain(m *testing.M) {
	os.Exit(run(m))
}

func run(m *testing.M) int {
	s := httptest.NewTLSServer(http.NotFoundHandler())
	defer s.Close()
	dir, err := os.MkdirTemp("", "venafi")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "roots.pem")
	if err := os.WriteFile(file, roots(s.Certificate()), 0o600); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	os.Setenv("SSL_CERT_FILE", file)
	return m.Run()
}

func roots(c *x509.Certificate) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})
}

// standin is one of the stand-in's kinds, on the network.
type standin struct {
	*venafitest.Server
	http *httptest.Server
}

func newStandin(t *testing.T) standin {
	t.Helper()
	s, err := venafitest.New()
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	return standin{s, server}
}

// issuer is a Venafi issuer and the Secret of its credentials.
func issuer(spec cmapi.VenafiIssuer, credentials map[string]string) []runtime.Object {
	data := map[string][]byte{}
	for key, value := range credentials {
		data[key] = []byte(value)
	}
	return []runtime.Object{
		&cmapi.Issuer{
			ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "ca"},
			Spec:       cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{Venafi: &spec}},
		},
		&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "venafi"}, Data: data},
	}
}

var userPassword = map[string]string{"username": venafitest.User, "password": venafitest.Password}

func (s standin) tpp() cmapi.VenafiIssuer {
	return cmapi.VenafiIssuer{Zone: venafitest.TPPZone, TPP: &cmapi.VenafiTPP{
		URL: s.http.URL + "/vedsdk", CredentialsRef: cmmeta.LocalObjectReference{Name: "venafi"}, CABundle: roots(s.http.Certificate()),
	}}
}

func (s standin) cloud() cmapi.VenafiIssuer {
	return cmapi.VenafiIssuer{Zone: venafitest.CloudZone, Cloud: &cmapi.VenafiCloud{
		URL: s.http.URL, APITokenSecretRef: cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "venafi"}},
	}}
}

func (s standin) ngts() cmapi.VenafiIssuer {
	return cmapi.VenafiIssuer{Zone: venafitest.NGTSZone, NGTS: &cmapi.VenafiNGTS{
		URL: s.http.URL + "/ngts", TokenEndpoint: s.http.URL + "/oauth2/access_token", TSGID: "1234567890",
		CredentialsRef: cmmeta.LocalObjectReference{Name: "venafi"},
	}}
}

// meters counts.
type meters struct {
	mu    sync.Mutex
	calls map[string]int
}

func (m *meters) Call(name string, _ time.Duration) { m.count(name) }

func (m *meters) Token(good bool, _ time.Duration) { m.count(fmt.Sprintf("token %t", good)) }

func (m *meters) count(what string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.calls == nil {
		m.calls = map[string]int{}
	}
	m.calls[what]++
}

// world is a cluster with Venafi issuers served.
type world struct {
	*handlertest.World
	*handlertest.Process
	meters meters
	woken  []queue.Key
}

func newWorld(t *testing.T, objects ...runtime.Object) *world {
	t.Helper()
	w := &world{World: handlertest.New(t, objects...)}
	s := handlertest.Defaults()
	s.Backends = func(hw *handlertest.World) map[issuers.Type]issuers.Backend {
		return map[issuers.Type]issuers.Backend{issuers.Venafi: venafi.New(venafi.Options{
			Secrets: hw.Cache, Clock: hw.Clock, Meters: &w.meters, Wake: func(k queue.Key) { w.woken = append(w.woken, k) },
		})}
	}
	w.Process = w.World.Start(s)
	t.Cleanup(func() {
		for _, text := range append(w.Events, w.Writes...) {
			w.clean(t, text)
		}
	})
	return w
}

// clean wants no credential in a text.
func (w *world) clean(t *testing.T, text string) {
	t.Helper()
	if strings.Contains(text, "standin-") {
		t.Errorf("a credential is in %q", text)
	}
}

// ready is the issuer's condition after it was looked at.
func (w *world) ready(t *testing.T) cmapi.IssuerCondition {
	t.Helper()
	if _, err := w.Handle(handlertest.IssuerKey("ca")); err != nil {
		t.Fatal(err)
	}
	w.Refresh()
	c := handlertest.Get[*cmapi.Issuer](w.World, "ca").Status.Conditions
	if len(c) != 1 {
		t.Fatalf("conditions: %+v", c)
	}
	w.clean(t, c[0].Message)
	return c[0]
}

// web asks for a certificate with that common name.
func web(name string, edit ...func(*cmapi.Certificate)) *cmapi.Certificate {
	return handlertest.Web(append(edit, func(crt *cmapi.Certificate) {
		crt.Spec.CommonName, crt.Spec.DNSNames = name, []string{name}
	})...)
}

// outcome is the Ready condition of the only request.
func (w *world) outcome(t *testing.T) (status, reason, message string) {
	t.Helper()
	all := w.Requests()
	if len(all) != 1 {
		t.Fatalf("requests: got %q, want one", all)
	}
	for _, c := range w.Request(all[0]).Status.Conditions {
		if c.Type == cmapi.CertificateRequestConditionReady {
			w.clean(t, c.Message)
			return string(c.Status), c.Reason, c.Message
		}
	}
	return "", "", ""
}

func (w *world) requestKey() queue.Key {
	return queue.Key{Kind: queue.CertificateRequest, Namespace: handlertest.Namespace, Name: w.Requests()[0]}
}
