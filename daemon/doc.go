// Package daemon puts certwright together and runs it, top to bottom:
//
//	config ─▶ clients ─▶ informers ─▶ wire (kind → handler) ─▶ lease ─▶ queue
//	                         └─▶ health, metrics ─▶ scheduler ─┘
//
// Informers start before the lease is won, so that a standby takes over with
// warm caches; handlers run only while it is held, and the lease is given back
// only after the last of them has returned.
package daemon
