package acme

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"

	"github.com/mholt/acmez/v3/acme"
)

// Registration is what a new account is registered with.
type Registration struct {
	// Email is the contact; empty: none.
	Email string
	// Binding ties the account to one that the CA knows already; nil: none.
	Binding *Binding
}

// Binding is an external account binding (RFC 8555, section 7.3.4), by HS256.
type Binding struct {
	KeyID string
	// Key is the CA's key for the HMAC, in base64: in the URL's alphabet or the
	// standard one, padded or not.
	Key string
}

// Registered is an account as its server knows it.
type Registered struct {
	URL string
	// Emails are the contacts as the server tells them; some tell none.
	Emails []string
	// New is false when the account was there already.
	New bool
}

// Register makes the account for a key, and agrees to the terms of service as
// whoever made the Issuer does; one that exists already is found (RFC 8555,
// section 7.3), and its contact stays as it is.
func (c *Client) Register(ctx context.Context, a Account, r Registration) (Registered, error) {
	binding, err := r.Binding.normal()
	if err != nil {
		return Registered{}, err
	}
	said, err := c.ask(ctx, a, actionNewAccount, func(ctx context.Context, k *known, as acme.Account) error {
		as.Location, as.TermsOfServiceAgreed, as.Contact = "", true, contacts(r.Email)
		if binding != nil {
			if err := as.SetExternalAccountBinding(ctx, k.plumbing, *binding); err != nil {
				return err
			}
		}
		_, err := k.plumbing.NewAccount(ctx, as)
		return err
	})
	if err != nil {
		return Registered{}, err
	}
	made, err := registered(said)
	if err == nil {
		c.lost.remove(made.URL)
	}
	return made, err
}

// Find looks for the account of a key without making one. Errors: Class
// NoAccount when there is none.
func (c *Client) Find(ctx context.Context, a Account) (string, error) {
	said, err := c.find(ctx, a)
	if err != nil {
		return "", err
	}
	found, err := registered(said)
	return found.URL, err
}

func (c *Client) find(ctx context.Context, a Account) (*answer, error) {
	return c.ask(ctx, a, actionNewAccount, func(ctx context.Context, k *known, as acme.Account) error {
		as.Location = ""
		_, err := k.plumbing.GetAccount(ctx, as)
		return err
	})
}

// UpdateEmail sets the account's contact; an empty one removes it.
func (c *Client) UpdateEmail(ctx context.Context, a Account, email string) error {
	_, err := c.post(ctx, a, actionAccount, a.URL, struct {
		Contact []string `json:"contact"`
	}{contacts(email)})
	return err
}

// Orders lists the URLs of the account's orders (RFC 8555, section 7.1.2.1);
// none where the server does not serve the list.
func (c *Client) Orders(ctx context.Context, a Account) ([]string, error) {
	said, err := c.find(ctx, a)
	if err != nil {
		return nil, err
	}
	var about acme.Account
	if err := said.decode(&about); err != nil || about.Orders == "" {
		return nil, err
	}
	const mostPages = 100 // no server leads us in a circle
	var all []string
	next := said.resolve(about.Orders)
	for range mostPages {
		page, err := c.fetch(ctx, a, actionOrders, next)
		if err != nil {
			return nil, err
		}
		var list struct {
			Orders []string `json:"orders"`
		}
		if err := page.decode(&list); err != nil {
			return nil, err
		}
		all, next = append(all, list.Orders...), page.link("next")
		if next == "" {
			break
		}
	}
	return all, nil
}

func registered(said *answer) (Registered, error) {
	var about acme.Account
	if err := said.decode(&about); err != nil {
		return Registered{}, err
	}
	r := Registered{URL: said.location(), New: said.status == http.StatusCreated}
	if r.URL == "" {
		return r, &Error{Class: Transient, Status: said.status, Detail: "the ACME server does not tell the URL of the account"}
	}
	if about.Status != "" && about.Status != acme.StatusValid {
		return r, &Error{Class: NoAccount, Status: http.StatusUnauthorized, Detail: fmt.Sprintf("the ACME account is %s", clip(about.Status))}
	}
	for _, contact := range about.Contact {
		if email, ok := strings.CutPrefix(contact, "mailto:"); ok {
			r.Emails = append(r.Emails, email)
		}
	}
	return r, nil
}

func contacts(email string) []string {
	if email == "" {
		return []string{}
	}
	return []string{"mailto:" + email}
}

// normal reads the key in whichever base64 the CA's web page gave it.
func (b *Binding) normal() (*acme.EAB, error) {
	if b == nil {
		return nil, nil
	}
	key := strings.TrimRight(strings.Join(strings.Fields(b.Key), ""), "=")
	key = strings.NewReplacer("+", "-", "/", "_").Replace(key)
	if _, err := base64.RawURLEncoding.DecodeString(key); err != nil || key == "" {
		return nil, &Error{Class: Refused, Detail: "spec.acme.externalAccountBinding.keySecretRef: the key is not base64: store the HMAC key exactly as the CA gave it"}
	}
	return &acme.EAB{KeyID: b.KeyID, MACKey: key}, nil
}

// KeyAuthorization is what is served for an HTTP-01 token (RFC 8555, section 8.1).
func (a Account) KeyAuthorization(token string) (string, error) {
	if a.Key == nil {
		return "", &Error{Class: NoAccount, Detail: "the ACME account has no key"}
	}
	thumbprint, err := (&acme.Account{PrivateKey: a.Key}).Thumbprint()
	if err != nil {
		return "", fmt.Errorf("thumbprint of the ACME account's key: %w", err)
	}
	return token + "." + thumbprint, nil
}

// DNSRecord is the TXT value for a DNS-01 token (RFC 8555, section 8.4).
func (a Account) DNSRecord(token string) (string, error) {
	authorization, err := a.KeyAuthorization(token)
	if err != nil {
		return "", err
	}
	digest := sha256.Sum256([]byte(authorization))
	return base64.RawURLEncoding.EncodeToString(digest[:]), nil
}
