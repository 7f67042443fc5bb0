// Package handlers states the contract that every handler below it keeps.
//
// A handler serves one kind of queue key, and is the only writer of the
// objects of that kind. It makes three moves:
//
//	observe   read the object and all it depends on, from the caches
//	Next      decide, purely: no context, client, clock or logger (decide.go)
//	perform   carry out the one step decided on (perform.go)
//
// The effect's own watch event brings the key back for the next step. Hence:
//
//   - A second call on the state that the first one left makes no write and no
//     call to the outside. The row runner of handlertest holds every handler
//     to that.
//   - Killed between any two steps, the next call goes on from what is stored.
//   - Waiting is a returned queue.Result, never a sleep.
//   - Text that goes into a status is stable: no request ids, no times that
//     change from try to try.
//   - Handlers do not log failures, count or retry: the queue's worker does.
//
// Handlers take the narrowest getters, and never import informers, scheduler,
// daemon or one another, but for the Signer seam of the issuers package.
package handlers
