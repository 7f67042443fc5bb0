// Package acmetest is a small ACME server for tests: RFC 8555 with external
// account binding, profiles, alternate chains, RFC 8738 (IP addresses) and
// RFC 9773 (renewal information). It checks every signature, nonce and state,
// issues from a CA of its own, counts its calls by action, and fails on demand.
//
// It is reached through [Server.Transport], which carries requests in memory
// and so works in a synctest bubble, or over loopback through [Server.Listen].
// A real server is run by the tests under test/.
package acmetest
