package acme

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// wireChallenge is a challenge as it is sent (RFC 8555, section 8).
type wireChallenge struct {
	Type      string   `json:"type"`
	URL       string   `json:"url"`
	Status    string   `json:"status"`
	Token     string   `json:"token"`
	Validated string   `json:"validated"`
	Error     *problem `json:"error"`
}

func (w wireChallenge) challenge() Challenge {
	ch := Challenge{URL: w.URL, Token: w.Token, Type: w.Type, State: State(w.Status), Problem: w.Error.asError()}
	if at, err := time.Parse(time.RFC3339, w.Validated); err == nil {
		ch.Validated = at
	}
	return ch
}

// Authorization reads an authorization.
func (c *Client) Authorization(ctx context.Context, a Account, url string) (Authorization, error) {
	said, err := c.fetch(ctx, a, actionAuthorization, url)
	if err != nil {
		return Authorization{}, err
	}
	var w struct {
		Identifier acme.Identifier `json:"identifier"`
		Status     string          `json:"status"`
		Expires    time.Time       `json:"expires"`
		Wildcard   bool            `json:"wildcard"`
		Challenges []wireChallenge `json:"challenges"`
	}
	if err := said.decode(&w); err != nil {
		return Authorization{}, err
	}
	auth := Authorization{
		URL: url, Identifier: Identifier{w.Identifier.Type, w.Identifier.Value}, Wildcard: w.Wildcard,
		State: State(w.Status), Expires: w.Expires, RetryAfter: told(said.header, c.options.Now()),
	}
	for _, ch := range w.Challenges {
		auth.Challenges = append(auth.Challenges, ch.challenge())
	}
	return auth, said.known("authorization", w.Status, Pending, Valid, Invalid, Deactivated, Expired, Revoked)
}

// Deactivate gives up an authorization (RFC 8555, section 7.5.2), so that it
// does not count among those that are pending.
func (c *Client) Deactivate(ctx context.Context, a Account, authorizationURL string) error {
	_, err := c.post(ctx, a, actionDeactivate, authorizationURL, struct {
		Status State `json:"status"`
	}{Deactivated})
	return err
}

// Accept tells the server to validate a challenge now (RFC 8555, section
// 7.5.1). It does not wait for the result.
func (c *Client) Accept(ctx context.Context, a Account, challengeURL string) (Challenge, error) {
	said, err := c.post(ctx, a, actionAccept, challengeURL, struct{}{})
	return challenge(said, err)
}

// Challenge reads a challenge.
func (c *Client) Challenge(ctx context.Context, a Account, url string) (Challenge, error) {
	said, err := c.fetch(ctx, a, actionChallenge, url)
	return challenge(said, err)
}

func challenge(said *answer, err error) (Challenge, error) {
	if err != nil {
		return Challenge{}, err
	}
	var w wireChallenge
	if err := said.decode(&w); err != nil {
		return Challenge{}, err
	}
	return w.challenge(), said.known("challenge", w.Status, Pending, Processing, Valid, Invalid)
}

// known refuses a state that what was answered cannot be in (RFC 8555, section
// 7.1.6): whoever decides by it knows no other.
func (a *answer) known(what, state string, states ...State) error {
	if slices.Contains(states, State(state)) {
		return nil
	}
	return &Error{Class: Transient, Status: a.status, Detail: clip(fmt.Sprintf(
		"the ACME server says of the %s that it is %.50q, which is no state of one", what, state))}
}
