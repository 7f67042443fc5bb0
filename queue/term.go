package queue

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"

	"k8s.io/klog/v2"
)

// Term is the work on one shard, from when it is this process's until it is
// not any more. It has handlers of its own, so that what they remember ends
// with it: by the next term somebody else may have been at work.
type Term struct {
	// Shard is which one.
	Shard int
	// Handlers serve its keys.
	Handlers map[Kind]Handler
	// Keys are all keys there are, of any shard. Those of this one are added
	// when the term has begun: what was added before is lost.
	Keys iter.Seq[Key]
	// Cut, when it ends, ends the calls without any grace; nil: never.
	Cut context.Context
}

// Work handles the keys of one shard until ctx ends, and returns when every
// call for them has come back: to the end, cancelled after the grace time, or
// cut off. It may be called again, for that shard after it has returned.
//
// Errors: a faulty table of handlers; the shard is worked on already; calls
// ignored that they were cancelled, and may still go on.
func (q *Queue) Work(ctx context.Context, t Term) error {
	handlers, err := newTable(t.Handlers)
	if err != nil {
		return err
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	if t.Cut != nil {
		defer context.AfterFunc(t.Cut, cancel)()
	}
	now := &term{handlers: handlers, accept: ctx, work: work}
	if err := q.shards.begin(t.Shard, now); err != nil {
		return err
	}
	for key := range t.Keys {
		if key.Shard(len(q.shards)) == t.Shard {
			q.Add(key)
		}
	}
	<-ctx.Done()
	q.shards.end(t.Shard)
	return q.drainTerm(klog.FromContext(ctx), t.Shard, now, cancel)
}

// drainTerm waits for the calls of a term, as drain does for all.
func (q *Queue) drainTerm(logger klog.Logger, shard int, t *term, cancel func()) error {
	returned := make(chan struct{})
	go func() {
		t.going.Wait()
		close(returned)
	}()
	if within(q.grace, returned) {
		return nil
	}
	mine := func(k Key) bool { return k.Shard(len(q.shards)) == shard }
	if late := q.running.names(mine); len(late) > 0 {
		logger.Info("Cancelling the handlers that outlast the grace time", "shard", shard, "grace", max(q.grace, 0), "keys", late)
	}
	cancel()
	if within(unwind, returned) {
		return nil
	}
	return fmt.Errorf("handlers did not return within %s of being cancelled: %s", unwind, strings.Join(q.running.names(mine), ", "))
}

// Serve runs the workers until ctx ends; what they do is said by Work, whose
// calls must have returned before. It may be called once, in place of Run.
// Errors: it was called before; calls go on that Work has abandoned.
func (q *Queue) Serve(ctx context.Context) error {
	if q.ran.Swap(true) {
		return errRan
	}
	returned := q.start()
	<-ctx.Done()
	q.ShutDown()
	if within(unwind, returned) {
		return nil
	}
	return fmt.Errorf("calls are still going on: %s", strings.Join(q.running.names(nil), ", "))
}

var errRan = errors.New("queue was run before: make a new one")

// term is a Term at work.
type term struct {
	handlers *table
	accept   context.Context // when it has ended no call is begun any more
	work     context.Context // of the calls
	going    sync.WaitGroup  // the calls
}

// shards are the parts of the key space, and the term of each.
type shards []shard

type shard struct {
	mu   sync.Mutex
	term *term // nil: this process does not work on it
}

func (s shards) of(key Key) *shard { return &s[key.Shard(len(s))] }

// begin makes t the term of a shard.
func (s shards) begin(n int, t *term) error {
	if n < 0 || n >= len(s) {
		return fmt.Errorf("shard %d of %d: no such shard", n, len(s))
	}
	s[n].mu.Lock()
	defer s[n].mu.Unlock()
	if s[n].term != nil {
		return fmt.Errorf("shard %d is worked on already", n)
	}
	s[n].term = t
	return nil
}

func (s shards) end(n int) {
	s[n].mu.Lock()
	defer s[n].mu.Unlock()
	s[n].term = nil
}

// wants tells whether there is any use in keeping a key. Where there is one
// shard it is kept for the time when it is this process's.
func (s shards) wants(key Key) bool {
	if len(s) == 1 {
		return true
	}
	sh := s.of(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	return sh.term != nil
}

// enter counts a call for key in and returns its term; nil when there is to be
// none here and now. Who has entered calls leave.
func (s shards) enter(key Key) *term {
	sh := s.of(key)
	sh.mu.Lock()
	defer sh.mu.Unlock()
	if sh.term == nil || sh.term.accept.Err() != nil {
		return nil
	}
	sh.term.going.Add(1)
	return sh.term
}

// reenter is enter for the rest of a call, which belongs to the term it was
// begun in, and to no later one.
func (s shards) reenter(key Key, t *term) bool {
	now := s.enter(key)
	if now != nil && now != t {
		now.leave()
	}
	return now != nil && now == t
}

func (t *term) leave() { t.going.Done() }
