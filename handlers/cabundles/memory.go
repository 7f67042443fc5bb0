package cabundles

import (
	"crypto/sha256"
	"sync"
	"time"

	"github.com/certwright/certwright/internal/quarrel"
	"github.com/certwright/certwright/queue"

	"k8s.io/apimachinery/pkg/types"
)

// patience is how long what may come right by itself is not told: charts make
// a webhook and the Certificate for it in one breath.
const patience = 10 * time.Second

// memory is what is known of an object beyond what the cluster holds. All of
// it may be lost: a restart looks at each object once, and tells once more.
type memory struct {
	mu   sync.Mutex
	last map[queue.Key]*memo
}

type memo struct {
	uid types.UID

	// right is the state that was found, or left, as it should be.
	right   state
	expires time.Time

	told  Tell
	since time.Time // when it was first seen
	said  bool

	writes quarrel.Streak[[sha256.Size]byte] // of CAs
}

// state is all that a decision follows from.
type state struct {
	resourceVersion string
	ca              [sha256.Size]byte
}

// of returns what is remembered of an object, begun anew for its successor.
// Calls for equal keys never overlap, so that the record needs no lock.
func (m *memory) of(key queue.Key, uid types.UID) *memo {
	m.mu.Lock()
	defer m.mu.Unlock()
	if r, ok := m.last[key]; ok && r.uid == uid {
		return r
	}
	if m.last == nil {
		m.last = map[queue.Key]*memo{}
	}
	m.last[key] = &memo{uid: uid}
	return m.last[key]
}

func (m *memory) forget(key queue.Key) {
	m.mu.Lock()
	defer m.mu.Unlock()
	delete(m.last, key)
}

// isRight reports whether the object was found as it should be in this state.
func (r *memo) isRight(s state, now time.Time) bool {
	return r.right == s && s.resourceVersion != "" && (r.expires.IsZero() || now.Before(r.expires))
}

// tell reports whether a fault is to be told now, and else how long to wait
// before asking again; zero is until something changes.
func (r *memo) tell(t Tell, now time.Time) (bool, time.Duration) {
	if r.told != t {
		r.told, r.since, r.said = t, now, false
	}
	if wait := r.since.Add(patience).Sub(now); t.Early && !r.said && wait > 0 {
		return false, wait
	}
	first := !r.said
	r.said = true
	return first, 0
}

// settled forgets the fault that is over.
func (r *memo) settled() { r.told, r.said = Tell{}, false }
