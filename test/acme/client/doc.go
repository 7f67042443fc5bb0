// Package client tests internal/acme against pebble, a real ACME server. It is
// a module of its own, because it reaches into the product: the rest of
// test/acme looks at certwright from outside.
package client
