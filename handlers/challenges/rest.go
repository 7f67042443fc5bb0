package challenges

import (
	"container/heap"
	"time"
)

// pauses are for how long a challenge that gave its place away rests, after
// its first turn, the second, and each further one. Without a rest it would
// take the next place that is free for a moment, only to give it to the next
// that comes: two writes for each that passes by. The first are short because
// most proofs are seen within seconds.
var pauses = [fewTurns]time.Duration{3 * time.Second, 10 * time.Second, 30 * time.Second}

// rest has e wait for a place after a pause, and not be waited for until then.
func (b *Book) rest(e *entry, now time.Time) {
	e.since = now.Add(pauses[min(max(e.turns, 1), fewTurns)-1])
	heap.Push(&b.resting, e)
}

// hasten ends the rest of who has rested longest, where half of all places stay
// free for who may come. It reports whether there was one.
func (b *Book) hasten() bool {
	if len(b.resting.all) == 0 || 2*(len(b.holding)+1) > b.places {
		return false
	}
	first := b.resting.all[0]
	b.rouse(first)
	b.enter(first)
	return true
}

// rouse takes e out of those that rest, if it does.
func (b *Book) rouse(e *entry) {
	if e.inRest >= 0 {
		heap.Remove(&b.resting, e.inRest)
	}
}

// awaken has those wait that have rested. It returns after which time the next
// one has; 0 when nobody rests.
func (b *Book) awaken(now time.Time) time.Duration {
	for len(b.resting.all) > 0 {
		first := b.resting.all[0]
		if now.Before(first.since) {
			return first.since.Sub(now)
		}
		b.rouse(first)
		b.enter(first)
	}
	return 0
}

func restIndex(e *entry) *int { return &e.inRest }
