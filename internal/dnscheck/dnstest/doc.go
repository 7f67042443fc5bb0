// Package dnstest runs DNS servers in the test's own process, on addresses of
// the loopback network: authoritative ones that take updates signed by TSIG, and
// a resolver over them. They speak by UDP and TCP, as real ones do.
package dnstest
