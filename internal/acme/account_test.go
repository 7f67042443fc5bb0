package acme_test

import (
	"bytes"
	"context"
	"crypto/elliptic"
	"encoding/base64"
	"slices"
	"strings"
	"testing"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/acme/acmetest"
)

func TestAccounts(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	c, key := client(s), ecKey(t, elliptic.P256())
	a := acme.Account{Directory: s.Directory(), Key: key}
	_, err := c.Find(t.Context(), a)
	want(t, err, acme.Error{Class: acme.NoAccount, Type: "accountDoesNotExist", Status: 400, Detail: "there is no account for this key"})
	_, err = c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test")})
	want(t, err, acme.Error{Class: acme.NoAccount, Detail: "the ACME account is not registered yet"})
	a = account(t, c, s, key)
	if again := account(t, c, s, key); again.URL != a.URL {
		t.Errorf("registered again as %s, was %s", again.URL, a.URL)
	}
	if url, err := c.Find(t.Context(), acme.Account{Directory: s.Directory(), Key: key}); err != nil || url != a.URL {
		t.Errorf("found %q, %v", url, err)
	}
	for email, contacts := range map[string][]string{"new@example.com": {"mailto:new@example.com"}, "": {}} {
		if err := c.UpdateEmail(t.Context(), a, email); err != nil {
			t.Fatal(err)
		}
		if got, _ := s.Contacts(a.URL); !slices.Equal(got, contacts) {
			t.Errorf("contacts %q, want %q", got, contacts)
		}
	}
	s.Close(a.URL)
	_, err = c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test")})
	want(t, err, acme.Error{Class: acme.NoAccount, Type: "unauthorized", Status: 403, Detail: "the account is not valid: it is deactivated"})
}

func TestBinding(t *testing.T) {
	t.Parallel()
	hmac := []byte{0xfb, 0xff, 0xfe, 1, 2, 3, 4}
	for name, row := range map[string]struct {
		binding *acme.Binding
		want    *acme.Error
	}{
		"url alphabet":          {&acme.Binding{KeyID: "kid", Key: base64.RawURLEncoding.EncodeToString(hmac)}, nil},
		"url alphabet, padded":  {&acme.Binding{KeyID: "kid", Key: base64.URLEncoding.EncodeToString(hmac)}, nil},
		"standard alphabet":     {&acme.Binding{KeyID: "kid", Key: base64.RawStdEncoding.EncodeToString(hmac)}, nil},
		"standard, padded, \\n": {&acme.Binding{KeyID: "kid", Key: base64.StdEncoding.EncodeToString(hmac) + "\n"}, nil},
		"none":                  {nil, &acme.Error{Class: acme.Refused, Type: "externalAccountRequired", Status: 403, Detail: "an external account is needed"}},
		"another key":           {&acme.Binding{KeyID: "kid", Key: "AAAA"}, &acme.Error{Class: acme.Refused, Type: "unauthorized", Status: 403, Detail: "the external account binding is wrong"}},
		"no base64": {&acme.Binding{KeyID: "kid", Key: "secret!"}, &acme.Error{Class: acme.Refused,
			Detail: "spec.acme.externalAccountBinding.keySecretRef: the key is not base64: store the HMAC key exactly as the CA gave it"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := acmetest.New(t, acmetest.Options{Bindings: map[string][]byte{"kid": hmac}})
			_, err := client(s).Register(t.Context(), acme.Account{Directory: s.Directory(), Key: ecKey(t, elliptic.P256())}, acme.Registration{Binding: row.binding})
			if row.want != nil {
				want(t, err, *row.want)
			} else if err != nil {
				t.Error(err)
			}
		})
	}
}

func TestOrders(t *testing.T) {
	t.Parallel()
	for _, served := range []bool{true, false} {
		s := acmetest.New(t, acmetest.Options{NoOrdersList: !served})
		c := client(s)
		a := account(t, c, s, ecKey(t, elliptic.P256()))
		var placed []string
		for range 5 {
			o, err := c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test")})
			if err != nil {
				t.Fatal(err)
			}
			placed = append(placed, o.URL)
		}
		if !served {
			placed = nil
		}
		if got, err := c.Orders(t.Context(), a); err != nil || !slices.Equal(got, placed) {
			t.Errorf("served %t: got %q, %v, want %q", served, got, err, placed)
		}
	}
}

