package queue

import (
	"context"
	"errors"
	"runtime/debug"
	"time"

	"k8s.io/klog/v2"
)

// worker serves one lane. It has no state of its own: all workers of a lane
// are the same worker.
type worker struct {
	*lane
	shards  shards
	running *running
	metrics *metrics
	besides *besides
}

// loop serves keys until the lane is shut down and empty. Keys of a shard that
// is not worked on here are dropped, and their failures forgotten.
func (w *worker) loop() {
	for {
		key, closed := w.Get()
		if closed {
			return
		}
		t := w.shards.enter(key)
		if t == nil {
			w.Forget(key)
			w.Done(key)
			continue
		}
		if slow := w.serve(t.work, key, t.handlers[key.Kind]); slow != nil {
			w.besides.start(slow.Group, slow.Places, func() { w.finish(t, key, slow) })
		} else {
			w.Done(key)
		}
		t.leave()
	}
}

// serve makes one handler call and does what the outcome table says, or
// returns what is left to do beside the workers.
func (w *worker) serve(ctx context.Context, key Key, h Handler) *Beside {
	logger := klog.FromContext(ctx).WithValues("kind", key.Kind.String(), "object", key.object(), "attempt", w.NumRequeues(key)+1)
	began := time.Now()
	w.running.start(key, began)
	result, err := call(klog.NewContext(ctx, logger), h, key)
	w.running.end(key)
	if err == nil && result.Beside != nil {
		return result.Beside
	}
	o, delay := classify(result, err, ctx.Err() != nil)
	w.metrics.handled(key.Kind, o, time.Since(began))
	report(logger, o, delay, err)
	w.settle(key, o, delay)
	return nil
}

// finish does the rest of a call, unless the term has ended before it began.
// Until then the key is not handled otherwise, also when its shard comes back.
func (w *worker) finish(t *term, key Key, slow *Beside) {
	defer w.Done(key)
	if !w.shards.reenter(key, t) {
		w.Forget(key)
		return
	}
	defer t.leave()
	w.serve(t.work, key, HandlerFunc(func(ctx context.Context, _ Key) (Result, error) {
		result, err := slow.Do(ctx)
		result.Beside = nil // once is enough
		return result, err
	}))
}

// call is one handler call whose panic, if any, comes back as an error.
func call(ctx context.Context, h Handler, key Key) (result Result, err error) {
	defer func() {
		if value := recover(); value != nil {
			err = &panicError{value, debug.Stack()}
		}
	}()
	return h.Handle(ctx, key)
}

// report is the one place where a failure is logged.
func report(logger klog.Logger, o outcome, delay time.Duration, err error) {
	switch o {
	case terminal:
		logger.Error(err, "Handler gave up, waiting for a change")
	case told:
		logger.Error(err, "Handler failed, will try again when told", "delay", delay)
	case failed:
		logger.Error(err, "Handler failed, will try again")
	case panicked:
		crash, _ := errors.AsType[*panicError](err)
		logger.Error(err, "Handler panicked, will try again", "stack", string(crash.stack))
	case conflict:
		logger.V(2).Info("Handler met a conflict, will try again", "reason", err.Error())
	case cutOff:
		logger.V(2).Info("Handler was cut off by the shutdown", "reason", err.Error())
	}
}

// settle decides when the key comes back.
func (w *worker) settle(key Key, o outcome, delay time.Duration) {
	switch o {
	case done, terminal, cutOff:
		w.Forget(key)
	case later, told:
		w.Forget(key)
		w.AddAfter(key, delay)
	case overdue, conflict, failed, panicked:
		w.AddRateLimited(key)
	}
}
