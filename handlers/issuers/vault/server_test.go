package vault_test

import (
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/vault"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// secretWord is every credential of the tests; no text may have it.
const secretWord = "hvs.do-not-tell"

// server answers as a Vault does, as far as the rows go.
type server struct {
	*httptest.Server
	mu     sync.Mutex
	health map[string]any
	// answers override what a path gives: status and body.
	answers map[string]answer
	// signing, when not nil, is what a request with a CSR gets.
	signing *answer
	// valid are the tokens that are accepted.
	valid     map[string]bool
	lease     int
	renewable bool
	ca        handlertest.Authority
	// Calls are methods and paths, in order, but for those of checks.
	calls []string
	last  map[string]any // the body of the last signing
	login map[string]any // and of the last login
	names []string       // the namespaces of the last call
}

type answer struct {
	status int
	body   string
}

func said(words ...string) string {
	text, _ := json.Marshal(map[string][]string{"errors": words}) // texts can be encoded
	return string(text)
}

func newServer(t *testing.T) *server {
	t.Helper()
	s := &server{
		health: map[string]any{"initialized": true}, answers: map[string]answer{}, valid: map[string]bool{secretWord: true},
		ca: handlertest.NewAuthority(t, "Vault CA"),
	}
	s.Server = httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.serve(t, w, r) }))
	s.Config.ErrorLog = log.New(io.Discard, "", 0) // of handshakes that are meant to fail
	s.StartTLS()
	t.Cleanup(s.Close)
	return s
}

func (s *server) serve(t *testing.T, w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	path := strings.TrimPrefix(r.URL.Path, "/v1/")
	body := map[string]any{}
	if text, _ := io.ReadAll(r.Body); len(text) > 0 {
		if err := json.Unmarshal(text, &body); err != nil {
			t.Errorf("%s: the body is no JSON: %v", path, err)
		}
	}
	write := func(status int, value any) {
		w.WriteHeader(status)
		_ = json.NewEncoder(w).Encode(value) // the client may be gone
	}
	if path == "sys/health" {
		write(http.StatusOK, s.health)
		return
	}
	csr, _ := body["csr"].(string)
	probe := strings.Contains(path, "sign/") && csr == ""
	if !probe && path != "auth/token/lookup-self" {
		s.calls = append(s.calls, path)
	}
	s.names = r.Header.Values("X-Vault-Namespace")
	a, ok := s.answers[path]
	if csr != "" && s.signing != nil {
		a, ok = *s.signing, true
	}
	if ok {
		w.WriteHeader(a.status)
		_, _ = io.WriteString(w, a.body) // the client may be gone
		return
	}
	switch {
	case strings.HasSuffix(path, "/login"):
		s.login = body
		token := fmt.Sprintf("%s-%d", secretWord, len(s.calls))
		s.valid[token] = true
		write(http.StatusOK, map[string]any{"auth": map[string]any{"client_token": token, "lease_duration": s.lease, "renewable": s.renewable}})
	case !s.valid[r.Header.Get("X-Vault-Token")]:
		write(http.StatusForbidden, map[string]any{"errors": []string{"2 errors occurred:\n\t* permission denied\n\t* invalid token\n\n"}})
	case path == "auth/token/renew-self":
		write(http.StatusOK, map[string]any{"auth": map[string]any{"client_token": r.Header.Get("X-Vault-Token"), "lease_duration": s.lease, "renewable": s.renewable}})
	case path == "auth/token/lookup-self":
		write(http.StatusOK, map[string]any{"data": map[string]any{"ttl": s.lease, "creation_ttl": 4 * s.lease, "renewable": s.renewable}})
	case probe:
		write(http.StatusBadRequest, map[string]any{"errors": []string{`"csr" is empty`}})
	default:
		s.last = body
		write(http.StatusOK, map[string]any{"data": s.signed(t, csr)})
	}
}

func (s *server) signed(t *testing.T, csr string) map[string]any {
	block, _ := pem.Decode([]byte(csr))
	if block == nil {
		t.Error("the CSR is no PEM")
		return nil
	}
	request, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		t.Error(err)
		return nil
	}
	leaf := s.ca.Issue(t, request.PublicKey)
	return map[string]any{
		"certificate": strings.TrimSpace(string(leaf)), "issuing_ca": strings.TrimSpace(string(s.ca.PEM)),
		"ca_chain": []string{strings.TrimSpace(string(s.ca.PEM))},
	}
}

// roots is the server's own certificate, as a CA bundle.
func (s *server) roots() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw})
}

// answer has a path answer otherwise from now on; status 0 mends it.
func (s *server) answer(path string, status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if status == 0 {
		s.signing = nil
		delete(s.answers, path)
		return
	}
	s.answers[path] = answer{status, body}
}

// called counts the calls of a path.
func (s *server) called(path string) (n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.calls {
		if c == path {
			n++
		}
	}
	return n
}

// byToken is an issuer that uses the token of Secret "vault".
func byToken(s *server, edit ...func(*cmapi.VaultIssuer)) *cmapi.Issuer {
	spec := &cmapi.VaultIssuer{Server: s.URL, Path: "pki/sign/web", CABundle: s.roots()}
	spec.Auth.TokenSecretRef = &cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: "vault"}, Key: "token"}
	for _, e := range edit {
		e(spec)
	}
	return &cmapi.Issuer{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "ca"},
		Spec:       cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{Vault: spec}},
	}
}

// byAppRole logs in.
func byAppRole(spec *cmapi.VaultIssuer) {
	spec.Auth = cmapi.VaultAuth{AppRole: &cmapi.VaultAppRole{Path: "approle", RoleId: "web", SecretRef: cmmeta.SecretKeySelector{
		LocalObjectReference: cmmeta.LocalObjectReference{Name: "vault"}, Key: "token"}}}
}

func credential() *corev1.Secret {
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: handlertest.Namespace, Name: "vault"},
		Data:       map[string][]byte{"token": []byte(secretWord + "\n")},
	}
}

// world is a cluster with Vault issuers served.
type world struct {
	*handlertest.World
	*handlertest.Process
	woken []queue.Key
}

func newWorld(t *testing.T, accounts vault.ServiceAccounts, objects ...runtime.Object) *world {
	t.Helper()
	w := &world{World: handlertest.New(t, objects...)}
	s := handlertest.Defaults()
	s.Backends = func(hw *handlertest.World) map[issuers.Type]issuers.Backend {
		return map[issuers.Type]issuers.Backend{issuers.Vault: vault.New(vault.Options{
			Secrets: hw.Cache, ServiceAccounts: accounts, Clock: hw.Clock, Wake: func(k queue.Key) { w.woken = append(w.woken, k) },
		})}
	}
	w.Process = w.World.Start(s)
	t.Cleanup(func() {
		for _, text := range append(w.Events, w.Writes...) {
			if strings.Contains(text, secretWord) {
				t.Errorf("a credential is in %q", text)
			}
		}
	})
	return w
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
	if strings.Contains(c[0].Message, secretWord) {
		t.Errorf("a credential is in %q", c[0].Message)
	}
	return c[0]
}
