package queue

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// metrics counts what one Queue does. It exists without a Registerer too, so
// that the code which counts need not ask. The accounting is the queue's own
// because client-go's is per queue, not per kind, and wakes twice a second to
// look at what is running; this one looks when it is scraped.
type metrics struct {
	perKind  [kindCount]kindMetrics
	duration *prometheus.HistogramVec
	vecs     []prometheus.Collector
	running  *running
	waited   func(Key, time.Duration) // nil: nobody is told
}

// kindMetrics are one kind's series, looked up once.
type kindMetrics struct {
	depth                                 prometheus.Gauge
	adds, retries, panics, calls, errored prometheus.Counter
	latency                               prometheus.Observer
}

// buckets reach from a cache read (1 ms) to a stuck remote call (4 min).
func buckets() []float64 { return prometheus.ExponentialBuckets(0.001, 4, 10) }

func newMetrics(r *running) *metrics {
	m := &metrics{running: r}
	depth := prometheus.NewGaugeVec(prometheus.GaugeOpts{
		Name: "certwright_queue_depth", Help: "Keys ready to be handled that no worker has taken yet.",
	}, []string{"kind"})
	m.vecs = append(m.vecs, depth)
	adds := m.counter("certwright_queue_adds_total", "Keys that became ready to be handled, equal ones counted once.", "kind")
	retries := m.counter("certwright_queue_retries_total", "Handler calls that were followed by another try, conflicts included.", "kind")
	panics := m.counter("certwright_queue_panics_total", "Handler calls that panicked.", "kind")
	calls := m.counter("certmanager_controller_sync_call_count", "The number of sync() calls made by a controller.", "controller")
	errored := m.counter("certmanager_controller_sync_error_count", "The number of errors encountered during controller sync().", "controller")
	latency := m.histogram("certwright_queue_latency_seconds", "How long a key was ready before a worker took it.", "kind")
	m.duration = m.histogram("certwright_queue_work_duration_seconds", "How long a handler call took, by its outcome.", "kind", "outcome")
	for _, k := range Kinds() {
		row := kinds[k]
		m.perKind[k] = kindMetrics{
			depth:   depth.WithLabelValues(row.noun),
			adds:    adds.WithLabelValues(row.noun),
			retries: retries.WithLabelValues(row.noun),
			panics:  panics.WithLabelValues(row.noun),
			calls:   calls.WithLabelValues(row.controller),
			errored: errored.WithLabelValues(row.controller),
			latency: latency.WithLabelValues(row.noun),
		}
	}
	return m
}

func (m *metrics) counter(name, help string, labels ...string) *prometheus.CounterVec {
	vec := prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
	m.vecs = append(m.vecs, vec)
	return vec
}

func (m *metrics) histogram(name, help string, labels ...string) *prometheus.HistogramVec {
	vec := prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets()}, labels)
	m.vecs = append(m.vecs, vec)
	return vec
}

func (m *metrics) register(to prometheus.Registerer) {
	if to == nil {
		return
	}
	to.MustRegister(m.vecs...)
	to.MustRegister(runningCollector{m.running})
}

func (m *metrics) added(kind Kind) {
	m.perKind[kind].adds.Inc()
	m.perKind[kind].depth.Inc()
}

func (m *metrics) taken(key Key, waited time.Duration) {
	m.perKind[key.Kind].depth.Dec()
	m.perKind[key.Kind].latency.Observe(waited.Seconds())
	if m.waited != nil {
		m.waited(key, waited)
	}
}

// handled counts one handler call.
func (m *metrics) handled(kind Kind, o outcome, took time.Duration) {
	k := &m.perKind[kind]
	k.calls.Inc()
	m.duration.WithLabelValues(kind.String(), string(o)).Observe(took.Seconds())
	if o.isFailure() {
		k.errored.Inc()
	}
	if o.isRetried() {
		k.retries.Inc()
	}
	if o == panicked {
		k.panics.Inc()
	}
}

// runningCollector reads the ages of the running calls at the time of a scrape.
type runningCollector struct{ running *running }

func unfinishedDesc() *prometheus.Desc {
	return prometheus.NewDesc("certwright_queue_unfinished_work_seconds",
		"Sum of the running times of the handler calls now running.", []string{"kind"}, nil)
}

func longestDesc() *prometheus.Desc {
	return prometheus.NewDesc("certwright_queue_longest_running_seconds",
		"Running time of the oldest handler call now running.", []string{"kind"}, nil)
}

// Describe implements prometheus.Collector.
func (c runningCollector) Describe(out chan<- *prometheus.Desc) {
	out <- unfinishedDesc()
	out <- longestDesc()
}

// Collect implements prometheus.Collector.
func (c runningCollector) Collect(out chan<- prometheus.Metric) {
	sum, longest := c.running.ages(time.Now())
	unfinished, oldest := unfinishedDesc(), longestDesc()
	for _, k := range Kinds() {
		out <- prometheus.MustNewConstMetric(unfinished, prometheus.GaugeValue, sum[k].Seconds(), k.String())
		out <- prometheus.MustNewConstMetric(oldest, prometheus.GaugeValue, longest[k].Seconds(), k.String())
	}
}
