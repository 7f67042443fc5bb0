// Package handlertest runs handlers over a small world: fake clientsets that
// keep the promises of a real API server, a cache that is filled from them
// when a test says so, a clock that stands still, and a record of every write,
// read and event.
//
//	w := handlertest.New(t, objects...)   what exists
//	p := w.Start(settings)                a daemon starts, with an empty memory
//	p.Settle()                            handle every key until all is at rest
//	p.Handle(key)                         or one key once, on the cache as it is
//
// A [Row] is one line of a handler's truth table: the objects that exist, the
// key, and what is wanted of one call (or of calls until at rest): writes,
// events, result. Every row is then handled again, and must make no write.
//
// Three ways of losing: [World.KillAfter] ends the process in the middle of a
// pass, [World.Fail] loses a write or only its reply, and a cache that is not
// refreshed is a stale one.
//
// What tests expect is written down or made with crypto/x509 here, never by
// the code under test.
package handlertest
