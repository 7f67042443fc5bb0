package acme

import (
	"fmt"
	"sync"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// pauses remembers who is to be left in peace until when: an account at a
// server or, for what is asked without one, the server itself.
type pauses struct {
	mu  sync.Mutex
	all map[string]pause
}

type pause struct {
	until time.Time
	cause Error
}

// ID tells one account from another. It goes by server and key and not by the
// account's URL, so that it is the same before and after it is registered.
func (a Account) ID() string {
	if a.Key == nil {
		return a.Directory.URL
	}
	thumbprint, err := (&acme.Account{PrivateKey: a.Key}).Thumbprint()
	if err != nil {
		return a.Directory.URL
	}
	return a.Directory.URL + " " + thumbprint
}

// of returns the pause of an account that lasts at a time.
func (p *pauses) of(key string, now time.Time) (pause, bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	found, ok := p.all[key]
	return found, ok && now.Before(found.until)
}

// begin notes a pause, and reports until when it lasts and whether that is news:
// answers to calls that were under way already say the same again.
func (p *pauses) begin(key string, cause *Error, now time.Time) (until time.Time, news bool) {
	until = now.Add(min(max(cause.RetryAfter, leastPause), mostPause))
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, old := range p.all { // few, and none is kept beyond its end
		if !now.Before(old.until) {
			delete(p.all, k)
		}
	}
	old, ok := p.all[key]
	if ok && until.Sub(old.until) < leastPause {
		return old.until, false
	}
	if p.all == nil {
		p.all = map[string]pause{}
	}
	p.all[key] = pause{until, *cause}
	return until, true
}

// held is the error of a call that is not made because of a pause.
func (p pause) held(now time.Time) *Error {
	e := p.cause
	e.RetryAfter = max(p.until.Sub(now), leastPause)
	return &e
}

// PausedUntil tells until when an account asks nothing because its server said
// so, and the server's words. The time is zero when it is not paused.
func (c *Client) PausedUntil(a Account) (until time.Time, why string) {
	p, ok := c.pauses.of(a.ID(), c.options.Now())
	if !ok {
		return time.Time{}, ""
	}
	return p.until, p.cause.Error()
}

// pause keeps to an error that says to wait.
func (c *Client) pause(a Account, e *Error) {
	if e.RetryAfter == 0 {
		e.RetryAfter = defaultPause
	}
	if until, news := c.pauses.begin(a.ID(), e, c.options.Now()); news {
		c.options.Paused(a, until, e.Error())
	}
}

// DescribePause puts a pause into words for statuses: they are the same as long
// as it lasts.
func DescribePause(until time.Time, why string) string {
	return fmt.Sprintf("paused until %s, as the ACME server asks: %s", until.UTC().Format(time.RFC3339), why)
}
