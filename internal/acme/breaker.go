package acme

import (
	"sync"
	"time"
)

// The rest that a server gets after faults in a row doubles from the one to the
// other: a hiccup costs a second, and a server that is away costs one attempt a
// minute instead of all workers.
const (
	firstRest = time.Second
	mostRest  = time.Minute
)

// breaker keeps calls from a server that does not answer, or only that it is
// broken. After the rest, one call finds out for all.
type breaker struct {
	mu      sync.Mutex
	faults  int // in a row
	until   time.Time
	probing bool
	round   int // calls of an earlier round know nothing new
	cause   Error
}

// enter lets a call pass, in a round to be given to leave; or says why not.
func (b *breaker) enter(now time.Time) (round int, refused *Error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch {
	case b.faults == 0:
		return b.round, nil
	case now.Before(b.until) || b.probing:
		e := b.cause
		e.RetryAfter = max(b.until.Sub(now), firstRest)
		return 0, &e
	default:
		b.probing = true
		return b.round, nil
	}
}

// leave notes how a call that passed ended: fault is nil when the server is
// there, whatever it said.
func (b *breaker) leave(round int, fault *Error, now time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if round != b.round {
		return
	}
	b.probing = false
	if fault == nil {
		b.faults = 0
		return
	}
	rest := mostRest
	if b.faults < 6 {
		rest = min(firstRest<<b.faults, mostRest)
	}
	b.faults++
	b.round++
	b.until, b.cause = now.Add(rest), *fault
	fault.RetryAfter = rest
}

// abandon notes that a call was ended by whoever made it, which tells nothing.
func (b *breaker) abandon(round int) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if round == b.round {
		b.probing = false
	}
}
