// Package venafitest is a stand-in for Venafi, of which nobody can have a
// server to test against: it speaks the HTTP endpoints that the library calls,
// as its self-hosted (TPP), SaaS (Cloud) and NGTS kinds have them, and signs
// with a CA of its own.
//
// What it does with a request lies in the request's common name:
//
//	pending.*   issued at the third look
//	approval.*  pending until it is told to approve (Server.Approve)
//	rejected.*  turned down after it was taken
//	refused.*   not taken
//	slow.*      taken, and issued, each after some time
//	other.*     answered with a certificate for another key
//
// Everything else is issued at the first look. The policy of its zone allows
// names below example.com alone.
package venafitest