func TestKeyAuthorization(t *testing.T) {
	t.Parallel()
	var proofs []acmetest.Proof
	s := acmetest.New(t, acmetest.Options{Validate: func(p acmetest.Proof) error { proofs = append(proofs, p); return nil }})
	c := client(s)
	a := account(t, c, s, ecKey(t, elliptic.P384()))
	prove(t, c, a, acme.NewOrder{Identifiers: dns("a.test")})
	text, err := a.KeyAuthorization(proofs[0].Token)
	if err != nil || text != proofs[0].KeyAuthorization {
		t.Errorf("got %q, %v, the server wants %q", text, err, proofs[0].KeyAuthorization)
	}
	if record, err := a.DNSRecord("token"); err != nil || len(record) != 43 || strings.ContainsAny(record, "+/=") {
		t.Errorf("got %q, %v, want the digest in base64url", record, err)
	}
}

func TestNothingOfAKeyIsTold(t *testing.T) {
	t.Parallel()
	hmac := []byte("do not tell this")
	s := acmetest.New(t, acmetest.Options{Bindings: map[string][]byte{"kid": hmac}})
	for _, key := range []string{string(hmac), base64.RawURLEncoding.EncodeToString([]byte("another secret"))} {
		_, err := client(s).Register(context.Background(), acme.Account{Directory: s.Directory(), Key: rsaKey()},
			acme.Registration{Binding: &acme.Binding{KeyID: "kid", Key: key}})
		if err == nil || bytes.Contains([]byte(err.Error()), []byte(key)) {
			t.Errorf("got %v", err)
		}
	}
}

// A challenge's failure is told in the server's words.
func TestFailedChallenge(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{Validate: func(acmetest.Proof) error {
		return acmetest.Problem{Status: 400, Type: "dns", Detail: "NXDOMAIN looking up TXT"}
	}})
	c := client(s)
	a := account(t, c, s, ecKey(t, elliptic.P256()))
	o, err := c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test")})
	if err != nil {
		t.Fatal(err)
	}
	auth, err := c.Authorization(t.Context(), a, o.Authorizations[0])
	if err != nil {
		t.Fatal(err)
	}
	ch, err := c.Accept(t.Context(), a, auth.Challenges[1].URL)
	if err != nil || ch.State != acme.Invalid {
		t.Fatalf("got %+v, %v", ch, err)
	}
	want(t, ch.Problem, acme.Error{Class: acme.Refused, Type: "dns", Status: 400, Detail: "NXDOMAIN looking up TXT"})
	if o, err = c.Order(t.Context(), a, o.URL); err != nil || o.State != acme.Invalid || o.Problem == nil {
		t.Errorf("order %+v, %v, want it invalid with its problem", o, err)
	}
	if _, err = c.Finalize(t.Context(), a, o, request(t, "a.test")); err == nil {
		t.Error("an invalid order was finalized")
	} else {
		want(t, err, acme.Error{Class: acme.Transient, Type: "orderNotReady", Status: 403, Detail: "the order is invalid"})
	}
}

func TestDeactivate(t *testing.T) {
	t.Parallel()
	s := acmetest.New(t, acmetest.Options{})
	c := client(s)
	a := account(t, c, s, ecKey(t, elliptic.P256()))
	o, err := c.NewOrder(t.Context(), a, acme.NewOrder{Identifiers: dns("a.test")})
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Deactivate(t.Context(), a, o.Authorizations[0]); err != nil {
		t.Fatal(err)
	}
	if auth, err := c.Authorization(t.Context(), a, o.Authorizations[0]); err != nil || auth.State != acme.Deactivated {
		t.Errorf("got %+v, %v", auth, err)
	}
	_, err = c.Order(t.Context(), a, o.URL+"0")
	want(t, err, acme.Error{Class: acme.Gone, Type: "malformed", Status: 404, Detail: "there is no such resource"})
}
