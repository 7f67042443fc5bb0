// Package rfc2136 sends dynamic updates (RFC 2136), signed by TSIG (RFC 8945),
// to an authoritative server.
//
// The server is asked itself for the zone: it is often one that nobody else can
// reach, with zones that no resolver shows.
package rfc2136
