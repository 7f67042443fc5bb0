// Package queuetest lets tests of those who wake handlers (informers, the
// scheduler, the wiring) see which keys they put in a queue, in which order and
// with which delay, without handling any.
package queuetest

import (
	"slices"
	"sync"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/certwright/certwright/queue"
)

// Added is one call of Add (After is 0) or AddAfter.
type Added struct {
	Key   queue.Key
	After time.Duration
}

// Recorder is a queue.Adder that remembers every call. Unlike a queue it drops
// no duplicates and never forgets. The zero value is ready; it may be used from
// several goroutines.
type Recorder struct {
	mu    sync.Mutex
	added []Added
}

var _ queue.Adder = (*Recorder)(nil)

// Add records the key.
func (r *Recorder) Add(key queue.Key) { r.AddAfter(key, 0) }

// AddAfter records the key and the delay; as in a queue, d < 0 is no delay.
func (r *Recorder) AddAfter(key queue.Key, d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.added = append(r.added, Added{key, max(d, 0)})
}

// Added gives every call so far, in order.
func (r *Recorder) Added() []Added {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.added)
}

// Take gives every call so far, in order, and starts afresh.
func (r *Recorder) Take() []Added {
	r.mu.Lock()
	defer r.mu.Unlock()
	taken := r.added
	r.added = nil
	return taken
}

// Keys gives the keys so far, sorted, each once: what a queue would hold.
func (r *Recorder) Keys() []queue.Key {
	var keys []queue.Key
	for _, a := range r.Added() {
		keys = append(keys, a.Key)
	}
	return set(keys)
}

// Diff compares the calls so far with those wanted, in order; "" means equal,
// otherwise lines with - are missing and lines with + are too many.
func (r *Recorder) Diff(want ...Added) string {
	return cmp.Diff(want, r.Added(), cmpopts.EquateEmpty())
}

// DiffKeys compares the keys so far with those wanted, regardless of order,
// delay and number; the result reads as that of Diff.
func (r *Recorder) DiffKeys(want ...queue.Key) string {
	return cmp.Diff(set(slices.Clone(want)), r.Keys(), cmpopts.EquateEmpty())
}

func set(keys []queue.Key) []queue.Key {
	slices.SortFunc(keys, queue.Key.Compare)
	return slices.Compact(keys)
}
