// Package gate stands before an ACME server and sees every request: it keeps
// book of them, with what they asked for, and answers some itself as a busy, a
// broken or an unreachable server would.
package gate
