// Package informers is what certwright watches, and whom it wakes.
//
// A [Set] holds one hand-written SharedIndexInformer for each resource (or one
// for each resource and namespace, when the daemon serves a list of them).
// Every change of an object passes through one event handler, which asks the
// route table (routes.go) for the keys concerned and adds them to the queue:
//
//	API server ──watch──▶ informer ──▶ event handler ──▶ route ──▶ queue.Key
//	                        │                             │
//	                        ▼                             ▼
//	                  indexed cache ◀────────────  "who is concerned?"
//
// The same indexes answer the handlers' questions, so that nothing on the way
// from an event to its effect walks a list.
//
// Secrets are watched twice, with selectors that exclude each other: those
// with our label in full, all others as metadata only (name and
// resourceVersion). A foreign Secret that is referred to is read by name once
// for each of its resourceVersions.
package informers
