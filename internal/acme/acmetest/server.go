package acmetest

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/acme"
)

// Options make a server other than the plainest one.
type Options struct {
	// Bindings are the HMAC keys by key id; when there are any, new accounts
	// must be bound to one.
	Bindings map[string][]byte
	// Profiles that are offered, with descriptions.
	Profiles map[string]string
	// NoRenewalInfo leaves RFC 9773 out.
	NoRenewalInfo bool
	// NoOrdersList leaves out the list of an account's orders, as Let's Encrypt does.
	NoOrdersList bool
	// Reuse has new orders take valid authorizations of before.
	Reuse bool
	// Processing is for how many looks an order stays processing after finalize.
	Processing int
	// Life is that of a certificate; 0: 90 days.
	Life time.Duration
	// Validate proves a name; nil: every proof holds. Its error is the
	// challenge's problem: a [Problem], or any other for "unauthorized". It must
	// not call the server.
	Validate func(Proof) error
	// Window is the renewal window of a certificate; nil: around two thirds of
	// its life.
	Window func(notBefore, notAfter time.Time) (start, end time.Time)
	// RefuseNonce refuses a good nonce; nil: none is.
	RefuseNonce func() bool
}

// Proof is what a server is told to validate.
type Proof struct {
	Identifier acme.Identifier
	Wildcard   bool
	Type       string // "http-01", "dns-01"
	Token      string
	// KeyAuthorization is what must be found (RFC 8555, section 8.1).
	KeyAuthorization string
}

// Problem is an error of the server.
type Problem struct {
	Status int    // 0: 400
	Type   string // without the prefix; "about:blank" and "" are sent as they are
	Detail string
	// RetryAfter is the header's text.
	RetryAfter string
	// Subproblems are details by identifier.
	Subproblems []Subproblem
	// Body, when not empty, is sent as HTML in place of a problem document.
	Body string
	// Drop closes the connection instead of answering.
	Drop bool
}

// Subproblem is about one identifier.
type Subproblem struct{ Name, Type, Detail string }

func (p Problem) Error() string { return p.Type + ": " + p.Detail }

// Server is an ACME server.
type Server struct {
	t       testing.TB
	options Options
	base    string
	ca      *authority

	mu       sync.Mutex
	calls    map[string]int
	failures map[string][]Problem
	serial   int
	nonces   map[string]bool
	accounts map[string]*account       // by URL
	orders   map[string]*order         // by URL
	auths    map[string]*authorization // by URL
	certs    map[string]*certificate   // by URL
}

// New makes a server that is reached through its Transport alone.
func New(t testing.TB, o Options) *Server {
	t.Helper()
	if o.Life == 0 {
		o.Life = 90 * 24 * time.Hour
	}
	return &Server{
		t: t, options: o, base: "https://acme.test", ca: newAuthority(t),
		calls: map[string]int{}, failures: map[string][]Problem{}, nonces: map[string]bool{},
		accounts: map[string]*account{}, orders: map[string]*order{}, auths: map[string]*authorization{}, certs: map[string]*certificate{},
	}
}

// Listen also serves on loopback, over TLS, until the test ends. It gives the
// directory with the CA bundle by which it is known.
func (s *Server) Listen() acme.Directory {
	listening := httptest.NewTLSServer(s)
	s.t.Cleanup(listening.Close)
	s.base = listening.URL
	return acme.Directory{URL: s.base + "/directory", CABundle: encode(listening.Certificate().Raw)}
}

// Directory is where the server is.
func (s *Server) Directory() acme.Directory { return acme.Directory{URL: s.base + "/directory"} }

// Transport carries requests to the server in memory, whatever their host.
func (s *Server) Transport() http.RoundTripper { return transport{s} }

type transport struct{ server *Server }

func (t transport) RoundTrip(req *http.Request) (resp *http.Response, err error) {
	defer func() {
		switch fault := recover(); fault {
		case nil:
		case http.ErrAbortHandler:
			resp, err = nil, io.ErrUnexpectedEOF
		default:
			panic(fault)
		}
	}()
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	inner := req.Clone(req.Context())
	if inner.Body == nil {
		inner.Body = http.NoBody
	}
	w := httptest.NewRecorder()
	t.server.ServeHTTP(w, inner)
	resp = w.Result()
	resp.Request = req
	return resp, nil
}

// Fail has the next calls of an action end with a problem. Action "" is any.
func (s *Server) Fail(action string, times int, p Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range times {
		s.failures[action] = append(s.failures[action], p)
	}
}

// Calls counts the calls of an action, such as "new_order"; "" counts all but
// those for directories and nonces.
func (s *Server) Calls(action string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	if action != "" {
		return s.calls[action]
	}
	n := 0
	for a, count := range s.calls {
		if a != "get_directory" && a != "new_nonce" {
			n += count
		}
	}
	return n
}

// Contacts are those of an account; ok is false when there is no such account.
func (s *Server) Contacts(accountURL string) (contacts []string, ok bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a := s.accounts[accountURL]
	if a == nil {
		return nil, false
	}
	return a.contacts, true
}

// Close closes an account, as its CA may.
func (s *Server) Close(accountURL string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accounts[accountURL].status = "deactivated"
}

// Revoked is the reason for which a certificate was revoked.
func (s *Server) Revoked(leafDER []byte) (reason int, revoked bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range s.certs {
		if string(c.leaf.Raw) == string(leafDER) && c.revoked != nil {
			return *c.revoked, true
		}
	}
	return 0, false
}

// States counts the orders in each state.
func (s *Server) States() map[acme.State]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	states := map[acme.State]int{}
	for _, o := range s.orders {
		states[s.stateOf(o)]++
	}
	return states
}

// SetAuthorizations puts all authorizations into a state, as when they expire.
func (s *Server) SetAuthorizations(state acme.State) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, a := range s.auths {
		a.state = state
	}
}

// Forget loses all orders, as a server does that keeps none across a restart.
func (s *Server) Forget() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.orders, s.auths, s.nonces = map[string]*order{}, map[string]*authorization{}, map[string]bool{}
}

// next gives a new URL. The lock is held.
func (s *Server) next(kind string) string {
	s.serial++
	return fmt.Sprintf("%s/%s/%d", s.base, kind, s.serial)
}
