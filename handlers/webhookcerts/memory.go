package webhookcerts

import (
	"sync"
	"time"
)

// memory is what is remembered of each set. All of it may be lost: a rotation
// then takes longer, or a CA owed is not made.
type memory struct {
	mu   sync.Mutex
	sets map[string]*recollection
}

// recollection is of one set; calls for one set never overlap.
type recollection struct {
	owed   Cause
	fresh  bool // the CA was made, and no server certificate by it yet
	remade int
	made   time.Time

	inPlace   string // what all bundles are, by fingerprint
	since     time.Time
	seenSince time.Time

	told    string      // the last warning of a state that lasts
	mended  []time.Time // overwritten bundles, the latest last, some of them
	drift   string      // the last one of an overwritten bundle
	driftAt time.Time
}

func newMemory() *memory { return &memory{sets: map[string]*recollection{}} }

func (m *memory) of(set string) *recollection {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.sets[set]
	if !ok {
		r = &recollection{}
		m.sets[set] = r
	}
	return r
}

// spread returns since when the bundles have been in this state; an empty
// state is one in which they are not as they should be.
func (r *recollection) spread(state string, now time.Time) time.Time {
	switch {
	case state == "":
		r.since = time.Time{}
	case state != r.inPlace || r.since.IsZero():
		r.since = now
	}
	r.inPlace = state
	return r.since
}

// saw returns since when the new certificate has been seen at every look.
func (r *recollection) saw(s Sight, now time.Time) time.Time {
	switch {
	case s != SeenNew:
		r.seenSince = time.Time{}
	case r.seenSince.IsZero():
		r.seenSince = now
	}
	return r.seenSince
}

const (
	// mendedAtOnce is how many overwritten bundles are put back at once in a
	// minute, and mendPause what lies between all further ones: two programs
	// that answer each other's writes would otherwise keep the API server busy.
	mendedAtOnce = 20
	mendPause    = 200 * time.Millisecond
)

// mend notes that an overwritten bundle was put back.
func (r *recollection) mend(now time.Time) {
	r.mended = append(r.mended, now)
	r.mended = r.mended[max(0, len(r.mended)-mendedAtOnce):]
}

// mayMend is from when the next one may be put back.
func (r *recollection) mayMend() time.Time {
	if len(r.mended) < mendedAtOnce {
		return time.Time{}
	}
	last := r.mended[len(r.mended)-1]
	if last.Sub(r.mended[0]) > time.Minute {
		return time.Time{}
	}
	return last.Add(mendPause)
}

// driftPause is how rarely the same is told of somebody who keeps overwriting:
// the API server's clients keep no more than 25 events of an object at once,
// and what matters most may be the next one.
const driftPause = time.Minute

// drifted reports whether to tell of an overwritten bundle.
func (r *recollection) drifted(text string, now time.Time) bool {
	if text == r.drift && now.Sub(r.driftAt) < driftPause {
		return false
	}
	r.drift, r.driftAt = text, now
	return true
}

// news reports whether a warning differs from the last one.
func (r *recollection) news(text string) bool {
	was := r.told
	r.told = text
	return text != "" && text != was
}
