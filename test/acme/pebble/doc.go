// Package pebble runs Let's Encrypt's small ACME server as a process of its
// own, with its own TLS certificate, on ports that it keeps over restarts. It
// holds everything in memory: after a restart it knows no account, no order and
// no authorization, and has a new root.
package pebble
