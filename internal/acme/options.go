package acme

import (
	"context"
	"net/http"
	"sync"
	"time"
)

// Options are what a Client is made with; the zero value works.
type Options struct {
	// UserAgent is what it calls itself (RFC 8555, section 6.1), such as
	// "certwright/1.2.3"; empty: "certwright".
	UserAgent string
	// Observe is told of every HTTP request, with its context; nil: nobody is.
	Observe func(context.Context, Call)
	// Paused is told when a server begins to pause an account, or does so for
	// longer; nil: nobody is. It must not block. The end of a pause is told by
	// nobody: it is known (see [Client.PausedUntil]).
	Paused func(a Account, until time.Time, why string)
	// Lost is told when a server says that it does not know a registered
	// account, or has closed it (see [Client.Lost]); nil: nobody is. It must not
	// block.
	Lost func(a Account, why string)
	// Now is the clock; nil: the system's.
	Now func() time.Time
	// Transport carries the requests in place of the network; nil: the network,
	// trusted as each Directory says.
	Transport http.RoundTripper
}

// Call is one HTTP request to a server, for metrics.
type Call struct {
	Scheme, Host string
	// Action is what is asked for, in the words of RFC 8555: new_order,
	// get_authorization, ...: a fixed set, without anything of a URL.
	Action string
	Method string
	Status int // 0 when no answer came
	Took   time.Duration
}

// The actions of a Call.
const (
	actionDirectory     = "get_directory"
	actionNonce         = "new_nonce"
	actionNewAccount    = "new_account"
	actionAccount       = "update_account"
	actionNewOrder      = "new_order"
	actionOrder         = "get_order"
	actionOrders        = "list_orders"
	actionAuthorization = "get_authorization"
	actionDeactivate    = "deactivate_authorization"
	actionAccept        = "accept_challenge"
	actionChallenge     = "get_challenge"
	actionFinalize      = "finalize_order"
	actionCertificate   = "get_certificate"
	actionRevoke        = "revoke_certificate"
	actionRenewalInfo   = "renewal_info"
)

// Client speaks with ACME servers, for any number of accounts. It keeps no
// account: what it remembers are directories, nonces, and who is to be left in
// peace until when; all of that is learnt again after a restart.
//
// A call makes one attempt. Only a refused nonce is tried again inside, because
// that says nothing about what was asked (RFC 8555, section 6.5).
type Client struct {
	options Options
	pauses  pauses
	lost    lost

	mu      sync.Mutex
	servers map[string]*server      // by directory and trust
	trusts  map[string]*http.Client // by trust
}

// NewClient returns a client; it asks nothing before it is called.
func NewClient(o Options) *Client {
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.UserAgent == "" { // servers refuse who has no name
		o.UserAgent = "certwright"
	}
	if o.Observe == nil {
		o.Observe = func(context.Context, Call) {}
	}
	if o.Paused == nil {
		o.Paused = func(Account, time.Time, string) {}
	}
	if o.Lost == nil {
		o.Lost = func(Account, string) {}
	}
	return &Client{options: o, servers: map[string]*server{}, trusts: map[string]*http.Client{}}
}
