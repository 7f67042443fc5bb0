package acme_test

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"net"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
)

var rsaKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

func ecKey(t *testing.T, curve elliptic.Curve) crypto.Signer {
	t.Helper()
	key, err := ecdsa.GenerateKey(curve, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// account registers one at a server.
func account(t *testing.T, c *acme.Client, s *acmetest.Server, key crypto.Signer) acme.Account {
	t.Helper()
	a := acme.Account{Directory: s.Directory(), Key: key}
	r, err := c.Register(t.Context(), a, acme.Registration{Email: "ops@example.com"})
	if err != nil {
		t.Fatal(err)
	}
	a.URL = r.URL
	return a
}

func client(s *acmetest.Server) *acme.Client {
	return acme.NewClient(acme.Options{UserAgent: "certwright/test", Transport: s.Transport()})
}

// prove places an order and has all its names validated.
func prove(t *testing.T, c *acme.Client, a acme.Account, o acme.NewOrder) acme.Order {
	t.Helper()
	placed, err := c.NewOrder(t.Context(), a, o)
	if err != nil {
		t.Fatal(err)
	}
	for _, url := range placed.Authorizations {
		auth, err := c.Authorization(t.Context(), a, url)
		if err != nil {
			t.Fatal(err)
		}
		if auth.State == acme.Valid {
			continue
		}
		if ch, err := c.Accept(t.Context(), a, auth.Challenges[0].URL); err != nil || ch.State != acme.Valid {
			t.Fatalf("challenge %+v, %v", ch, err)
		}
	}
	placed, err = c.Order(t.Context(), a, placed.URL)
	if err != nil || placed.State != acme.Ready {
		t.Fatalf("order %+v, %v, want it ready", placed, err)
	}
	return placed
}

func request(t *testing.T, names ...string) []byte {
	t.Helper()
	r := &x509.CertificateRequest{}
	for _, n := range names {
		if ip := net.ParseIP(n); ip != nil {
			r.IPAddresses = append(r.IPAddresses, ip)
		} else {
			r.DNSNames = append(r.DNSNames, n)
		}
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, r, ecKey(t, elliptic.P256()))
	if err != nil {
		t.Fatal(err)
	}
	return der
}

func dns(names ...string) (ids []acme.Identifier) {
	for _, n := range names {
		ids = append(ids, acme.Identifier{Type: "dns", Value: n})
	}
	return ids
}

func parse(t *testing.T, chain []byte) (certs []*x509.Certificate) {
	t.Helper()
	for {
		var block *pem.Block
		if block, chain = pem.Decode(chain); block == nil {
			return certs
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			t.Fatal(err)
		}
		certs = append(certs, cert)
	}
}

// The whole way to a certificate and to its revocation, with every kind of key.
func TestIssuance(t *testing.T) {
	t.Parallel()
	for name, key := range map[string]crypto.Signer{
		"RSA": rsaKey(), "P-256": ecKey(t, elliptic.P256()), "P-384": ecKey(t, elliptic.P384()), "P-521": ecKey(t, elliptic.P521()),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := acmetest.New(t, acmetest.Options{Processing: 2, Validate: func(p acmetest.Proof) error {
				if p.Wildcard != (p.Identifier.Value == "b.test") {
					return errors.New("the wildcard is another name")
				}
				return nil
			}})
			c := client(s)
			a := account(t, c, s, key)
			ids := append(dns("a.test", "*.b.test"), acme.Identifier{Type: "ip", Value: "192.0.2.7"})
			ready := prove(t, c, a, acme.NewOrder{Identifiers: ids})
			o, err := c.Finalize(t.Context(), a, ready, request(t, "a.test", "*.b.test", "192.0.2.7"))
			if err != nil || o.State != acme.Processing || o.URL != ready.URL || o.RetryAfter != 3*time.Second {
				t.Fatalf("finalized %+v, %v, want it processing for 3s", o, err)
			}
			for range 2 {
				if o, err = c.Order(t.Context(), a, o.URL); err != nil {
					t.Fatal(err)
				}
			}
			chain, err := c.Certificate(t.Context(), a, o.CertificateURL, "")
			if err != nil {
				t.Fatal(err)
			}
			certs := parse(t, chain)
			if len(certs) != 2 || certs[1].Issuer.CommonName != acmetest.Root || !slices.Contains(certs[0].DNSNames, "*.b.test") {
				t.Errorf("got a chain of %d certificates, want leaf and intermediate of %s", len(certs), acmetest.Root)
			}
			if err := c.Revoke(t.Context(), a, certs[0].Raw, 4); err != nil {
				t.Fatal(err)
			}
			if reason, ok := s.Revoked(certs[0].Raw); !ok || reason != 4 {
				t.Errorf("revoked %t for reason %d, want 4", ok, reason)
			}
			want(t, c.Revoke(t.Context(), a, certs[0].Raw, 4), acme.Error{Class: acme.Refused, Type: "alreadyRevoked", Status: 400, Detail: "it is revoked already"})
			if n := s.Calls("get_order"); n != 3 {
				t.Errorf("the order was looked at %d times, want 3: nothing waits inside a call", n)
			}
		})
	}
}

// want compares all of an error but its cause.
func want(t *testing.T, err error, w acme.Error) {
	t.Helper()
	var e *acme.Error
	if !errors.As(err, &e) {
		t.Fatalf("got %v, want an *acme.Error", err)
	}
	got := *e
	got.Err = nil
	if got != w {
		t.Errorf("got %+v\nwant %+v", got, w)
	}
}

