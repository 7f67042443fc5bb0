package daemon

import (
	"runtime"
	"sync/atomic"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/prometheus/client_golang/prometheus"
	k8sruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/tools/record"
)

// issuanceMetrics is how long issuances took.
type issuanceMetrics struct{ *prometheus.HistogramVec }

func newIssuanceMetrics() issuanceMetrics {
	return issuanceMetrics{prometheus.NewHistogramVec(prometheus.HistogramOpts{
		Name: "certwright_issuance_duration_seconds",
		Help: "Time from the moment an issuance was seen to be due until its certificate was stored, in seconds, by the type of the issuer.",
		// From a local CA (tens of milliseconds) to a DNS zone that propagates slowly.
		Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200},
	}, []string{"issuer_type"})}
}

func (m issuanceMetrics) took(s stock, crt *cmapi.Certificate, took time.Duration) {
	m.WithLabelValues(issuerType(s, crt)).Observe(took.Seconds())
}

// eventMetrics counts what users are told. Quarrels (somebody else undoes what
// is written, and it is put back ever more slowly) are among it: CABundleContested,
// CertificateContested, CABundleOverwritten.
type eventMetrics struct{ *prometheus.CounterVec }

func newEventMetrics() eventMetrics {
	return eventMetrics{prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "certwright_events_total", Help: "Events told to users, repetitions included, by type and reason.",
	}, []string{"type", "reason"})}
}

// over counts what goes through a recorder.
func (m eventMetrics) over(r record.EventRecorder) record.EventRecorder { return countedEvents{r, m} }

type countedEvents struct {
	record.EventRecorder
	metrics eventMetrics
}

// Event counts an event, and passes it on. It is the one way by which handlers
// tell of something.
func (c countedEvents) Event(object k8sruntime.Object, kind, reason, message string) {
	c.metrics.WithLabelValues(kind, reason).Inc()
	c.EventRecorder.Event(object, kind, reason, message)
}

// standingMetrics is what this replica is.
type standingMetrics struct {
	version string
	keeps   bool         // it has objects to work on, and not files alone
	atWork  atomic.Int32 // leases
	// spans counts those that were sent to a collector, and those that were lost.
	spans *prometheus.CounterVec
}

var (
	buildInfo = ours("build_info", "Always 1: what this replica is.", "version", "goversion")
	leads     = ours("leader", "Whether this replica is at work: it holds a lease, or needs none.")
)

func newStandingMetrics() *standingMetrics {
	return &standingMetrics{spans: prometheus.NewCounterVec(prometheus.CounterOpts{
		Name: "certwright_trace_spans_total", Help: "Spans of traces, by what became of them: sent or lost.",
	}, []string{"outcome"})}
}

// Describe makes standingMetrics a prometheus.Collector.
func (m *standingMetrics) Describe(ch chan<- *prometheus.Desc) {
	ch <- buildInfo
	ch <- leads
	m.spans.Describe(ch)
}

// Collect makes standingMetrics a prometheus.Collector.
func (m *standingMetrics) Collect(ch chan<- prometheus.Metric) {
	ch <- gauge(buildInfo, 1, m.version, runtime.Version())
	if m.keeps {
		ch <- gauge(leads, one(m.atWork.Load() > 0))
	}
	m.spans.Collect(ch)
}

// work notes that this replica is at work, until what it returns is called.
func (m *standingMetrics) work() (ended func()) {
	m.atWork.Add(1)
	return func() { m.atWork.Add(-1) }
}
