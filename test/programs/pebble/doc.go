// Package pebble pins the version of pebble that the ACME tests run
// certwright against. It holds no code: see go.mod.
package pebble
