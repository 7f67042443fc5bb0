// Package crash holds the end-to-end tests of ACME in which the daemon dies, or
// is not there. It has no code beside its tests.
package crash
