package signingrequests

import (
	"sync"

	"k8s.io/apimachinery/pkg/types"
)

// told remembers what the events about waiting requests have said, because
// their status does not: a request that is looked at again and again while it
// waits would otherwise tell the same each time. After a restart it is told
// once more.
type told struct {
	mu   sync.Mutex
	last map[string]saying // by the request's name
}

type saying struct {
	uid  types.UID
	wait Wait
}

// news reports whether the request of that name and UID has not just told w.
func (t *told) news(name string, uid types.UID, w Wait) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.last[name] == (saying{uid, w}) {
		return false
	}
	if t.last == nil {
		t.last = map[string]saying{}
	}
	t.last[name] = saying{uid, w}
	return true
}

// forget keeps nothing of a request that waits no more.
func (t *told) forget(name string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	delete(t.last, name)
}
