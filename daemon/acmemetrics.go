package daemon

import (
	"strconv"

	"github.com/certwright/certwright/internal/acme"

	"github.com/prometheus/client_golang/prometheus"
)

// acmeMetrics meters the requests to ACME servers under the contract's names
// (section 1.6). Hosts are those of issuers and actions a fixed set, so nobody
// outside decides how many series there are.
type acmeMetrics struct {
	count *prometheus.CounterVec
	took  *prometheus.SummaryVec
}

// unanswered is the contract's status of a request that got no answer.
const unanswered = 999

func newACMEMetrics(r prometheus.Registerer) acmeMetrics {
	labels := []string{"scheme", "host", "action", "method", "status"}
	m := acmeMetrics{
		count: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "http_acme_client_request_count", Help: "Requests to ACME servers.",
		}, labels),
		took: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Namespace: namespace, Name: "http_acme_client_request_duration_seconds",
			Help:       "Time from a request to an ACME server until its whole answer was there, in seconds.",
			Objectives: map[float64]float64{0.5: 0.05, 0.9: 0.01, 0.99: 0.001},
		}, labels),
	}
	r.MustRegister(m.count, m.took)
	return m
}

func (m acmeMetrics) observe(c acme.Call) {
	status := c.Status
	if status == 0 {
		status = unanswered
	}
	labels := []string{c.Scheme, c.Host, c.Action, c.Method, strconv.Itoa(status)}
	m.count.WithLabelValues(labels...).Inc()
	m.took.WithLabelValues(labels...).Observe(c.Took.Seconds())
}
