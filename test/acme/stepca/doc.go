// Package stepca runs step-ca, an ACME server that has no code in common with
// pebble, as a process of its own.
package stepca
