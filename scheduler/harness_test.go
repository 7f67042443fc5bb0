package scheduler_test

import (
	"context"
	"iter"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"

	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/queue/queuetest"
	"github.com/certwright/certwright/scheduler"
)

// clocked notes when the keys are asked for, as time since the start.
type clocked struct {
	mu    sync.Mutex
	began time.Time
	at    []time.Duration
}

func (c *clocked) keys(then func(run int)) iter.Seq[queue.Key] {
	c.began = time.Now()
	return func(yield func(queue.Key) bool) {
		c.mu.Lock()
		c.at = append(c.at, time.Since(c.began))
		run := len(c.at)
		c.mu.Unlock()
		if then != nil {
			then(run)
		}
		yield(web)
	}
}

func newScheduler(t *testing.T, o scheduler.Options, entries ...scheduler.Entry) *scheduler.Scheduler {
	t.Helper()
	if o.Queue == nil {
		o.Queue = &queuetest.Recorder{}
	}
	s, err := scheduler.New(o, entries...)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// log is what a scheduler logs, as text; entries log from several goroutines.
type log struct {
	mu   sync.Mutex
	text strings.Builder
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// start runs s in the background; the returned function stops it and waits.
func start(t *testing.T, s *scheduler.Scheduler) (logged *log, stop func()) {
	t.Helper()
	logged = &log{}
	logger := textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(logged)))
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logger))
	done := make(chan struct{})
	go func() {
		defer close(done)
		s.Run(ctx)
	}()
	synctest.Wait()
	return logged, func() {
		cancel()
		<-done
	}
}

// value gives a metric of the entry named sweep.
func value(t *testing.T, g prometheus.Gatherer, metric string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == metric && len(f.GetMetric()) == 1 && f.GetMetric()[0].GetLabel()[0].GetValue() == "sweep" {
			return f.GetMetric()[0].GetCounter().GetValue() + f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	t.Fatalf("no metric %s of the entry", metric)
	return 0
}
