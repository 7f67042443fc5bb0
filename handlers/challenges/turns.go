package challenges

import (
	"sync"

	"github.com/certwright/certwright/queue"

	"k8s.io/apimachinery/pkg/types"
)

// turns carries the phases of turns from the handler of challenges to that of
// the places. They are no part of a status: they change too often, and whoever
// begins anew sees soon enough who is stuck.
type turns struct {
	mu   sync.Mutex
	told map[types.UID]Phase
	wake func(queue.Key)
}

// tell has the places consider a phase.
func (t *turns) tell(uid types.UID, p Phase) {
	t.mu.Lock()
	if t.told == nil {
		t.told = map[types.UID]Phase{}
	}
	t.told[uid] = p
	t.mu.Unlock()
	t.wake(queue.Places)
}

// take returns what was told since it was last asked.
func (t *turns) take() map[types.UID]Phase {
	t.mu.Lock()
	defer t.mu.Unlock()
	told := t.told
	t.told = nil
	return told
}
