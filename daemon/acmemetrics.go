package daemon

import (
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/tracing"

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

func (m acmeMetrics) observe(ctx context.Context, c acme.Call) {
	if tracing.Traced(ctx) {
		tracing.Note(ctx, acmeWork(c))
	}
	status := c.Status
	if status == 0 {
		status = unanswered
	}
	labels := []string{c.Scheme, c.Host, c.Action, c.Method, strconv.Itoa(status)}
	m.count.WithLabelValues(labels...).Inc()
	m.took.WithLabelValues(labels...).Observe(c.Took.Seconds())
}

// acmeWork is a request as a trace shows it: nothing of its URL, which may be
// all that it takes to read what is there.
func acmeWork(c acme.Call) tracing.Work {
	ended := time.Now()
	w := tracing.Work{Name: "ACME " + c.Action, Outside: true, Began: ended.Add(-c.Took), Ended: ended,
		Attributes: []tracing.Attribute{
			tracing.String("server.address", c.Host), tracing.String("http.request.method", c.Method), tracing.Int("http.response.status_code", c.Status),
		}}
	switch {
	case c.Status == 0:
		w.Fault = "no answer"
	case c.Status >= 400:
		w.Fault = http.StatusText(c.Status)
	}
	return w
}
