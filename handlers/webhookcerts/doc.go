// Package webhookcerts keeps each configured set of webhook certificates in
// step: a CA Secret, a server Secret signed by it, and the CA bundles of the
// webhook configurations; and rotates them so that no admission call is lost.
//
// [Next] decides, from top to bottom; the first row that fits is done, and its
// own event brings the key back:
//
//	the CA                                   missing, unusable, expired ── MakeCA
//	the server certificate, when steady      missing, unusable, due ────── Sign
//	                                         of a CA that a bundle holds ─ MakeCA
//	                                         of another CA ─────────────── Sign, owes a CA
//	a bundle is not what it should be now    only behind, or new ───────── Spread
//	                                         overwritten by somebody ───── Spread, owes a CA
//	a CA is owed, asked for, or due          when steady ───────────────── MakeCA
//	the server certificate                   of the old CA ─────────────── Sign, once spread
//	                                         due, spoilt, asked for ────── Sign
//	marks of the Secrets                     not as they should be ─────── Dress
//	the old CA                               certainly not served ──────── Retire
//	otherwise                                                              Rest
//
// What is spoilt is mended first, with the CA that the bundles hold, and only
// then the CA is made anew ("owed"), so that mending never waits for a
// rotation. Somebody who keeps overwriting gets it put back each time, but new
// CAs at growing distances (backoff.go).
//
// # A rotation
//
//	phase      ca.crt  ca-old.crt  bundles     server certificate
//	Steady     A                   A           of A
//	   │ MakeCA (one write)
//	Spreading  B       A           A → A+B     of A
//	   │ Sign, when A+B has been in every bundle for the propagation time
//	Serving    B       A           A+B         of B, on its way to the servers
//	   │ Retire, when B is seen served by all, or after the grace time
//	Steady     B                   A+B → B     of B
//
// At every moment the bundles verify what is served and what will be served
// next, whichever of the writes was the last before a crash. The phase follows
// from what the Secrets hold; the annotation repeats it for people, and says
// since when. Times that are only remembered (how long a bundle has been in
// place, how long a certificate has been seen) begin anew after a restart,
// which makes a rotation longer and never shorter.
//
// A bundle that is behind is told from one that somebody wrote by a mark on
// the webhook configuration: the fingerprint of what was put there. A
// configuration without it is new, however it came about: its bundle is set,
// and no CA is made for that.
package webhookcerts
