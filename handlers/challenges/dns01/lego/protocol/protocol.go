// Package protocol is what certwright and its child process certwright-lego say
// to each other: one request on the child's standard input, one response on its
// standard output, as JSON. The settings of the provider are the child's
// environment. The parent keeps standard input open as long as it waits, so that
// a child whose parent has died ends too.
package protocol

import "encoding/json"

// Program is the name of the child's binary, which stands beside certwright's.
const Program = "certwright-lego"

// What is asked for.
const (
	Present = "present"
	CleanUp = "cleanup"
)

// Request asks a provider to write or remove one record.
type Request struct {
	Action   string
	Provider string // lego's name for it
	// Domain, Token and KeyAuthorization are the challenge's (RFC 8555 section 8.4).
	Domain, Token, KeyAuthorization string
	// Nameservers are resolvers, host:port; none means the system's.
	Nameservers []string
	// State is what the provider gave when it made the record.
	State json.RawMessage
}

// Response is what came of it.
type Response struct {
	// Error is empty when it was done.
	Error string
	// Unknown means that there is no such provider; Nearest are names like it.
	Unknown bool
	Nearest []string
	// Setup means that the provider cannot be used as it is configured.
	Setup bool
	// Keeps means that the provider remembers in its process which record it made.
	Keeps bool
	// State is that memory, for the next request about the same token.
	State json.RawMessage
}
