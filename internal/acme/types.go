package acme

import (
	"crypto"
	"time"
)

// Directory says where an ACME server is and how it is trusted (RFC 8555,
// section 7.1.1).
type Directory struct {
	URL string
	// CABundle is PEM; empty trusts what the system trusts.
	CABundle []byte
	// SkipTLSVerify trusts any certificate of the server.
	SkipTLSVerify bool
}

// Account is an account at a server: a value, made anew from what an Issuer's
// Secret and status say whenever it is needed (see [Accounts]).
type Account struct {
	Directory Directory
	// URL is the account's at the server; empty before it is registered.
	URL string
	// Key signs for the account: RSA or ECDSA.
	Key crypto.Signer
}

// State of an order, authorization or challenge, in the server's words
// (RFC 8555, section 7.1.6).
type State string

// The states of RFC 8555, section 7.1.6.
const (
	Pending     State = "pending"
	Ready       State = "ready"      // orders only
	Processing  State = "processing" // orders and challenges
	Valid       State = "valid"
	Invalid     State = "invalid"
	Deactivated State = "deactivated" // authorizations only
	Expired     State = "expired"     // authorizations only
	Revoked     State = "revoked"     // authorizations only
)

// Identifier is a name to be proved: of type "dns" (RFC 8555, section 9.7.7)
// or "ip" (RFC 8738).
type Identifier struct{ Type, Value string }

// NewOrder is what is asked of a server (RFC 8555, section 7.4).
type NewOrder struct {
	Identifiers []Identifier
	// NotAfter is the end of validity asked for; zero leaves it to the server.
	NotAfter time.Time
	// Profile is a name of the directory's meta.profiles; empty is the default.
	Profile string
	// Replaces is the CertID of the certificate replaced (RFC 9773, section 5);
	// empty when none is.
	Replaces string
}

// Order is an order as the server tells it (RFC 8555, section 7.1.3).
type Order struct {
	URL, FinalizeURL, CertificateURL string
	State                            State
	Authorizations                   []string // URLs
	Identifiers                      []Identifier
	Expires                          time.Time
	// Problem is why the order is invalid; nil when the server does not say.
	Problem *Error
	// RetryAfter is when to look again, as the server wishes; 0: it does not say.
	RetryAfter time.Duration
}

// Authorization is an authorization as the server tells it (RFC 8555, section 7.1.4).
type Authorization struct {
	URL        string
	Identifier Identifier
	Wildcard   bool
	State      State
	Expires    time.Time
	Challenges []Challenge
	RetryAfter time.Duration
}

// Challenge is a challenge as the server tells it (RFC 8555, section 7.1.5).
type Challenge struct {
	URL, Token string
	Type       string // "http-01", "dns-01", "tls-alpn-01"
	State      State
	Validated  time.Time
	Problem    *Error // why it is invalid
}

// RenewalInfo is when a server wishes a certificate to be renewed (RFC 9773,
// section 4.2).
type RenewalInfo struct {
	Start, End     time.Time // the suggested window
	ExplanationURL string
	// RetryAfter is when to ask again, as the server wishes; 0: it does not say.
	RetryAfter time.Duration
}

// Class says what to do about a fault. Every error that a [Client] returns for
// a server's answer or for the way to it is an *[Error] with a class.
type Class int

const (
	// Transient faults pass: badNonce, 5xx, faults of the network. Try again in
	// seconds; they never end an issuance.
	Transient Class = iota
	// Paused means that the server named a time before which this account must not ask
	// again (429, rateLimited, any Retry-After). It costs no issuance.
	Paused
	// Refused means that trying again would be refused again (rejectedIdentifier, caa,
	// unauthorized, malformed, ...).
	Refused
	// Gone means that the resource does not exist at the server, or no more (404, 410).
	Gone
	// NoAccount means that the server does not know the account, or has closed it
	// (accountDoesNotExist, unauthorized for a deactivated account).
	NoAccount
)

// Error is a fault with its class. Its text is stable (the same fault gives the
// same text), is the server's own where it said something, and holds no secret.
type Error struct {
	Class Class
	// Type is the problem type without "urn:ietf:params:acme:error:" (RFC 8555,
	// section 6.7); empty when the server gave none.
	Type string
	// Status is that of HTTP; 0 when no answer came.
	Status int
	// Detail is for people.
	Detail string
	// RetryAfter is how long to wait; 0 leaves it to the caller.
	RetryAfter time.Duration
	// Err is the cause, or nil.
	Err error
}
