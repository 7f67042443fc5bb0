package acme

import (
	"context"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/mholt/acmez/v3/acme"
)

// NewOrder places an order (RFC 8555, section 7.4). What the certificate
// replaces is told only to a server that serves renewal information (RFC 9773,
// section 5). Errors: Class Refused, Type "invalidProfile", for a profile that
// the server does not offer, before anything is asked.
func (c *Client) NewOrder(ctx context.Context, a Account, o NewOrder) (Order, error) {
	if o.Profile != "" {
		if err := c.offers(ctx, a, o.Profile); err != nil {
			return Order{}, err
		}
	}
	said, err := c.askAs(ctx, a, actionNewOrder, func(ctx context.Context, k *known, as acme.Account) error {
		asked := acme.Order{Profile: o.Profile}
		for _, id := range o.Identifiers {
			asked.Identifiers = append(asked.Identifiers, acme.Identifier{Type: id.Type, Value: id.Value})
		}
		if k.RenewalInfo != "" {
			asked.Replaces = o.Replaces
		}
		if end := o.NotAfter.UTC(); !o.NotAfter.IsZero() {
			asked.NotAfter = &end
		}
		_, err := k.plumbing.NewOrder(ctx, as, asked)
		return err
	})
	if err != nil {
		return Order{}, err
	}
	placed, err := c.order(said, said.location())
	if err == nil && placed.URL == "" {
		return Order{}, &Error{Class: Transient, Status: said.status, Detail: "the ACME server does not tell the URL of the order"}
	}
	return placed, err
}

// Order reads an order.
func (c *Client) Order(ctx context.Context, a Account, url string) (Order, error) {
	said, err := c.fetch(ctx, a, actionOrder, url)
	if err != nil {
		return Order{}, err
	}
	return c.order(said, url)
}

// Finalize sends the request for the certificate (RFC 8555, section 7.4). It
// does not wait: the order may still be Processing. Errors: Type "orderNotReady"
// when the order is not in a state for it; read it again.
func (c *Client) Finalize(ctx context.Context, a Account, o Order, csrDER []byte) (Order, error) {
	said, err := c.post(ctx, a, actionFinalize, o.FinalizeURL, struct {
		CSR string `json:"csr"`
	}{base64.RawURLEncoding.EncodeToString(csrDER)})
	if err != nil {
		return Order{}, err
	}
	return c.order(said, o.URL)
}

// Profiles are those that a server offers, with their descriptions; none where
// it has no profiles.
func (c *Client) Profiles(ctx context.Context, d Directory) (map[string]string, error) {
	k, err := c.look(ctx, Account{Directory: d}, false)
	if err != nil || k.Meta == nil {
		return nil, err
	}
	return maps.Clone(k.Meta.Profiles), nil
}

// look reads the directory of an account's server, anew when that is asked for.
func (c *Client) look(ctx context.Context, a Account, anew bool) (*known, error) {
	if p, ok := c.pauses.of(a.ID(), c.options.Now()); ok {
		return nil, p.held(c.options.Now())
	}
	s, err := c.server(a.Directory)
	if err != nil {
		return nil, err
	}
	age := directoryAge
	if anew {
		age = 0
	}
	k, err := s.look(ctx, age)
	return k, c.heed(a, err)
}

// offers refuses a profile that is not in the directory, also when that was
// read a moment ago.
func (c *Client) offers(ctx context.Context, a Account, profile string) error {
	var known []string
	for _, anew := range []bool{false, true} {
		k, err := c.look(ctx, a, anew)
		if err != nil {
			return err
		}
		known = nil
		if k.Meta != nil {
			known = slices.Sorted(maps.Keys(k.Meta.Profiles))
		}
		if slices.Contains(known, profile) {
			return nil
		}
	}
	remedy := "it offers none: leave the profile out"
	if len(known) > 0 {
		remedy = "use one of " + strings.Join(known, ", ")
	}
	return &Error{Class: Refused, Type: "invalidProfile", Detail: clip(fmt.Sprintf(
		"spec.acme.profile: the ACME server does not offer %q: %s", profile, remedy))}
}

// order reads what an answer says of an order.
func (c *Client) order(said *answer, url string) (Order, error) {
	var w struct {
		acme.Order
		Error *problem `json:"error"`
	}
	if err := said.decode(&w); err != nil {
		return Order{}, err
	}
	o := Order{
		URL: url, FinalizeURL: said.resolve(w.Finalize), CertificateURL: said.resolve(w.Certificate),
		State: State(w.Status), Authorizations: w.Authorizations, Expires: w.Expires,
		Problem: w.Error.asError(), RetryAfter: told(said.header, c.options.Now()),
	}
	for _, id := range w.Identifiers {
		o.Identifiers = append(o.Identifiers, Identifier{id.Type, id.Value})
	}
	return o, said.known("order", w.Status, Pending, Ready, Processing, Valid, Invalid)
}
