package scheduler

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/robfig/cron/v3"
	"k8s.io/klog/v2"

	"github.com/certwright/certwright/queue"
)

// Options are what a Scheduler needs besides its entries.
type Options struct {
	// Queue takes the keys.
	Queue queue.Adder
	// Registerer takes the metrics; nil means none. One Registerer takes the
	// metrics of one Scheduler: a second one panics in New.
	Registerer prometheus.Registerer
}

// Scheduler runs entries by the clock. It does nothing before Run.
type Scheduler struct {
	queue   queue.Adder
	entries []planned
	metrics *metrics
}

// New checks the entries against the current time and reports the faults of all
// of them, each with the entry's field, the fault and the remedy.
func New(o Options, entries ...Entry) (*Scheduler, error) {
	if o.Queue == nil {
		return nil, errors.New("a scheduler needs a queue")
	}
	planned, err := planAll(entries, time.Now())
	if err != nil {
		return nil, err
	}
	s := &Scheduler{queue: o.Queue, entries: planned, metrics: newMetrics()}
	s.metrics.register(o.Registerer, planned)
	return s, nil
}

// Run runs every entry at once and then on its schedule, until ctx ends and the
// entries that were running have returned. It logs to the context's logger, and
// may be called again after it has returned.
func (s *Scheduler) Run(ctx context.Context) {
	clockwork := cron.New(cron.WithLocation(time.UTC), cron.WithLogger(cron.DiscardLogger))
	var first sync.WaitGroup
	for _, p := range s.entries {
		j := s.job(ctx, p)
		clockwork.Schedule(p.schedule, j)
		first.Go(j.Run)
	}
	clockwork.Start()
	klog.FromContext(ctx).V(1).Info("Scheduler started", "entries", len(s.entries))
	<-ctx.Done()
	<-clockwork.Stop().Done()
	first.Wait()
}
