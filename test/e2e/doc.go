// Package e2e tests certwright as its users meet it: the real process, under
// the rights of deploy/rbac, on a real control plane. All tests share one
// daemon and run side by side, each in a namespace of its own.
//
// Tests that need a daemon of their own, or end it, are in package operations.
package e2e
