package scheduler

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what one Scheduler does, per entry.
type metrics struct {
	runs, keys, skipped, panics *prometheus.CounterVec
	lastRun                     *prometheus.GaugeVec
}

func newMetrics() *metrics {
	return &metrics{
		runs:    counter("certwright_scheduler_runs_total", "Runs of an entry that came to their end."),
		keys:    counter("certwright_scheduler_keys_enqueued_total", "Keys an entry put in the queue."),
		skipped: counter("certwright_scheduler_skipped_runs_total", "Runs left out because the one before was still going on."),
		panics:  counter("certwright_scheduler_panics_total", "Runs that panicked."),
		lastRun: prometheus.NewGaugeVec(prometheus.GaugeOpts{
			Name: "certwright_scheduler_last_run_timestamp_seconds",
			Help: "When an entry last ran to its end, in seconds since 1970; 0 is never.",
		}, []string{"entry"}),
	}
}

func counter(name, help string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, []string{"entry"})
}

// register shows every entry's series from the start: an entry that never ran
// must be seen as 0, not be missing.
func (m *metrics) register(to prometheus.Registerer, entries []planned) {
	for _, e := range entries {
		for _, vec := range []*prometheus.CounterVec{m.runs, m.keys, m.skipped, m.panics} {
			vec.WithLabelValues(e.Name)
		}
		m.lastRun.WithLabelValues(e.Name)
	}
	if to != nil {
		to.MustRegister(m.runs, m.keys, m.skipped, m.panics, m.lastRun)
	}
}

func (m *metrics) ran(entry string, at time.Time) {
	m.runs.WithLabelValues(entry).Inc()
	m.lastRun.WithLabelValues(entry).Set(float64(at.UnixNano()) / float64(time.Second))
}
