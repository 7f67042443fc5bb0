package shims

import (
	"sync"
	"time"

	"github.com/certwright/certwright/queue"

	"k8s.io/apimachinery/pkg/types"
)

const (
	// prompt is how often what somebody else changes is put back at once, and
	// slowest the longest wait after that.
	prompt  = 3
	slowest = 5 * time.Minute
	// calm is how long a Certificate must have been left alone for it to be
	// put back at once again.
	calm = 10 * time.Minute
)

// memory is what is known of a parent beyond what the cluster holds. All of it
// may be lost: a restart tells each fault once more.
type memory struct {
	mu   sync.Mutex
	last map[queue.Key]*memo
}

type memo struct {
	uid  types.UID
	told map[string]bool
	// wrote is what was written last to each Certificate.
	wrote map[string]written
}

type written struct {
	what   string // a digest
	at     time.Time
	streak int // writes of the same in a row
}

// of returns what is remembered of a parent, begun anew for its successor.
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

// news returns the texts not told before, and forgets those that are over.
func (r *memo) news(texts []string) (fresh []string) {
	told := map[string]bool{}
	for _, t := range texts {
		if !r.told[t] && !told[t] {
			fresh = append(fresh, t)
		}
		told[t] = true
	}
	r.told = told
	return fresh
}

// pause is how long to wait before a Certificate is written: not at all, unless
// the same was undone again and again.
func (r *memo) pause(certificate, what string, now time.Time) time.Duration {
	w := r.wrote[certificate]
	if w.what != what || now.Sub(w.at) > calm || w.streak < prompt {
		return 0
	}
	wait := min(time.Second<<min(w.streak-prompt+2, 20), slowest)
	return max(0, w.at.Add(wait).Sub(now))
}

// count counts a write, and returns how many of the same there were in a row.
func (r *memo) count(certificate, what string, now time.Time) int {
	w := r.wrote[certificate]
	if w.what != what || now.Sub(w.at) > calm {
		w.streak = 0
	}
	if r.wrote == nil {
		r.wrote = map[string]written{}
	}
	r.wrote[certificate] = written{what, now, w.streak + 1}
	return w.streak + 1
}
