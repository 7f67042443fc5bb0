// Package parts puts together what ACME needs beside a control plane and the
// daemon: an ACME server behind a gate that keeps book, a DNS server, and an
// ingress controller.
//
//	Certificate ── daemon ──▶ gate ──▶ pebble
//	                 │                   │ HTTP-01: http://NAME:port of the ingress controller
//	                 │                   │ DNS-01:  asks the DNS server
//	                 ├─▶ Ingress, Service ──▶ ingress controller ──▶ the daemon's responder
//	                 └─▶ TXT records ──▶ DNS server
//
// Everything is on 127.0.0.1, and on ports above 1024: nothing needs root. Two
// things differ from a real cluster for it. The daemon's own look at an HTTP-01
// path goes through HTTP_PROXY, which is the ingress controller, because the
// path is not on port 80; and its look at a TXT record asks the DNS server as a
// resolver, because an authoritative server is looked for on port 53. `make
// prove-acme` has the real ports, in a network of its own.
package parts
