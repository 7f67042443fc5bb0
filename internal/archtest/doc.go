// Package archtest keeps the code true to ARCHITECTURE.md. It has tests only:
// who may import whom, which library stays in which room, what pure code must
// not touch, how long a file may be.
//
// A rule that is in the way of something better is changed here, in the commit
// that does the better thing, with its reason.
package archtest
