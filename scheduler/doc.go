// Package scheduler enqueues keys by the clock. It is the net under the
// handlers' own wake-ups (queue.Result.After): the expiry sweep, the renewal
// information refresh and the orphan sweep are entries here. An entry only
// enqueues; what a key needs is its handler's business.
//
//	Run ──> at once ─┐
//	                 ├─> entry's keys ──> AddAfter(key, Spread(key, window))
//	cron ─> on time ─┘
//
// The keys of one run are spread over a window, each at an offset of its own
// that is the same in every run, so that thousands of objects neither fall into
// one minute nor wander. The window is never longer than the shortest pause of
// the schedule: a run's last key comes before the next run's first.
//
// Schedules are in UTC, unless they say otherwise by CRON_TZ=.
package scheduler
