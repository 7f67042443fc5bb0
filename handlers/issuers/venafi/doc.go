// Package venafi has requests signed by Venafi, which is CyberArk Certificate
// Manager now: self-hosted (TPP), SaaS (Cloud) and NGTS.
//
//	                 ┌─ the zone's policy refuses ─────────▶ Failed
//	no pickup id ─▶ asked ─┼─ away, or the issuer is unfit ─▶ Pending, again in seconds
//	                 └─ taken ─▶ its pickup id is written on the request
//	                                     │
//	pickup id ─▶ looked for ◀────────────┘
//	                 ├─ pending ───────────────────────────▶ Pending, ever more rarely
//	                 ├─ rejected there ────────────────────▶ Failed
//	                 └─ issued ────────────────────────────▶ Issued
//
// The pickup id is an annotation of the contract. It is kept in memory too until
// it is written (issuers.Answers), so that a request is made once there.
//
// The library tells little of what went wrong, and that in words of its own. So
// what is decided on is what was seen on the wire (witness.go), and each
// connection of it serves one call at a time.
package venafi
