package client

import (
	"context"
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/harness"
)

// site is a pebble, with the DNS server that it asks and a web server for all
// names below http.test.
type site struct {
	t      *testing.T
	pebble *pebble.Server
	client *acme.Client

	mu     sync.Mutex
	proofs map[string]string // by path
	calls  map[string]int    // by action and status
}

// newSite starts them. One nonce in six is refused.
func newSite(t *testing.T, o pebble.Options) *site {
	t.Helper()
	t.Parallel()
	s := &site{t: t, proofs: map[string]string{}, calls: map[string]int{}}
	ctx, cancel := context.WithTimeout(t.Context(), 3*time.Minute) // a first build is part of it
	defer cancel()
	names, err := nameserver.Start(ctx, nameserver.Options{Dir: t.TempDir(), Own: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = names.Close() }) // it has nothing to lose
	o.Dir, o.Log, o.DNS, o.HTTPPort, o.NonceReject = t.TempDir(), os.Stderr, names.Address, s.serve(), 16
	if o.TLS, err = harness.NewRoot("client test"); err != nil {
		t.Fatal(err)
	}
	if s.pebble, err = pebble.Start(ctx, o); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.pebble.Stop)
	s.client = acme.NewClient(acme.Options{UserAgent: "certwright/test", Observe: s.observe})
	return s
}

func (s *site) observe(_ context.Context, c acme.Call) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[fmt.Sprintf("%s %d", c.Action, c.Status)]++
}

// serve answers HTTP-01 and returns its port.
func (s *site) serve() int {
	s.t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		s.t.Fatal(err)
	}
	server := &http.Server{ReadHeaderTimeout: time.Minute, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.mu.Lock()
		proof, ok := s.proofs[r.URL.Path]
		s.mu.Unlock()
		if !ok {
			http.NotFound(w, r)
			return
		}
		_, _ = io.WriteString(w, proof) // who has gone needs no answer
	})}
	go func() { _ = server.Serve(listener) }() // until it is closed
	s.t.Cleanup(func() { _ = server.Close() })
	return listener.Addr().(*net.TCPAddr).Port
}

func (s *site) directory() acme.Directory {
	return acme.Directory{URL: s.pebble.Directory(), CABundle: s.pebble.CABundle}
}

// account registers one.
func (s *site) account(key crypto.Signer, b *acme.Binding) acme.Account {
	s.t.Helper()
	a := acme.Account{Directory: s.directory(), Key: key}
	r, err := s.client.Register(s.t.Context(), a, acme.Registration{Email: "ops@example.com", Binding: b})
	if err != nil {
		s.t.Fatal(err)
	}
	if !r.New || r.URL == "" {
		s.t.Errorf("registered %+v, want a new account", r)
	}
	a.URL = r.URL
	return a
}

