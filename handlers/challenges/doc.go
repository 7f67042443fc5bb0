// Package challenges proves the names that Orders are for, and gives out the
// places at which that is done.
//
//	created ──▶ waits for a place ◀───────────── yields (others wait, and it
//	                 │                            │     fails its self check)
//	                 ▼ status.processing          │
//	            asks the server ─ valid ──────────┼──────────────┐
//	                 ▼                            │              │
//	            presented by its solver ─ fails ──┤ tries again  │
//	                 ▼                            │              │
//	            self check ─ fails ───────────────┘ every 10 s   │
//	                 ▼                                           │
//	            accepted by the server, which looks              │
//	                 ▼                                           ▼
//	            valid, invalid, expired, errored ─────────▶ cleaned up
//	                                                             │
//	            status.processing=false, which frees the place ◀─┘
//
// Two handlers share the work. [Handler] has the keys of Challenges, [Places]
// the one key of all places, and alone sets status.processing to true, or back
// before the end. Both write over the version they have seen and no other.
//
// A challenge gives its place away only when others wait for it or for its
// name: at once when it is stuck and one of them had few turns yet, after ten
// seconds without a sign of life, and after half a minute when all who wait had
// several turns; two minutes once the server looks at it (admit.go). Then it
// rests for some seconds before it waits again (rest.go). Among those that wait,
// the oldest goes first, namespaces take turns, and one in nine places goes to
// those with several turns, so that nobody waits for ever.
//
// What solvers do (Present, Visible, Remove) may take long, so no worker does
// it: runs.go does, and wakes the challenge when there is a result. What the
// server said last, and the results of solvers, are kept in memory; after a
// restart they are asked for again.
//
// What was put anywhere is taken away again, before the place is given back
// where that takes no longer than it should, else without a place and for as
// long as it takes; an object that is being deleted gives up at last. That a
// challenge has something to take away shows in its status alone, so that it
// is known after a crash: it holds a place, or is presented, or is pending,
// which is what a challenge with an earlier turn is.
package challenges
