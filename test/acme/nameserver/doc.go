// Package nameserver is the authoritative DNS server of the ACME tests: BIND
// where the machine has it, and a small server of our own otherwise. Both serve
// the same zones and take the same dynamic updates (RFC 2136), signed with TSIG
// (RFC 8945).
//
//	http.test       every name is 127.0.0.1: names to prove through HTTP-01
//	                (below elsewhere.http.test it is 127.0.0.2)
//	dns.test        whoever holds Key may change TXT records: DNS-01
//	                (_acme-challenge.alias is an alias of alias.target)
//	locked.test     nobody may change anything
//	                (_acme-challenge.alias is an alias of alias.target.dns.test)
//
// Every other name is refused, as by a server that does not know its zone.
package nameserver
