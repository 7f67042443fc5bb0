package challenges

import (
	"sync"

	"github.com/certwright/certwright/queue"

	"k8s.io/apimachinery/pkg/types"
)

// memory is what is remembered of each challenge that is at work. All of it
// may be lost: the server and the solver are then asked again.
type memory struct {
	mu  sync.Mutex
	all map[queue.Key]*recollection
}

// recollection is of one challenge; calls for one key never overlap.
type recollection struct {
	uid    types.UID
	server Server
	told   bool // the Presented event was sent
	asked  bool // the server was, in this turn or an earlier one
	// inherited is true when the server was told to look by an earlier process.
	inherited bool
	phase     Phase // as the places were told
}

func newMemory() *memory { return &memory{all: map[queue.Key]*recollection{}} }

// of returns what is remembered of a challenge, and the UID of a namesake that
// was remembered until now, or "".
func (m *memory) of(key queue.Key, uid types.UID) (r *recollection, namesake types.UID) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.all[key]
	if ok && r.uid == uid {
		return r, ""
	}
	if ok {
		namesake = r.uid
	}
	r = &recollection{uid: uid}
	m.all[key] = r
	return r, namesake
}

// forget drops what is remembered, and returns of whom.
func (m *memory) forget(key queue.Key) types.UID {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.all[key]
	if !ok {
		return ""
	}
	delete(m.all, key)
	return r.uid
}

// newTurn has the server asked anew in the next turn.
func (r *recollection) newTurn() { r.server, r.phase = Server{}, Working }
