package shims

import (
	"sync"

	"github.com/certwright/certwright/internal/quarrel"
	"github.com/certwright/certwright/queue"

	"k8s.io/apimachinery/pkg/types"
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
	wrote map[string]*quarrel.Streak[string] // of digests
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

// streak is that of a Certificate.
func (r *memo) streak(certificate string) *quarrel.Streak[string] {
	if r.wrote == nil {
		r.wrote = map[string]*quarrel.Streak[string]{}
	}
	if r.wrote[certificate] == nil {
		r.wrote[certificate] = &quarrel.Streak[string]{}
	}
	return r.wrote[certificate]
}
