// Package acme holds the end-to-end tests of ACME: the real daemon against
// pebble and BIND, with an ingress controller between, on a real API server.
// See package parts for how they stand together. It has no code beside its
// tests; those that kill the daemon are in package crash.
package acme
