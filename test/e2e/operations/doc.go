// Package operations tests what happens to certwright as a process: it is
// started too early, killed, restarted, confined, one of two, or cut off from
// the API server. Each test starts daemons of its own, one test after another.
package operations
