package queue

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"k8s.io/klog/v2"
)

// unwind is how long Run waits for handlers whose context it has cancelled. A
// cancelled client call returns within milliseconds; what has not returned
// after this does not listen, and must not hold up the rest of the shutdown.
const unwind = 5 * time.Second

// Run handles keys until ctx ends, then drains: no key is taken any more, calls
// that are running may finish within the grace time, after which their context
// is cancelled. What is left in the queue is dropped; the next start finds it
// in the caches again. Run may be called once.
//
// It returns nil when every call has come back, even if it had to be cancelled,
// and an error when the table of handlers is faulty, when Run was called before
// or when calls were abandoned because they ignored their cancelled context.
func (q *Queue) Run(ctx context.Context, handlers map[Kind]Handler) error {
	if q.ran.Swap(true) {
		return errRan
	}
	table, err := newTable(handlers)
	if err != nil {
		q.ShutDown()
		return err
	}
	work, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	for n := range q.shards {
		if err := q.shards.begin(n, &term{handlers: table, accept: ctx, work: work}); err != nil {
			return err
		}
	}
	returned := q.start()
	<-ctx.Done()
	q.ShutDown()
	return q.drain(klog.FromContext(ctx), returned, cancel)
}

// table is the handlers by kind.
type table [kindCount]Handler

func newTable(handlers map[Kind]Handler) (*table, error) {
	t := &table{}
	for k := range t {
		t[k] = HandlerFunc(unserved)
	}
	for kind, handler := range handlers {
		if !kind.known() {
			return nil, fmt.Errorf("handler for %s: no such kind", kind)
		}
		if handler == nil {
			return nil, fmt.Errorf("handler for %s is nil", kind)
		}
		t[kind] = handler
	}
	return t, nil
}

func unserved(_ context.Context, key Key) (Result, error) {
	return Result{}, Terminal(fmt.Errorf("no handler serves %s", key.Kind))
}

// start starts the workers; the channel is closed when the last one has ended.
func (q *Queue) start() <-chan struct{} {
	var workers sync.WaitGroup
	besides := newBesides(&workers)
	for _, l := range q.lanes {
		w := &worker{lane: l, shards: q.shards, running: q.running, metrics: q.metrics, besides: besides}
		for range l.workers {
			workers.Go(w.loop)
		}
	}
	returned := make(chan struct{})
	go func() {
		workers.Wait()
		close(returned)
	}()
	return returned
}

// drain waits for the workers: first politely, then having cancelled them.
func (q *Queue) drain(logger klog.Logger, returned <-chan struct{}, cancel func()) error {
	if within(q.grace, returned) {
		return nil
	}
	if late := q.running.names(nil); len(late) > 0 {
		logger.Info("Cancelling the handlers that outlast the grace time", "grace", max(q.grace, 0), "keys", late)
	}
	cancel()
	if within(unwind, returned) {
		return nil
	}
	return fmt.Errorf("handlers did not return within %s of being cancelled: %s", unwind, strings.Join(q.running.names(nil), ", "))
}

// within says whether c is closed before d has passed.
func within(d time.Duration, c <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-c:
		return true
	case <-timer.C:
		return false
	}
}
