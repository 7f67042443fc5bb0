package scheduler

import (
	"context"
	"fmt"
	"runtime/debug"
	"sync/atomic"
	"time"

	"k8s.io/klog/v2"

	"github.com/certwright/certwright/queue"
)

// job is one entry at work; it is a cron.Job.
type job struct {
	planned
	ctx     context.Context // of Scheduler.Run; cron.Job.Run takes none
	queue   queue.Adder
	metrics *metrics
	busy    atomic.Bool
}

func (s *Scheduler) job(ctx context.Context, p planned) *job {
	logger := klog.FromContext(ctx).WithValues("entry", p.Name)
	return &job{planned: p, ctx: klog.NewContext(ctx, logger), queue: s.queue, metrics: s.metrics}
}

// Run runs the entry once, unless its last run is still going on.
func (j *job) Run() {
	logger := klog.FromContext(j.ctx)
	if j.busy.Swap(true) {
		j.metrics.skipped.WithLabelValues(j.Name).Inc()
		logger.Info("Skipping a run, the one before is still going on")
		return
	}
	defer j.busy.Store(false)
	defer j.recovered(logger)
	n, finished := j.enqueue()
	if !finished {
		return
	}
	j.metrics.ran(j.Name, time.Now())
	logger.V(2).Info("Entry ran", "keys", n)
}

// enqueue puts the entry's keys in the queue, each at its place in the window,
// unless the scheduler is stopped before the last.
func (j *job) enqueue() (n int, finished bool) {
	keys := j.metrics.keys.WithLabelValues(j.Name)
	for key := range j.Keys {
		if j.ctx.Err() != nil {
			return n, false
		}
		j.queue.AddAfter(key, Spread(key, j.Spread))
		keys.Inc()
		n++
	}
	return n, true
}

// recovered keeps a panic of the entry from ending the process. It is deferred
// itself, or recover would see nothing.
func (j *job) recovered(logger klog.Logger) {
	if value := recover(); value != nil {
		j.metrics.panics.WithLabelValues(j.Name).Inc()
		logger.Error(fmt.Errorf("panic: %v", value), "Entry panicked, will run again on schedule", "stack", string(debug.Stack()))
	}
}
