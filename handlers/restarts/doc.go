// Package restarts restarts workloads when a certificate that their pods use is
// renewed: Deployments, StatefulSets and DaemonSets that ask for it with the
// annotation certwright.dev/restart-on-renewal: "true".
//
// A workload bears a mark, an annotation of its own, that says which certificate
// of each Secret its pods have. [Next] decides for a namespace as a whole, so
// that one workload after the other is restarted:
//
//	a Secret without a mark ─────── Mark: the pods have what is there now
//	a marked workload rolls out ─── Wait, at most for the patience of one rollout
//	a mark that is out of date ──── Restart the first: a new mark, and with it in one
//	                                patch an annotation of its pod template, from
//	                                which its own rollout follows
//	otherwise ───────────────────── Rest
//
// The first certificate of a Secret restarts nothing: pods wait for the Secret
// that they mount.
package restarts
