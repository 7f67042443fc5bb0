package acme

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// outcome says what came of an exchange; err is what acmez makes of it.
func (s *server) outcome(x *exchange, err error) *Error {
	switch {
	case x.err != nil:
		return unanswered(s.directory.URL, x.err)
	case x.last != nil && x.last.status >= 400:
		return s.refusal(x)
	case x.last != nil:
		return nil // whatever acmez thinks of its body, which is read by us
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return unanswered(s.directory.URL, err)
	default:
		return &Error{Class: Refused, Detail: clip(fmt.Sprintf("the ACME server cannot be asked: %s", stable(err))), Err: err}
	}
}

// refusal makes an Error of an answer that is one.
func (s *server) refusal(x *exchange) *Error {
	said, p := x.last, x.last.problem()
	e := &Error{Type: p.Type, Status: said.status, Detail: p.text(), RetryAfter: told(said.header, s.options.Now())}
	switch {
	case p.Type == "badNonce": // its words hold the nonce
		e.Detail, e.RetryAfter = "the ACME server refused one nonce after the other", time.Second
	case p.Type == "" && e.Detail == "":
		e.Detail = fmt.Sprintf("the ACME server answers HTTP %d (%s)", said.status, http.StatusText(said.status))
	}
	e.Class = Classify(said.status, p.Type, e.RetryAfter, e.Detail)
	return e
}

// ask makes one signed request for an account.
func (c *Client) ask(ctx context.Context, a Account, action string, do func(context.Context, *known, acme.Account) error) (*answer, error) {
	if p, ok := c.pauses.of(a.ID(), c.options.Now()); ok {
		return nil, p.held(c.options.Now())
	}
	if a.Key == nil {
		return nil, &Error{Class: NoAccount, Detail: "the ACME account has no key"}
	}
	s, err := c.server(a.Directory)
	if err != nil {
		return nil, err
	}
	k, err := s.look(ctx, directoryAge)
	if err != nil {
		return nil, c.heed(a, err)
	}
	x := &exchange{action: action, method: http.MethodPost, directoryURL: k.key, directory: k.body}
	said, err := s.exchange(ctx, x, func(ctx context.Context) error {
		return do(ctx, k, acme.Account{Location: a.URL, PrivateKey: a.Key})
	})
	return said, c.heed(a, err)
}

// askAs is ask for what only a registered account may.
func (c *Client) askAs(ctx context.Context, a Account, action string, do func(context.Context, *known, acme.Account) error) (*answer, error) {
	if a.URL == "" {
		return nil, &Error{Class: NoAccount, Detail: "the ACME account is not registered yet"}
	}
	return c.ask(ctx, a, action, do)
}

// heed pauses the account when an error says so, and notes that it is lost.
func (c *Client) heed(a Account, err error) error {
	var e *Error
	switch ok := errors.As(err, &e); {
	case ok && e.Class == Paused:
		c.pause(a, e)
	case ok && e.Class == NoAccount && a.URL != "":
		if c.lost.add(a.URL, e.Error()) {
			c.options.Lost(a, e.Error())
		}
	}
	return err
}

// fetch is a POST-as-GET (RFC 8555, section 6.3). Of acmez's it takes the one
// for orders, which sends nothing of an order: what is at url may be anything.
func (c *Client) fetch(ctx context.Context, a Account, action, url string) (*answer, error) {
	return c.askAs(ctx, a, action, func(ctx context.Context, k *known, as acme.Account) error {
		_, err := k.plumbing.GetOrder(ctx, as, acme.Order{Location: url})
		return err
	})
}

// post sends a payload to a URL. Of acmez's it takes the one for challenges,
// which sends any payload: its own for finalizing waits for the certificate, and
// its own for accounts cannot say that there is no contact.
func (c *Client) post(ctx context.Context, a Account, action, url string, payload any) (*answer, error) {
	return c.askAs(ctx, a, action, func(ctx context.Context, k *known, as acme.Account) error {
		_, err := k.plumbing.InitiateChallenge(ctx, as, acme.Challenge{URL: url, Payload: payload})
		return err
	})
}

// location is the URL of what an answer is about, absolute.
func (a *answer) location() string {
	return a.resolve(a.header.Get("Location"))
}

func (a *answer) resolve(ref string) string {
	base, err := url.Parse(a.url)
	if err != nil || ref == "" {
		return ref
	}
	if u, err := base.Parse(ref); err == nil {
		return u.String()
	}
	return ref
}
