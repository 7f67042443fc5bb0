// Package dnscheck finds out what the DNS says of a challenge's record, as an
// ACME server would: from the servers that are authoritative for the name.
//
// A resolver remembers for minutes that a name does not exist. So the name of
// the record itself is never asked of one before it is there: resolvers are
// asked where the zone of the domain above it is, and then its own servers are
// asked for the record, without recursion.
//
//	resolver      where is the zone of example.com?    ns1, ns2
//	ns1, ns2      _acme-challenge.example.com TXT?     the values
//	                                                   or a CNAME: again for its target
//	                                                   or a referral: again at those servers
//
// Where only resolvers can be reached ([Options.RecursiveOnly]), they are asked
// for the record, and their memory is waited for.
package dnscheck
