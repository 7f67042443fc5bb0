package queue

import (
	"context"
	"sync"
)

// Beside is the slow rest of a handler's call, done beside the workers. To the
// key it is the same call: until it has returned the key is not handled again,
// and its own Result or error is what counts. A stop drops those that have not
// begun, as it drops keys, and gives the others their time.
//
// So a kind whose objects are mostly handled at once can stay in the local
// lane, although some of them have to ask a server that takes seconds.
type Beside struct {
	// Group shares places: who has to wait for the same server.
	Group string
	// Places is how many of a group are done at a time; the others wait in
	// line, first come, first served. Zero or less means 1.
	Places int
	// Do is the rest. It may run long after the handler returned it: what it
	// acts on it has to look at anew.
	Do func(ctx context.Context) (Result, error)
}

// besides is what is done beside the workers.
type besides struct {
	mu     sync.Mutex
	groups map[string]*group
	// going is who a stop waits for: the workers, and these.
	going *sync.WaitGroup
}

// group is the jobs of one Beside.Group.
type group struct {
	busy    int
	waiting []func()
}

func newBesides(going *sync.WaitGroup) *besides {
	return &besides{groups: map[string]*group{}, going: going}
}

// start does the job now, or when those of the group before it are done. A
// worker calls it, so that going is not at its end.
func (b *besides) start(name string, places int, job func()) {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.groups[name]
	if g == nil {
		g = &group{}
		b.groups[name] = g
	}
	if g.busy >= max(places, 1) {
		g.waiting = append(g.waiting, job)
		return
	}
	g.busy++
	b.going.Go(func() {
		for job != nil {
			job()
			job = b.next(name)
		}
	})
}

// next takes the next job of a group; nil when there is none, which gives the
// place back.
func (b *besides) next(name string) func() {
	b.mu.Lock()
	defer b.mu.Unlock()
	g := b.groups[name]
	if len(g.waiting) > 0 {
		job := g.waiting[0]
		g.waiting[0] = nil // let it go
		g.waiting = g.waiting[1:]
		return job
	}
	if g.busy--; g.busy == 0 {
		delete(b.groups, name)
	}
	return nil
}
