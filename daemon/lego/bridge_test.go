package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/lego"
	"github.com/certwright/certwright/handlers/challenges/dns01/lego/protocol"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
	"github.com/certwright/certwright/internal/dnscheck/dnstest"
)

// TestMain lets the test's own binary be the child, when it is started by its name.
func TestMain(m *testing.M) {
	if filepath.Base(os.Args[0]) == protocol.Program {
		main()
		return
	}
	os.Exit(m.Run())
}

func bridge(t *testing.T) *lego.Bridge {
	t.Helper()
	own, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), protocol.Program)
	if err := os.Symlink(own, path); err != nil {
		t.Fatal(err)
	}
	return &lego.Bridge{Path: path}
}

const keyAuthorization = "token.thumbprint"

// value is base64url(sha256(keyAuthorization)).
const value = "61rBZ_4knHblO0MNoxFsXZ_eTFUHum0B6IVRbhvUn5I"

func call(b *lego.Bridge, provider string, env map[string]string) *lego.Call {
	return &lego.Call{
		Bridge: b, Provider: provider, Env: env, Token: "token",
		KeyAuthorization: func(context.Context) (string, error) { return keyAuthorization, nil },
	}
}

var at = record.Record{Name: "_acme-challenge.example.test.", Value: value, Domain: "example.test"}

// api records what a provider sends.
type api struct {
	*httptest.Server
	mu       sync.Mutex
	requests []string
}

func serveAPI(t *testing.T, answer func(http.ResponseWriter, *http.Request)) *api {
	a := &api{}
	a.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var body struct{ Value string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		user, password, _ := r.BasicAuth()
		a.mu.Lock()
		a.requests = append(a.requests, strings.Join([]string{r.Method, r.URL.Path, user, password, body.Value}, " "))
		a.mu.Unlock()
		if answer != nil {
			answer(w, r)
		}
	}))
	t.Cleanup(a.Close)
	return a
}

