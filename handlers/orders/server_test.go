package orders_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/internal/acme"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// server is an ACME server of one account: orders with an authorization for
// each name, which hold what the test makes of them.
type server struct {
	t      *testing.T
	ca     handlertest.Authority
	orders map[string]*acme.Order
	auths  map[string]*acme.Authorization
	asked  map[string]acme.NewOrder // what each order was made of
	csrs   map[string][]byte

	calls []string           // in order, as in "newOrder web.example.com"
	fails map[string][]error // the answers to the next calls of a verb, nil for a good one

	lists    bool // serves the account's list of orders
	reuses   bool // gives a pending order for the same names again
	proved   bool // authorizations are valid already
	slow     bool // a finalized order is processing
	otherKey bool // certifies another key than that of the CSR
	chain    string
	made     int
}

func newServer(t *testing.T) *server {
	return &server{t: t, ca: handlertest.NewAuthority(t, "ACME CA"), orders: map[string]*acme.Order{}, auths: map[string]*acme.Authorization{},
		asked: map[string]acme.NewOrder{}, csrs: map[string][]byte{}, fails: map[string][]error{}}
}

var accountKey = func() *ecdsa.PrivateKey {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		panic(err)
	}
	return key
}()

// Of is the account of any issuer.
func (s *server) Of(context.Context, cmapi.GenericIssuer) (acme.Account, error) {
	return acme.Account{URL: "https://acme.example/account", Key: accountKey}, s.failing("account")
}

// call records a call, and gives the fault set up for it.
func (s *server) call(verb, about string) error {
	s.calls = append(s.calls, strings.TrimSpace(verb+" "+about))
	return s.failing(verb)
}

func (s *server) failing(verb string) error {
	left := s.fails[verb]
	if len(left) == 0 {
		return nil
	}
	s.fails[verb] = left[1:]
	return left[0]
}

func (s *server) NewOrder(_ context.Context, _ acme.Account, o acme.NewOrder) (acme.Order, error) {
	var names []string
	for _, i := range o.Identifiers {
		names = append(names, i.Value)
	}
	about := strings.Join(names, ",")
	if o.Replaces != "" {
		about += " replaces " + o.Replaces
	}
	if err := s.call("newOrder", about); err != nil {
		return acme.Order{}, err
	}
	for _, known := range s.orders {
		if s.reuses && known.State == acme.Pending && strings.Join(namesOf(known), ",") == strings.Join(names, ",") {
			return *known, nil
		}
	}
	return s.make(o), nil
}

func namesOf(o *acme.Order) (names []string) {
	for _, i := range o.Identifiers {
		names = append(names, i.Value)
	}
	return names
}

func (s *server) make(o acme.NewOrder) acme.Order {
	s.made++
	url := fmt.Sprintf("https://acme.example/order/%d", s.made)
	made := &acme.Order{URL: url, FinalizeURL: url + "/finalize", State: acme.Pending, Identifiers: o.Identifiers, Expires: handlertest.Now.Add(7 * 24 * time.Hour)}
	for i, id := range o.Identifiers {
		a := &acme.Authorization{URL: fmt.Sprintf("https://acme.example/authz/%d-%d", s.made, i), Identifier: id, State: acme.Pending}
		if name, ok := strings.CutPrefix(id.Value, "*."); ok {
			a.Identifier.Value, a.Wildcard = name, true
		}
		if s.proved {
			a.State = acme.Valid
		}
		for _, kind := range []string{"http-01", "dns-01", "tls-alpn-01"} {
			a.Challenges = append(a.Challenges, acme.Challenge{URL: a.URL + "/" + kind, Type: kind, Token: fmt.Sprintf("token-%d-%d-%s", s.made, i, kind), State: a.State})
		}
		s.auths[a.URL] = a
		made.Authorizations = append(made.Authorizations, a.URL)
	}
	if s.proved {
		made.State = acme.Ready
	}
	s.orders[url], s.asked[url] = made, o
	return *made
}

func (s *server) Order(_ context.Context, _ acme.Account, url string) (acme.Order, error) {
	if err := s.call("order", short(url)); err != nil {
		return acme.Order{}, err
	}
	o := s.orders[url]
	if o == nil {
		return acme.Order{}, &acme.Error{Class: acme.Gone, Status: 404, Detail: "no such order"}
	}
	got := *o
	if o.State == acme.Processing {
		o.State, o.CertificateURL = acme.Valid, url+"/certificate"
	}
	return got, nil
}

func (s *server) Orders(context.Context, acme.Account) ([]string, error) {
	if err := s.call("orders", ""); err != nil || !s.lists {
		return nil, err
	}
	var urls []string
	for i := 1; i <= s.made; i++ {
		if url := fmt.Sprintf("https://acme.example/order/%d", i); s.orders[url] != nil {
			urls = append(urls, url)
		}
	}
	return urls, nil
}

func (s *server) Authorization(_ context.Context, _ acme.Account, url string) (acme.Authorization, error) {
	if err := s.call("authz", short(url)); err != nil {
		return acme.Authorization{}, err
	}
	a := s.auths[url]
	if a == nil {
		return acme.Authorization{}, &acme.Error{Class: acme.Gone, Status: 404, Detail: "no such authorization"}
	}
	return *a, nil
}

func (s *server) Deactivate(_ context.Context, _ acme.Account, url string) error {
	if err := s.call("deactivate", short(url)); err != nil {
		return err
	}
	s.auths[url].State = acme.Deactivated
	return nil
}

func (s *server) Finalize(_ context.Context, _ acme.Account, o acme.Order, csr []byte) (acme.Order, error) {
	if err := s.call("finalize", short(o.URL)); err != nil {
		return acme.Order{}, err
	}
	known := s.orders[o.URL]
	if known.State != acme.Ready {
		return acme.Order{}, &acme.Error{Class: acme.Refused, Type: "orderNotReady", Status: 403}
	}
	s.csrs[o.URL] = csr
	known.State, known.CertificateURL = acme.Valid, o.URL+"/certificate"
	if s.slow {
		known.State, known.CertificateURL, known.RetryAfter = acme.Processing, "", 3*time.Second
	}
	return *known, nil
}

func (s *server) Certificate(_ context.Context, _ acme.Account, url, chain string) ([]byte, error) {
	s.chain = chain
	if err := s.call("certificate", short(url)); err != nil {
		return nil, err
	}
	csr, err := x509.ParseCertificateRequest(s.csrs[strings.TrimSuffix(url, "/certificate")])
	if err != nil {
		s.t.Fatal(err)
	}
	public := csr.PublicKey
	if s.otherKey {
		public = handlertest.NewKey(s.t).Public()
	}
	return s.ca.Issue(s.t, public, func(c *x509.Certificate) { c.DNSNames, c.IPAddresses = csr.DNSNames, csr.IPAddresses }), nil
}

// prove makes all authorizations of an order valid, and the order ready.
func (s *server) prove() {
	for _, a := range s.auths {
		a.State = acme.Valid
	}
	for _, o := range s.orders {
		if o.State == acme.Pending {
			o.State = acme.Ready
		}
	}
}

func short(url string) string { return strings.TrimPrefix(url, "https://acme.example/") }
