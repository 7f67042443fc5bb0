package challenges

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"sync"

	"github.com/certwright/certwright/queue"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/klog/v2"
	"k8s.io/utils/clock"
)

// runs carries out what takes long: one run for each challenge and verb at a
// time, beside the workers of the queue. A run wakes the challenge when it has
// a result, which is kept until the challenge is forgotten.
type runs struct {
	clock clock.PassiveClock
	wake  func(queue.Key)
	// rooms bound how many run at a time: those that clean up apart from the
	// others, so that neither keep the others waiting.
	rooms [verbs]chan struct{}

	mu sync.Mutex
	of map[types.UID]*[verbs]slot
}

// slot is what is known of one verb of a challenge.
type slot struct {
	Run
	cancel context.CancelFunc // nil while nothing runs
	ended  chan struct{}      // closed when what ran last has ended; nil: nothing did
}

// newRuns lets twice as many work at a time as there are places: a run may
// outlast its turn.
func newRuns(places int, now clock.PassiveClock, wake func(queue.Key)) *runs {
	work := make(chan struct{}, 2*places)
	return &runs{clock: now, wake: wake, of: map[types.UID]*[verbs]slot{},
		rooms: [verbs]chan struct{}{Present: work, Visible: work, Remove: make(chan struct{}, places)}}
}

// look tells what is known of a challenge's runs.
func (r *runs) look(uid types.UID) (known [verbs]Run) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if slots, ok := r.of[uid]; ok {
		for v := range slots {
			known[v] = slots[v].Run
		}
	}
	return known
}

// start begins a run unless one is at work. Taking away what was presented
// ends the other runs first: they would put it there again.
func (r *runs) start(ctx context.Context, key queue.Key, uid types.UID, v Verb, do func(context.Context) error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slots, ok := r.of[uid]
	if !ok {
		slots = &[verbs]slot{}
		r.of[uid] = slots
	}
	s := &slots[v]
	if s.Running {
		return
	}
	var before []<-chan struct{}
	if v == Remove {
		for other := range slots {
			if o := &slots[other]; o.cancel != nil {
				o.cancel()
				before = append(before, o.ended)
			}
		}
	}
	ctx, s.cancel = context.WithCancel(ctx)
	s.Running, s.Began, s.ended = true, r.clock.Now(), make(chan struct{})
	go r.run(ctx, key, v, before, do, s)
}

// run waits for its room, works, and enters what came of it.
func (r *runs) run(ctx context.Context, key queue.Key, v Verb, before []<-chan struct{}, do func(context.Context) error, s *slot) {
	defer close(s.ended)
	for _, ended := range before {
		<-ended // cancelled, so it comes
	}
	err := r.inRoom(ctx, v, do)
	r.mu.Lock()
	defer r.mu.Unlock()
	cut := ctx.Err() != nil
	s.cancel()
	s.cancel = nil
	switch s.Running = false; {
	case cut: // by us: it says nothing
		s.Run = Run{}
	case err == nil:
		s.Ended, s.Err, s.Failed = r.clock.Now(), nil, 0
	default:
		s.Ended, s.Err, s.Failed = r.clock.Now(), err, s.Failed+1
	}
	r.wake(key)
}

// inRoom does the work while it has a room, and for no longer than its limit.
func (r *runs) inRoom(ctx context.Context, v Verb, do func(context.Context) error) error {
	select {
	case r.rooms[v] <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { <-r.rooms[v] }()
	limited, cancel := context.WithTimeout(ctx, limits[v])
	defer cancel()
	err := guarded(limited, do)
	if err != nil && limited.Err() != nil {
		return fmt.Errorf("no result within %s", limits[v])
	}
	return err
}

// guarded makes an error of a solver's panic, which must not end the daemon.
func guarded(ctx context.Context, do func(context.Context) error) (err error) {
	defer func() {
		if value := recover(); value != nil {
			klog.FromContext(ctx).Error(nil, "Solver panicked, will try again", "panic", value, "stack", string(debug.Stack()))
			err = errors.New("the solver failed by a fault of its own: see the log of certwright")
		}
	}()
	return do(ctx)
}

// newTurn drops what belongs to an earlier turn: self checks, and failures. A
// proof that is being presented meanwhile may come to its end.
func (r *runs) newTurn(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slots, ok := r.of[uid]
	if !ok {
		return
	}
	if s := &slots[Visible]; s.cancel != nil {
		s.cancel()
	} else {
		s.Run = Run{}
	}
	if s := &slots[Present]; s.failed() {
		s.Run = Run{}
	}
}

// forget drops all of a challenge, and ends what runs.
func (r *runs) forget(uid types.UID) {
	r.mu.Lock()
	defer r.mu.Unlock()
	slots, ok := r.of[uid]
	if !ok {
		return
	}
	for v := range slots {
		if slots[v].cancel != nil {
			slots[v].cancel()
		}
	}
	delete(r.of, uid)
}
