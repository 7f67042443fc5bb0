// Package status answers for people what a Certificate waits for and what to do
// about it, from nothing but what the API shows.
//
//	Reader.One, Reader.All ──> Observed ──> Explain ──> Verdict ─┐
//	 (reads of the API)           └───────> New ──> Report <─────┘
//	                                                   └─> Table, Write, JSON
//
// Only the reader knows the API; all behind it is pure. The answer is a guess
// from outside, since the daemon's queue cannot be seen, but it goes through
// the same stations in the same order as an issuance does.
package status
