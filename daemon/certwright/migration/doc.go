// Package migration takes cert-manager's place in a cluster, and gives it back.
//
//	Read ──▶ Cluster ──┬──▶ Check ──▶ findings: what is there, what would change, what is in the way
//	                   ├──▶ There ──▶ steps, each done or not ──▶ Do the first that is not
//	                   └──▶ Back  ──▶ likewise, the other way
//
// Check, There and Back are pure: they look at what was read. A step says itself
// by that whether it is done, so that a hand-over that was cut off goes on where
// it stopped, and one that is done does nothing. What cannot be read from the
// cluster any more once it was changed (how many replicas there were, the webhook
// configurations) is kept in a ConfigMap beside cert-manager before anything is
// changed, and goes with the end of the way back.
//
// The order of the steps follows from who writes what:
//
//	cainjector off       it and certwright both write CA bundles
//	controller off       certwright waits for the Lease that it holds
//	webhook off          its configurations first: without its pods they would
//	                     have the API server refuse every change of a Certificate
//	certwright at work   it takes the Lease
package migration
