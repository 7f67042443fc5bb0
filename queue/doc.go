// Package queue turns keys into handler calls. Informers and the scheduler put
// keys in, workers take them out and call the one handler of the key's kind,
// and what the handler returns decides when the key comes back. Nothing else
// retries, waits or logs a failure.
//
//	  Add, AddAfter            lane (one per Lane)                workers
//	informers ──┐      ┌────────────────────────────┐      ┌───────────────────┐
//	            ├─────>│ waiting ──> ready, in turn │─────>│ Handler.Handle    │
//	scheduler ──┘      └────────────────────────────┘      └─────────┬─────────┘
//	                         ^                                       │ outcome
//	                         └──────── now, later or never ──────────┘
//
// The outcome table:
//
//	handler returned     | the worker does
//	---------------------+-----------------------------------------------------
//	{}, nil              | Forget
//	{After: d}, nil      | Forget, AddAfter(d)
//	{Beside: b}, nil     | goes on with b beside the workers; b's outcome counts
//	Terminal             | Forget, one log line
//	RetryAfter(d)        | Forget, AddAfter(d), one log line
//	conflict             | AddRateLimited, not an error, logged at V(2)
//	panic                | recovered, counted, logged with its stack, AddRateLimited
//	any other error      | AddRateLimited (the kind's back-off), one log line
//	error after cut-off  | nothing: the shutdown's doing, not the handler's
//
// Forget resets the key's back-off. Two entries that no handler should return
// are made harmless: an After or a RetryAfter that is not in the future is rate
// limited, so that a wrong clock cannot make a worker spin.
//
// A key is in the queue at most once, and calls for equal keys never overlap: a
// key that is added while its handler runs is handled once more afterwards.
// A wake-up may be early or for nothing, because AddAfter keeps the earliest
// time it was given; it can therefore never be used to postpone.
package queue
