// Package webpage is the read-only web page on the metrics port: what every
// Certificate waits for, when they expire, and how issuers, challenges, webhook
// certificates and replicas stand.
//
//	Caches ──> survey ──> Row... ──> pick (filter, sort, page) ──> views
//	 (informers, shared)   internal/verdict      └─> Calendar         └─> JSON
//
// It asks nobody who he is, as /metrics next to it does not: it shows names,
// states and times, and of a Secret only the certificates in it. It keeps
// nothing: each answer is made from the caches, and what is sent is one page of
// the list, however long that is. Every replica serves it, also on standby.
//
// All of it works without JavaScript; the script keeps it up to date. Links
// are relative, so that it works below any path of a proxy.
package webpage
