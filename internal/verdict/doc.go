// Package verdict judges what a Certificate waits for and what to do about it,
// from nothing but what the API shows. The command line and the web page ask it
// both, so that they say the same.
//
//	Observed ──> Explain ──> Verdict ──> StateOf ──> State
//
// The answer is a guess from outside, since the daemon's queue cannot be seen,
// but it goes through the same stations in the same order as an issuance does.
package verdict