// until looks again until done, as a handler does by its Results.
func until[T any](t *testing.T, look func() (T, error), done func(T) bool) T {
	t.Helper()
	end := time.After(time.Minute)
	for {
		got, err := look()
		if err != nil {
			t.Fatal(err)
		}
		if done(got) {
			return got
		}
		select {
		case <-end:
			t.Fatalf("not done: %+v", got)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// prove has all names of an order validated, with or without the proofs.
func (s *site) prove(a acme.Account, o acme.Order, shown bool) acme.Order {
	s.t.Helper()
	for _, url := range o.Authorizations {
		auth, err := s.client.Authorization(s.t.Context(), a, url)
		if err != nil {
			s.t.Fatal(err)
		}
		i := slices.IndexFunc(auth.Challenges, func(c acme.Challenge) bool { return c.Type == "http-01" })
		if auth.State == acme.Valid || i < 0 {
			continue
		}
		ch := auth.Challenges[i]
		text, err := a.KeyAuthorization(ch.Token)
		if err != nil {
			s.t.Fatal(err)
		}
		if shown {
			s.mu.Lock()
			s.proofs["/.well-known/acme-challenge/"+ch.Token] = text
			s.mu.Unlock()
		}
		if _, err := s.client.Accept(s.t.Context(), a, ch.URL); err != nil {
			s.t.Fatal(err)
		}
	}
	return until(s.t, func() (acme.Order, error) { return s.client.Order(s.t.Context(), a, o.URL) },
		func(o acme.Order) bool { return o.State != acme.Pending })
}

// issue gets a certificate, and returns its chain as it came.
func (s *site) issue(a acme.Account, wanted acme.NewOrder, preferred string) []byte {
	s.t.Helper()
	o, err := s.client.NewOrder(s.t.Context(), a, wanted)
	if err != nil {
		s.t.Fatal(err)
	}
	if o = s.prove(a, o, true); o.State != acme.Ready {
		s.t.Fatalf("the order is %+v", o)
	}
	if _, err := s.client.Finalize(s.t.Context(), a, o, csr(s.t, wanted.Identifiers)); err != nil {
		s.t.Fatal(err)
	}
	o = until(s.t, func() (acme.Order, error) { return s.client.Order(s.t.Context(), a, o.URL) },
		func(o acme.Order) bool { return o.State == acme.Valid })
	chain, err := s.client.Certificate(s.t.Context(), a, o.CertificateURL, preferred)
	if err != nil {
		s.t.Fatal(err)
	}
	return chain
}

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

func csr(t *testing.T, ids []acme.Identifier) []byte {
	t.Helper()
	r := &x509.CertificateRequest{}
	for _, id := range ids {
		if id.Type == "ip" {
			r.IPAddresses = append(r.IPAddresses, net.ParseIP(id.Value))
		} else {
			r.DNSNames = append(r.DNSNames, id.Value)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, r, ecKey(t, elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func leaf(t *testing.T, chain []byte) *x509.Certificate {
	t.Helper()
	block, _ := pem.Decode(chain)
	cert, err := x509.ParseCertificate(block.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

func dns(names ...string) (ids []acme.Identifier) {
	for _, n := range names {
		ids = append(ids, acme.Identifier{Type: "dns", Value: n})
	}
	return ids
}

// classed compares an error's class and type.
func classed(t *testing.T, err error, class acme.Class, kind string) *acme.Error {
	t.Helper()
	var e *acme.Error
	if !errors.As(err, &e) || e.Class != class || e.Type != kind {
		t.Fatalf("got %+v, want class %d, type %q", err, class, kind)
	}
	return e
}

// Every kind of account key gets a certificate, whose chain holds to the root,
// and can revoke it.
func TestIssuance(t *testing.T) {
	s := newSite(t, pebble.Options{AlternateRoots: 1, Profiles: map[string]time.Duration{"default": 90 * 24 * time.Hour, "short": 6 * 24 * time.Hour}})
	rsaKey, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	for name, key := range map[string]crypto.Signer{"rsa": rsaKey, "p256": ecKey(t, elliptic.P256()), "p384": ecKey(t, elliptic.P384()), "p521": ecKey(t, elliptic.P521())} {
		a := s.account(key, nil)
		wanted := acme.NewOrder{Identifiers: append(dns(name+".http.test", "www."+name+".http.test"), acme.Identifier{Type: "ip", Value: "127.0.0.1"}), Profile: "short"}
		chain := s.issue(a, wanted, "")
		cert := leaf(t, chain)
		root, err := s.pebble.Root(t.Context(), 0)
		if err != nil {
			t.Fatal(err)
		}
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(root)
		between.AppendCertsFromPEM(chain)
		if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: "www." + name + ".http.test"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if life := cert.NotAfter.Sub(cert.NotBefore); life > 7*24*time.Hour || len(cert.IPAddresses) != 1 {
			t.Errorf("%s: a certificate for %v, addresses %v, want the short profile and an address", name, life, cert.IPAddresses)
		}
		if err := s.client.Revoke(t.Context(), a, cert.Raw, 4); err != nil {
			t.Fatal(err)
		}
		if revoked, err := s.pebble.Revoked(t.Context(), cert); err != nil || !revoked {
			t.Errorf("%s: revoked %t, %v", name, revoked, err)
		}
		classed(t, s.client.Revoke(t.Context(), a, cert.Raw, 4), acme.Refused, "alreadyRevoked")
	}
}

func TestChains(t *testing.T) {
	s := newSite(t, pebble.Options{AlternateRoots: 1})
	a := s.account(ecKey(t, elliptic.P256()), nil)
	for number := range 2 {
		root, err := s.pebble.Root(t.Context(), number)
		if err != nil {
			t.Fatal(err)
		}
		chain := s.issue(a, acme.NewOrder{Identifiers: dns("a.http.test")}, root.Subject.CommonName)
		roots, between := x509.NewCertPool(), x509.NewCertPool()
		roots.AddCert(root)
		between.AppendCertsFromPEM(chain)
		if _, err := leaf(t, chain).Verify(x509.VerifyOptions{Roots: roots, Intermediates: between}); err != nil {
			t.Errorf("the chain asked for by %q: %v", root.Subject.CommonName, err)
		}
	}
	if len(s.issue(a, acme.NewOrder{Identifiers: dns("a.http.test")}, "No Such Root")) == 0 {
		t.Error("without the chain preferred there is none")
	}
}

func TestAccounts(t *testing.T) {
	s := newSite(t, pebble.Options{})
	key := ecKey(t, elliptic.P256())
	_, err := s.client.Find(t.Context(), acme.Account{Directory: s.directory(), Key: key})
	classed(t, err, acme.NoAccount, "accountDoesNotExist")
	a := s.account(key, nil)
	again, err := s.client.Register(t.Context(), acme.Account{Directory: s.directory(), Key: key}, acme.Registration{})
	if err != nil || again.New || again.URL != a.URL {
		t.Errorf("registered again: %+v, %v", again, err)
	}
	for _, email := range []string{"new@example.com", ""} {
		if err := s.client.UpdateEmail(t.Context(), a, email); err != nil {
			t.Errorf("address %q: %v", email, err)
		}
	}
	var placed []string
	for i := range 5 {
		o, err := s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns(fmt.Sprintf("n%d.http.test", i))})
		if err != nil {
			t.Fatal(err)
		}
		placed = append(placed, o.URL)
	}
	listed, err := s.client.Orders(t.Context(), a)
	slices.Sort(placed)
	slices.Sort(listed)
	if err != nil || !slices.Equal(placed, listed) {
		t.Errorf("listed %q, %v, want %q", listed, err, placed)
	}

	// The server forgets everything.
	if err := s.pebble.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, func() (error, error) {
		_, err := s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.http.test")})
		return err, nil
	}, func(err error) bool {
		var e *acme.Error
		return errors.As(err, &e) && e.Class == acme.NoAccount
	})
	if why, lost := s.client.Lost(a); !lost || why == "" {
		t.Error("nobody would notice that the account is lost")
	}
	fresh := s.account(key, nil)
	s.issue(fresh, acme.NewOrder{Identifiers: dns("a.http.test")}, "")
}

func TestBinding(t *testing.T) {
	const mac = "zWNDZM6eQGHWpSRTPal5eIUYFTu7EajVIoguysqZ9wG44nMEtx3MUAsUDkMTQ12W"
	s := newSite(t, pebble.Options{Keys: map[string]string{"kid-1": mac}})
	_, err := s.client.Register(t.Context(), acme.Account{Directory: s.directory(), Key: ecKey(t, elliptic.P256())}, acme.Registration{})
	classed(t, err, acme.Refused, "externalAccountRequired")
	wrong := &acme.Binding{KeyID: "kid-1", Key: strings.Repeat("A", 40)}
	_, err = s.client.Register(t.Context(), acme.Account{Directory: s.directory(), Key: ecKey(t, elliptic.P256())}, acme.Registration{Binding: wrong})
	if e := classed(t, err, acme.Refused, "unauthorized"); strings.Contains(e.Error(), wrong.Key) {
		t.Errorf("the key is told: %v", e)
	}
	s.account(ecKey(t, elliptic.P256()), &acme.Binding{KeyID: "kid-1", Key: mac + "\n"})
}

func TestRefusals(t *testing.T) {
	s := newSite(t, pebble.Options{Blocked: []string{"blocked.http.test"}})
	a := s.account(ecKey(t, elliptic.P256()), nil)
	_, err := s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("blocked.http.test")})
	classed(t, err, acme.Refused, "rejectedIdentifier")
	_, err = s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.http.test"), Profile: "unknown"})
	classed(t, err, acme.Refused, "invalidProfile")
	_, err = s.client.Order(t.Context(), a, "https://"+s.pebble.Address+"/my-order/none")
	classed(t, err, acme.Gone, "")

	o, err := s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.http.test")})
	if err != nil {
		t.Fatal(err)
	}
	_, err = s.client.Finalize(t.Context(), a, o, csr(t, dns("a.http.test")))
	classed(t, err, acme.Transient, "orderNotReady")
	o = s.prove(a, o, false)
	if o.State != acme.Invalid {
		t.Fatalf("the order is %s without a proof", o.State)
	}
	auth, err := s.client.Authorization(t.Context(), a, o.Authorizations[0])
	if err != nil || auth.State != acme.Invalid {
		t.Fatalf("got %+v, %v", auth, err)
	}
	i := slices.IndexFunc(auth.Challenges, func(c acme.Challenge) bool { return c.Problem != nil })
	if i < 0 || auth.Challenges[i].Problem.Class != acme.Refused || auth.Challenges[i].Problem.Type != "unauthorized" {
		t.Errorf("the challenges do not say why: %+v", auth.Challenges)
	}

	other, err := s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("b.http.test")})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.client.Deactivate(t.Context(), a, other.Authorizations[0]); err != nil {
		t.Fatal(err)
	}
	if auth, err := s.client.Authorization(t.Context(), a, other.Authorizations[0]); err != nil || auth.State != acme.Deactivated {
		t.Errorf("got %+v, %v", auth, err)
	}
}

func TestRenewalInfo(t *testing.T) {
	s := newSite(t, pebble.Options{})
	a := s.account(ecKey(t, elliptic.P256()), nil)
	chain := s.issue(a, acme.NewOrder{Identifiers: dns("a.http.test")}, "")
	first := leaf(t, chain)
	info, err := s.client.RenewalInfo(t.Context(), s.directory(), first.Raw)
	if err != nil || !info.Start.After(first.NotBefore) || !info.End.Before(first.NotAfter) || info.RetryAfter == 0 {
		t.Errorf("got %+v, %v", info, err)
	}
	start := time.Now().Add(time.Hour).Truncate(time.Second).UTC()
	if err := s.pebble.SuggestRenewal(t.Context(), chain, start, start.Add(time.Hour), "https://example.com/why"); err != nil {
		t.Fatal(err)
	}
	info, err = s.client.RenewalInfo(t.Context(), s.directory(), first.Raw)
	if err != nil || !info.Start.Equal(start) || info.ExplanationURL != "https://example.com/why" {
		t.Errorf("got %+v, %v", info, err)
	}
	id, err := acme.CertID(first)
	if err != nil {
		t.Fatal(err)
	}
	s.issue(a, acme.NewOrder{Identifiers: dns("a.http.test"), Replaces: id}, "")
	_, err = s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.http.test"), Replaces: id})
	classed(t, err, acme.Refused, "alreadyReplaced")
}

// A server that goes away and comes back costs no more than waiting.
func TestServerAway(t *testing.T) {
	s := newSite(t, pebble.Options{})
	a := s.account(ecKey(t, elliptic.P256()), nil)
	s.pebble.Stop()
	_, err := s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.http.test")})
	first := classed(t, err, acme.Transient, "")
	_, err = s.client.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.http.test")})
	if second := classed(t, err, acme.Transient, ""); second.Error() != first.Error() {
		t.Errorf("first %q, then %q", first, second)
	}
	if strings.Contains(first.Error(), "->") {
		t.Errorf("the text changes from time to time: %v", first)
	}
	if err := s.pebble.Restart(t.Context()); err != nil {
		t.Fatal(err)
	}
	until(t, func() (acme.Registered, error) {
		r, err := s.client.Register(t.Context(), acme.Account{Directory: s.directory(), Key: a.Key}, acme.Registration{})
		if err != nil {
			classed(t, err, acme.Transient, "")
		}
		return r, nil
	}, func(r acme.Registered) bool { return r.URL != "" })

	untrusting := acme.NewClient(acme.Options{})
	_, err = untrusting.Register(t.Context(), acme.Account{Directory: acme.Directory{URL: s.pebble.Directory()}, Key: a.Key}, acme.Registration{})
	if e := classed(t, err, acme.Transient, ""); !strings.HasPrefix(e.Error(), "spec.acme.caBundle: ") {
		t.Errorf("got %v", e)
	}
	skipping := acme.Account{Directory: acme.Directory{URL: s.pebble.Directory(), SkipTLSVerify: true}, Key: a.Key}
	if _, err = untrusting.Register(t.Context(), skipping, acme.Registration{}); err != nil {
		t.Error(err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.calls["new_account 201"] != 2 || s.calls["get_directory 200"] == 0 {
		t.Errorf("metered: %v", s.calls)
	}
}
