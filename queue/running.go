package queue

import (
	"slices"
	"sync"
	"time"
)

// running knows which keys are being handled and since when. Equal keys never
// overlap, so a key is a good name for a call.
type running struct {
	mu    sync.Mutex
	since map[Key]time.Time
}

func newRunning() *running { return &running{since: map[Key]time.Time{}} }

// start notes that the call for key began now.
func (r *running) start(key Key, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.since[key] = now
}

// end notes that the call for key is over.
func (r *running) end(key Key) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.since, key)
}

// names lists the keys being handled that are among those wanted (nil: all), in
// order, for a log or an error.
func (r *running) names(wanted func(Key) bool) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	names := make([]string, 0, len(r.since))
	for key := range r.since {
		if wanted == nil || wanted(key) {
			names = append(names, key.String())
		}
	}
	slices.Sort(names)
	return names
}

// ages gives for each kind the sum and the longest of the running times.
func (r *running) ages(now time.Time) (sum, longest [kindCount]time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for key, since := range r.since {
		age := now.Sub(since)
		sum[key.Kind] += age
		longest[key.Kind] = max(longest[key.Kind], age)
	}
	return sum, longest
}