func TestChains(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	c := client(s)
	a := account(t, c, s, ecKey(t, elliptic.P256()))
	o, err := c.Finalize(t.Context(), a, prove(t, c, a, acme.NewOrder{Identifiers: dns("a.test")}), request(t, "a.test"))
	if err != nil {
		t.Fatal(err)
	}
	for preferred, want := range map[string]string{
		"": acmetest.Root, acmetest.Root: acmetest.Root, acmetest.AlternateRoot: acmetest.AlternateRoot, "Unknown Root": acmetest.Root,
	} {
		chain, err := c.Certificate(t.Context(), a, o.CertificateURL, preferred)
		if err != nil {
			t.Fatal(err)
		}
		// One of the alternates is broken, and one has its root in it.
		certs := parse(t, chain)
		if len(certs) != 2 || certs[1].Issuer.CommonName != want {
			t.Errorf("preferred %q: %d certificates up to %q, want 2 up to %q", preferred, len(certs), certs[len(certs)-1].Issuer.CommonName, want)
		}
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(s.Roots())
		between := x509.NewCertPool()
		between.AddCert(certs[1])
		if _, err := certs[0].Verify(x509.VerifyOptions{Roots: roots, Intermediates: between, DNSName: "a.test"}); err != nil {
			t.Errorf("preferred %q: %v", preferred, err)
		}
	}
	s.Fail("get_certificate", 1, acmetest.Problem{Status: 200, Body: "<html>"})
	if _, err := c.Certificate(t.Context(), a, o.CertificateURL, ""); err == nil || !strings.HasPrefix(err.Error(), "the chain that the ACME server serves cannot be used: ") {
		t.Errorf("a page for a chain: got %v", err)
	}
}

func TestProfiles(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{Profiles: map[string]string{"short": "six days", "classic": "as always"}})
	c := client(s)
	a := account(t, c, s, ecKey(t, elliptic.P256()))
	if p, err := c.Profiles(t.Context(), s.Directory()); err != nil || p["short"] != "six days" || len(p) != 2 {
		t.Errorf("got %v, %v", p, err)
	}
	if _, err := c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test"), Profile: "short"}); err != nil {
		t.Error(err)
	}
	_, err := c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test"), Profile: "long"})
	want(t, err, acme.Error{Class: acme.Refused, Type: "invalidProfile", Detail: `spec.acme.profile: the ACME server does not offer "long": use one of classic, short`})
	plain := acmetest.New(t, acmetest.Options{})
	c = client(plain)
	_, err = c.NewOrder(t.Context(), account(t, c, plain, ecKey(t, elliptic.P256())), acme.NewOrder{Identifiers: dns("a.test"), Profile: "long"})
	want(t, err, acme.Error{Class: acme.Refused, Type: "invalidProfile", Detail: `spec.acme.profile: the ACME server does not offer "long": it offers none: leave the profile out`})
}

func TestRenewalInfo(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	c := client(s)
	a := account(t, c, s, ecKey(t, elliptic.P256()))
	issue := func(replaces string) *x509.Certificate {
		o, err := c.Finalize(t.Context(), a, prove(t, c, a, acme.NewOrder{Identifiers: dns("a.test"), Replaces: replaces}), request(t, "a.test"))
		if err != nil {
			t.Fatal(err)
		}
		chain, err := c.Certificate(t.Context(), a, o.CertificateURL, "")
		if err != nil {
			t.Fatal(err)
		}
		return parse(t, chain)[0]
	}
	leaf := issue("")
	info, err := c.RenewalInfo(t.Context(), s.Directory(), leaf.Raw)
	if err != nil || info.RetryAfter != 6*time.Hour || !info.End.After(info.Start) || info.ExplanationURL != "https://acme.test/why" {
		t.Errorf("got %+v, %v", info, err)
	}
	id, err := acme.CertID(leaf)
	if err != nil {
		t.Fatal(err)
	}
	issue(id)
	_, err = c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test"), Replaces: id})
	want(t, err, acme.Error{Class: acme.Refused, Type: "alreadyReplaced", Status: 409, Detail: "the certificate was replaced"})

	without := acmetest.New(t, acmetest.Options{NoRenewalInfo: true})
	c = client(without)
	_, err = c.RenewalInfo(t.Context(), without.Directory(), leaf.Raw)
	want(t, err, acme.Error{Class: acme.Gone, Detail: "the ACME server serves no renewal information"})
	if _, err := c.NewOrder(t.Context(), account(t, c, without, ecKey(t, elliptic.P256())), acme.NewOrder{Identifiers: dns("a.test"), Replaces: id}); err != nil {
		t.Errorf("a server without renewal information was told what is replaced: %v", err)
	}
}

// The example of RFC 9773, section 4.1.
func TestCertID(t *testing.T) {
	t.Parallel()
	leaf := &x509.Certificate{AuthorityKeyId: []byte{0x69, 0x88, 0x5B, 0x6B, 0x87, 0x46, 0x40, 0x41, 0xE1, 0xB3, 0x7B, 0x84, 0x7B, 0xA0, 0xAE, 0x2C, 0xDE, 0x01, 0xC8, 0xD4}}
	if id, err := acme.CertID(leaf); err == nil {
		t.Errorf("without serial number: %q", id)
	}
	leaf.SerialNumber = bigInt(0x87654321)
	if id, err := acme.CertID(leaf); err != nil || id != "aYhba4dGQEHhs3uEe6CuLN4ByNQ.AIdlQyE" {
		t.Errorf("got %q, %v", id, err)
	}
	leaf.AuthorityKeyId = nil
	if id, err := acme.CertID(leaf); err == nil {
		t.Errorf("without key identifier: %q", id)
	}
}
