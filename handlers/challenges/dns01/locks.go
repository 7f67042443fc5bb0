package dns01

import (
	"context"
	"sync"
)

// locks gives each name to one at a time: most providers change all values at a
// name by reading and writing them.
type locks struct {
	mu   sync.Mutex
	held map[string]*waiting
}

type waiting struct {
	free  chan struct{} // holds one token while nobody has the name
	users int
}

// lock waits for a name. Errors: the end of ctx.
func (l *locks) lock(ctx context.Context, name string) (unlock func(), err error) {
	w := l.enter(name)
	select {
	case <-w.free:
		return func() { w.free <- struct{}{}; l.leave(name) }, nil
	case <-ctx.Done():
		l.leave(name)
		return nil, ctx.Err()
	}
}

func (l *locks) enter(name string) *waiting {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.held[name]
	if w == nil {
		w = &waiting{free: make(chan struct{}, 1)}
		w.free <- struct{}{}
		if l.held == nil {
			l.held = map[string]*waiting{}
		}
		l.held[name] = w
	}
	w.users++
	return w
}

func (l *locks) leave(name string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	w := l.held[name]
	if w.users--; w.users == 0 {
		delete(l.held, name)
	}
}
