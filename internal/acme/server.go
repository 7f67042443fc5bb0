package acme

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"time"

	"github.com/mholt/acmez/v3/acme"
)

// directoryAge is how long a directory is believed: a CA changes its profiles
// a few times a year, and its URLs never.
const directoryAge = time.Hour

// server is one ACME server as one trust reaches it.
type server struct {
	directory Directory
	http      *http.Client
	options   *Options
	breaker   breaker
	// fetching is held by who reads the directory.
	fetching chan struct{}

	mu    sync.Mutex
	known *known
}

// known is what one state of a server's directory says.
type known struct {
	acme.Directory
	body []byte
	key  string // its URL to acmez
	read time.Time
	// plumbing signs and sends, and keeps the nonces.
	plumbing *acme.Client
}

// server returns the one for a directory.
func (c *Client) server(d Directory) (*server, error) {
	if err := d.Check(); err != nil {
		return nil, err
	}
	key := d.URL + " " + d.trustKey()
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.servers[key]; s != nil {
		return s, nil
	}
	client, err := c.httpClient(d)
	if err != nil {
		return nil, err
	}
	s := &server{directory: d, http: client, options: &c.options, fetching: make(chan struct{}, 1)}
	c.servers[key] = s
	return s, nil
}

// look returns what the directory says, read anew when it is older than age.
// Whoever waits for it while somebody else reads it gives up with ctx.
func (s *server) look(ctx context.Context, age time.Duration) (*known, error) {
	if k := s.recent(age); k != nil {
		return k, nil
	}
	select {
	case s.fetching <- struct{}{}:
		defer func() { <-s.fetching }()
	case <-ctx.Done():
		return nil, unanswered(s.directory.URL, ctx.Err())
	}
	if k := s.recent(age); k != nil {
		return k, nil
	}
	said, err := s.get(ctx, actionDirectory, s.directory.URL)
	if err != nil {
		return nil, notFound(s.directory.URL, err)
	}
	k, err := s.parse(said)
	if err != nil {
		return nil, err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known != nil && s.known.key == k.key {
		k.plumbing = s.known.plumbing // with its nonces
	}
	s.known = k
	return k, nil
}

func (s *server) recent(age time.Duration) *known {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.known == nil || s.options.Now().Sub(s.known.read) >= age {
		return nil
	}
	return s.known
}

// parse takes for a directory only what can register accounts and take orders.
func (s *server) parse(said *answer) (*known, error) {
	k := &known{body: said.body, read: s.options.Now()}
	if json.Unmarshal(said.body, &k.Directory) != nil || k.NewNonce == "" || k.NewAccount == "" || k.NewOrder == "" {
		return nil, &Error{Class: Transient, Status: said.status, Detail: fmt.Sprintf(
			"spec.acme.server: what %.200s answers is no ACME directory: set the URL of the CA's ACME directory", s.directory.URL)}
	}
	// acmez keeps directories by URL for the whole process; this URL says what is
	// in it, so it never means another one.
	k.key = fmt.Sprintf("%s#%x", s.directory.URL, sha256.Sum256(said.body))
	k.plumbing = &acme.Client{Directory: k.key, HTTPClient: s.http, UserAgent: s.options.UserAgent}
	return k, nil
}

// notFound says of a URL that is not there what it should have been.
func notFound(url string, err error) error {
	var e *Error
	if !errors.As(err, &e) || e.Class != Gone {
		return err
	}
	return &Error{Class: Transient, Status: e.Status, Detail: fmt.Sprintf(
		"spec.acme.server: %.200s answers HTTP %d and is no ACME directory: set the URL of the CA's ACME directory", url, e.Status)}
}

// get asks without an account.
func (s *server) get(ctx context.Context, action, url string) (*answer, error) {
	x := &exchange{action: action, method: http.MethodGet}
	return s.exchange(ctx, x, func(ctx context.Context) error {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return err
		}
		req.Header.Set("User-Agent", s.options.UserAgent)
		req.Header.Set("Accept", "application/json")
		resp, err := s.http.Do(req)
		if err == nil {
			err = resp.Body.Close()
		}
		return err
	})
}

// exchange runs do, and says what came of it from what was recorded meanwhile.
func (s *server) exchange(ctx context.Context, x *exchange, do func(context.Context) error) (*answer, error) {
	round, refused := s.breaker.enter(s.options.Now())
	if refused != nil {
		return nil, refused
	}
	inner, stop := context.WithTimeout(context.WithValue(ctx, exchangeKey{}, x), requestTimeout)
	defer stop()
	x.stop = stop
	err := s.outcome(x, do(inner))
	if ctx.Err() != nil && x.last == nil {
		s.breaker.abandon(round)
		return nil, err
	}
	s.breaker.leave(round, broken(err), s.options.Now())
	if err != nil {
		return nil, err
	}
	return x.last, nil
}

// broken is the error of a server that is not there, or not in order.
func broken(err *Error) *Error {
	if err != nil && err.Class == Transient && (err.Status == 0 || err.Status >= 500) {
		return err
	}
	return nil
}
