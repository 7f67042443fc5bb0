package vault_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

const endpoint = "pki/sign/web"

// request is the one that a Certificate has made by now.
func (w *world) request(t *testing.T) *cmapi.CertificateRequest {
	t.Helper()
	all := w.Requests()
	if len(all) != 1 {
		t.Fatalf("requests: got %q, want one", all)
	}
	return w.Request(all[0])
}

func readyOf(cr *cmapi.CertificateRequest) (status, reason, message string) {
	for _, c := range cr.Status.Conditions {
		if c.Type == cmapi.CertificateRequestConditionReady {
			return string(c.Status), c.Reason, c.Message
		}
	}
	return "", "", ""
}

func TestIssued(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorld(t, nil, byToken(s), credential(), handlertest.Web())
	w.Settle()
	stored := w.Secret("web-tls")
	if stored == nil {
		t.Fatal("nothing was issued")
	}
	leaf := handlertest.Leaf(t, stored.Data["tls.crt"])
	if err := leaf.CheckSignatureFrom(s.ca.Certificate); err != nil {
		t.Error(err)
	}
	if got := strings.Count(string(stored.Data["tls.crt"]), "BEGIN"); got != 1 {
		t.Errorf("tls.crt has %d certificates, want the leaf alone: the root is in ca.crt", got)
	}
	if diff := cmp.Diff(string(s.ca.PEM), string(stored.Data["ca.crt"])); diff != "" {
		t.Errorf("ca.crt (-want +got):\n%s", diff)
	}
	delete(s.last, "csr")
	if diff := cmp.Diff(map[string]any{
		"ttl": "2160h0m0s", "common_name": "web.example.com", "alt_names": "web.example.com", "ip_sans": "", "uri_sans": "",
		"exclude_cn_from_sans": true,
	}, s.last); diff != "" {
		t.Errorf("asked for (-want +got):\n%s", diff)
	}
	if n := s.called(endpoint); n != 1 {
		t.Errorf("signed %d times, want once", n)
	}
}

// What Vault refuses of a fit issuer has failed; what it cannot answer waits,
// and is asked for again.
func TestWaitingAndRefused(t *testing.T) {
	t.Parallel()
	for name, r := range map[string]struct {
		status int
		body   string
		waits  bool
		want   string
		after  time.Duration
	}{
		"a name": {http.StatusBadRequest, said("common name web.example.com not allowed by this role"), false,
			`Vault refuses to sign with "pki/sign/web": common name web.example.com not allowed by this role: ask for what the role and the policy allow`, 0},
		"a policy": {http.StatusForbidden, said("1 error occurred:\n\t* permission denied\n\n"), false,
			`Vault refuses to sign with "pki/sign/web": permission denied: ask for what the role and the policy allow`, 0},
		"sealed":            {http.StatusServiceUnavailable, said("Vault is sealed"), true, "spec.vault.server: Vault cannot work now (HTTP 503: Vault is sealed)", 5 * time.Second},
		"at fault":          {http.StatusInternalServerError, "no JSON", true, "HTTP 500: an answer that is not Vault's", 5 * time.Second},
		"behind its leader": {http.StatusPreconditionFailed, said("x"), true, "HTTP 412", 5 * time.Second},
		"too busy":          {http.StatusTooManyRequests, said("x"), true, "HTTP 429", 5 * time.Second},
		"no certificate":    {http.StatusOK, `{"data":{"certificate":"garbage"}}`, false, `holds no certificate that can be used`, 0},
		"nothing":           {http.StatusNoContent, "", false, "it is empty", 0},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			w := newWorld(t, nil, byToken(s), credential(), handlertest.Web())
			w.ready(t)
			s.refuseSigning(r.status, r.body)
			w.Settle()
			status, reason, message := readyOf(w.request(t))
			want := "Failed"
			if r.waits {
				want = "Pending"
			}
			if status != "False" || reason != want || !strings.Contains(message, r.want) {
				t.Errorf("got %s %s %q, want %s %q", status, reason, message, want, r.want)
			}
			if !r.waits {
				return
			}
			key := queue.Key{Kind: queue.CertificateRequest, Namespace: "team", Name: w.Requests()[0]}
			w.Forget()
			result, err := w.Handle(key)
			if err != nil || result.After != r.after {
				t.Errorf("again: got After %s, %v, want %s", result.After, err, r.after)
			}
			w.Wrote()
			if len(w.woken) == 0 || w.woken[0] != handlertest.IssuerKey("ca") {
				t.Errorf("woken: got %v, want the issuer", w.woken)
			}
			s.answer(endpoint, 0, "")
			w.Settle()
			if status, _, message := readyOf(w.request(t)); status != "True" {
				t.Errorf("back at work: got %s %q", status, message)
			}
		})
	}
}

