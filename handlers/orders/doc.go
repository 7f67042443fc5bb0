// Package orders carries ACME Orders to their end: RFC 8555, sections 7.1.6 and
// 7.4, as one decision, [Next], over what the cluster and the server say.
//
//	created ─▶ issuer ready? ─▶ Begin: newOrder, authorizations ─▶ pending
//	               │ no: Hold            (one status write)           │
//	               └─ its event wakes the Order                       ▼
//	                                        ┌── Prove: a Challenge for each
//	                                        │   authorization that is not valid
//	  Fail ◀── a Challenge failed ──────────┤
//	   │                                    ▼
//	   │                              all valid? ── no: their events wake it,
//	   │                                    │           once an hour it asks
//	   │  invalid, refused                  ▼
//	   ├◀──────────────────────────────── Ask ─▶ pending, processing: Poll
//	   │                                    │
//	   │            the server lost it      ├─▶ ready ─▶ Finalize ─▶ Poll
//	   │   Begin ◀──────────────────────────┤
//	   │  (three times, then Fail)          └─▶ valid ─▶ Collect ─▶ state valid,
//	   ▼                                              the certificate (one write)
//	state invalid, expired or errored, with the server's words
//	   │
//	   └─▶ Withdraw: the Challenges go ◀── also after Collect
//
// An Order is written twice on its way, at Begin and at its end; a third time
// only where it has to say what it waits for.
//
// What a fault means is the acme package's classes: transient ones are errors
// that the worker tries again, a pause is waited for until its end, and neither
// ends an Order. A refusal does, with the server's words. An order that the
// server does not know any more, as after it lost its state, is made anew. So is
// one whose proof failed because certwright was restarted, and nobody answered.
//
// # Never a second order for the same work
//
// An order at the server costs rate limit. Before newOrder the Order is read
// live, and must still ask for one. What newOrder answered is kept in memory
// until the status holds it, whatever write fails in between. An Order that is
// older than this process, or whose newOrder got no answer, is first looked for
// in the account's list of orders (RFC 8555, section 7.1.2.1) by its names, and
// taken over when no other Order can be meant. What remains is a process that
// dies between the answer of newOrder and the status write, at a server without
// such a list (it is optional, and rare), or for an Order with a profile or an
// end of validity, which an order does not tell: then a second order is made,
// with the authorizations of the first, and the first one expires unused.
//
// Some servers answer newOrder with a pending order for the same names. When
// another Order is already served by that one, the later waits for it to end,
// since one order gives one certificate.
//
// A Challenge's name is a function of its authorization and its solver, and so
// none is made twice; when the solver of the issuer is changed while a proof is
// under way, the Challenge is withdrawn and made anew by the new solver.
//
// The pending authorizations of an Order that failed are deactivated, as far as
// the server lets them, so that they do not count against the account. Those of
// an Order that is deleted on its way are not: nothing is left to know them by,
// and the server gives them to the next order for the same names.
package orders