func TestProviderOfAnotherProcess(t *testing.T) {
	t.Parallel()
	server := serveAPI(t, nil)
	b := bridge(t)
	c := call(b, "httpreq", map[string]string{"HTTPREQ_ENDPOINT": server.URL, "HTTPREQ_USERNAME": "me"})
	c.Files = map[string]string{"HTTPREQ_PASSWORD_FILE": "secret"} // by a pipe
	c.Secrets = []string{"secret"}
	if err := c.Set(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if err := c.Unset(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	want := []string{"POST /present me secret " + value, "POST /cleanup me secret " + value}
	if !slices.Equal(server.requests, want) {
		t.Errorf("%q", server.requests)
	}
}

func TestUpdatesByTSIG(t *testing.T) {
	t.Parallel()
	const secret = "IwBTJx9wrDp4Y1RyC3H0gA=="
	dns := dnstest.Start(t, "127.0.0.1", "")
	dns.Zone("example.test.", "example.test. 60 IN NS ns.example.test.")
	dns.Key("key.test.", secret)
	b := bridge(t)
	b.Nameservers = []string{"https://never.asked/dns-query", dnstest.Resolve(t, dns).Address}
	env := map[string]string{"DNSUPDATE_NAMESERVER": dns.Address, "DNSUPDATE_TSIG_KEY": "key.test.", "DNSUPDATE_TSIG_SECRET": secret, "DNSUPDATE_TSIG_ALGORITHM": "hmac-sha256."}
	c := call(b, "rfc2136", env)
	c.Secrets = []string{secret}
	if err := c.Set(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if got := dns.TXT(at.Name); !slices.Equal(got, []string{value}) {
		t.Errorf("%q", got)
	}
	if err := c.Unset(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if got := dns.TXT(at.Name); len(got) > 0 {
		t.Errorf("%q", got)
	}
	env["DNSUPDATE_TSIG_SECRET"] = "b3RoZXIgb3RoZXIgb3RoZXI="
	if err := c.Set(t.Context(), at); err == nil || !strings.HasPrefix(err.Error(), "the DNS provider rfc2136: dnsupdate: ") {
		t.Errorf("%v", err)
	}
}

// A CNAME is followed only when that is asked for.
func TestCNAME(t *testing.T) {
	t.Parallel()
	for follow, want := range map[bool]string{false: "_acme-challenge.example.test.", true: "there.example.test."} {
		dns := dnstest.Start(t, "127.0.0.1", "")
		dns.Zone("example.test.", "_acme-challenge.example.test. 60 IN CNAME there.example.test.")
		b := bridge(t)
		b.Nameservers = []string{dnstest.Resolve(t, dns).Address}
		c := call(b, "rfc2136", map[string]string{"DNSUPDATE_NAMESERVER": dns.Address})
		c.Follow = follow
		if err := c.Set(t.Context(), at); err != nil {
			t.Fatal(err)
		}
		if got := dns.TXT(want); !slices.Equal(got, []string{value}) {
			t.Errorf("follow %t: %q", follow, got)
		}
	}
}

func TestFaults(t *testing.T) {
	t.Parallel()
	b := bridge(t)
	const f = "spec.solver.dns01.webhook."
	for want, c := range map[string]*lego.Call{
		f + `solverName: lego has no DNS provider "hetznr": did you mean hetzner?`:                                             call(b, "hetznr", nil),
		f + `solverName: lego has no DNS provider "zzzzzzzzz": use one of those listed at https://go-acme.github.io/lego/dns/`: call(b, "zzzzzzzzz", nil),
		f + `config: the provider digitalocean cannot be used as it is configured: digitalocean: some credentials information are missing: DO_AUTH_TOKEN; set what is missing in env or secretEnv, see https://go-acme.github.io/lego/dns/digitalocean/`: call(b, "digitalocean", nil),
	} {
		err := c.Set(t.Context(), at)
		var fault *challenges.Fault
		if !errors.As(err, &fault) || fault.Message != want {
			t.Errorf("got  %v\nwant %s", err, want)
		}
	}
	b.Path = filepath.Join(t.TempDir(), "absent")
	var fault *challenges.Fault
	if err := call(b, "httpreq", nil).Set(t.Context(), at); !errors.As(err, &fault) {
		t.Errorf("%v", err)
	}
}

func TestSecretsAreNotRepeated(t *testing.T) {
	t.Parallel()
	const password = `se"cret & more`
	server := serveAPI(t, func(w http.ResponseWriter, r *http.Request) {
		_, p, _ := r.BasicAuth()
		http.Error(w, "your password is "+p, http.StatusUnauthorized)
	})
	c := call(bridge(t), "httpreq", map[string]string{"HTTPREQ_ENDPOINT": server.URL, "HTTPREQ_USERNAME": "me", "HTTPREQ_PASSWORD": password})
	c.Secrets = []string{password}
	err := c.Set(t.Context(), at)
	if err == nil || !strings.Contains(err.Error(), "your password is ***") || strings.Contains(err.Error(), "cret") {
		t.Errorf("%v", err)
	}
}

// What the daemon's environment and files hold is not for whoever writes an issuer.
func TestNothingOfTheDaemons(t *testing.T) {
	token := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(token, []byte("the daemon's"), 0o644); err != nil {
		t.Fatal(err)
	}
	server := serveAPI(t, nil)
	t.Setenv("HTTPREQ_ENDPOINT", server.URL)
	if err := call(bridge(t), "httpreq", nil).Set(t.Context(), at); err == nil {
		t.Error("the child sees the daemon's environment")
	}
	// A variable that ParseConfig would refuse: the file behind it is out of reach,
	// where the kernel has Landlock.
	c := call(bridge(t), "httpreq", map[string]string{"HTTPREQ_ENDPOINT": server.URL, "HTTPREQ_USERNAME": "me", "HTTPREQ_PASSWORD_FILE": token})
	_ = c.Set(t.Context(), at)
	if !landlock() {
		t.Log("this kernel has no Landlock: only ParseConfig stands before the daemon's files")
		return
	}
	for _, r := range server.requests {
		if strings.Contains(r, "daemon's") {
			t.Errorf("the child has read a file and sent it: %q", r)
		}
	}
}

// Providers that remember their records in memory find them again in another
// process, and others' records are not touched.
func TestMemoryOfProviders(t *testing.T) {
	t.Parallel()
	var deleted []string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.Method {
		case http.MethodPost:
			w.WriteHeader(http.StatusCreated)
			_, _ = w.Write([]byte(`{"domain_record":{"id":4711,"type":"TXT"}}`))
		case http.MethodDelete:
			deleted = append(deleted, r.URL.Path)
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(server.Close)
	dns := dnstest.Start(t, "127.0.0.1", "")
	dns.Zone("example.test.")
	b := bridge(t)
	b.Nameservers = []string{dnstest.Resolve(t, dns).Address}
	env := map[string]string{"DO_AUTH_TOKEN": "t0ken", "DO_API_URL": server.URL}
	if err := call(b, "digitalocean", env).Set(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if err := call(b, "digitalocean", env).Unset(t.Context(), at); err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(deleted, []string{"/v2/domains/example.test/records/4711"}) && !slices.Equal(deleted, []string{"/domains/example.test/records/4711"}) {
		t.Errorf("%q", deleted)
	}
	// After a restart nobody knows the record: it is gone from the DNS, or
	// somebody must remove it.
	restarted := bridge(t)
	restarted.Nameservers = b.Nameservers
	restarted.Visible = func(context.Context, string, string) error { return errors.New("not there") }
	if err := call(restarted, "digitalocean", env).Unset(t.Context(), at); err != nil {
		t.Errorf("%v", err)
	}
	restarted.Visible = func(context.Context, string, string) error { return nil }
	var fault *challenges.Fault
	err := call(restarted, "digitalocean", env).Unset(t.Context(), at)
	if !errors.As(err, &fault) || !strings.Contains(err.Error(), "remove the TXT record _acme-challenge.example.test. with the value "+value) {
		t.Errorf("%v", err)
	}
}

func TestAChildEndsWithItsCall(t *testing.T) {
	t.Parallel()
	asked := make(chan struct{}, 1)
	server := serveAPI(t, func(_ http.ResponseWriter, r *http.Request) {
		asked <- struct{}{}
		<-r.Context().Done() // until the child is gone
	})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() {
		done <- call(bridge(t), "httpreq", map[string]string{"HTTPREQ_ENDPOINT": server.URL}).Set(ctx, at)
	}()
	<-asked
	cancel()
	select {
	case err := <-done:
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
	case <-time.After(20 * time.Second):
		t.Error("the child goes on")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, name := range names() {
		if _, err := named(name); err != nil && strings.Contains(err.Error(), "unrecognized DNS provider") {
			t.Errorf("lego knows no %s any more", name)
		}
	}
	if len(names()) < 190 {
		t.Errorf("only %d names", len(names()))
	}
}