// refuseSigning answers signatures so, while the endpoint itself is sound.
func (s *server) refuseSigning(status int, body string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.signing = &answer{status, body}
}

// What makes the issuer unfit leaves the request waiting.
func TestARequestOfAnUnfitIssuer(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorld(t, nil, byToken(s), credential(), handlertest.Web())
	w.ready(t)
	s.answer(endpoint, http.StatusBadRequest, said("unknown role: web"))
	if _, err := w.Handle(handlertest.CertificateKey("web")); err != nil {
		t.Fatal(err)
	}
	w.Settle()
	if _, reason, message := readyOf(w.request(t)); reason != "Pending" || !strings.Contains(message, "the role in \"pki/sign/web\" does not exist") {
		t.Errorf("got %s %q, want Pending for want of the role", reason, message)
	}
	s.answer(endpoint, 0, "")
	w.Settle()
	if w.Secret("web-tls") == nil {
		t.Error("with the role made nothing was issued")
	}
}

// One login serves many requests, until it is about to end, is not accepted any
// more, or its Secret changes.
func TestALoginIsKept(t *testing.T) {
	t.Parallel()
	const login = "auth/approle/login"
	s := newServer(t)
	s.lease = 3600
	w := newWorld(t, nil, byToken(s, byAppRole), credential())
	logins := func(what string, want int) {
		t.Helper()
		if c := w.ready(t); c.Status != "True" {
			t.Fatalf("%s: %+v", what, c)
		}
		if n := s.called(login); n != want {
			t.Errorf("%s: %d logins, want %d", what, n, want)
		}
	}
	logins("at first", 1)
	w.Wait(50 * time.Minute)
	logins("before the lease ends", 1)
	w.Wait(5 * time.Minute)
	logins("when it is about to end", 2)
	s.mu.Lock()
	clear(s.valid)
	s.mu.Unlock()
	logins("when it was revoked", 3)
	handlertest.Edit(w.World, "vault", func(s *corev1.Secret) { s.Data["token"] = []byte("new") })
	logins("with a new secret id", 4)
	s.mu.Lock()
	s.renewable = true
	clear(s.valid)
	s.mu.Unlock()
	logins("a renewable one", 5)
	w.Wait(58 * time.Minute)
	logins("renewed", 5)
	if n := s.called("auth/token/renew-self"); n != 1 {
		t.Errorf("%d renewals, want 1", n)
	}
}

// A token that a Secret holds is renewed in time, if it can be.
func TestATokenIsRenewed(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	s.lease, s.renewable = 3600, true // of four hours
	w := newWorld(t, nil, byToken(s), credential())
	w.ready(t)
	if n := s.called("auth/token/renew-self"); n != 1 {
		t.Errorf("%d renewals, want 1", n)
	}
}

// A signature whose write fails is not asked for again.
func TestNothingIsSignedTwice(t *testing.T) {
	t.Parallel()
	for name, fate := range map[string]handlertest.Fate{"lost": handlertest.Lost, "unheard": handlertest.Unheard} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newServer(t)
			w := newWorld(t, nil, byToken(s), credential(), handlertest.Web())
			for n := range 12 {
				w.Fail(n, fate)
				w.Settle()
				w.Mend()
			}
			w.Settle()
			if w.Secret("web-tls") == nil {
				t.Fatal("nothing was issued")
			}
			if n := s.called(endpoint); n != len(w.Requests()) {
				t.Errorf("signed %d times for %d requests", n, len(w.Requests()))
			}
		})
	}
}

// A cache that lags behind does not have a request signed again.
func TestALaggingCacheDoesNotSignTwice(t *testing.T) {
	t.Parallel()
	s := newServer(t)
	w := newWorld(t, nil, byToken(s), credential(), handlertest.Web())
	w.ready(t)
	for range 6 {
		if _, err := w.Handle(handlertest.CertificateKey("web")); err != nil {
			t.Fatal(err)
		}
		w.Refresh()
		if len(w.Requests()) == 1 {
			break
		}
	}
	key := queue.Key{Kind: queue.CertificateRequest, Namespace: "team", Name: w.Requests()[0]}
	w.Unseen(func() {
		for range 3 {
			if _, err := w.Handle(key); err != nil {
				t.Fatal(err)
			}
		}
	})
	if n := s.called(endpoint); n != 1 {
		t.Errorf("signed %d times, want once", n)
	}
}
