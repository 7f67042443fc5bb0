package daemon

import (
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// venafiMetrics meters the calls to Venafi under the contract's names (section
// 1.6).
type venafiMetrics struct {
	calls     *prometheus.SummaryVec
	tokens    *prometheus.CounterVec
	tokenTook prometheus.Summary
}

func newVenafiMetrics(r prometheus.Registerer) venafiMetrics {
	quantiles := map[float64]float64{0.5: 0.05, 0.9: 0.01, 0.99: 0.001}
	m := venafiMetrics{
		calls: prometheus.NewSummaryVec(prometheus.SummaryOpts{
			Namespace: namespace, Name: "http_venafi_client_request_duration_seconds",
			Help: "Time that a call to Venafi took, in seconds.", Objectives: quantiles,
		}, []string{"api_call"}),
		tokens: prometheus.NewCounterVec(prometheus.CounterOpts{
			Namespace: namespace, Name: "venafi_oauth_token_requests_total",
			Help: "Requests to Venafi for a token, or for a check of one.",
		}, []string{"status"}),
		tokenTook: prometheus.NewSummary(prometheus.SummaryOpts{
			Namespace: namespace, Name: "venafi_oauth_token_request_duration_seconds",
			Help: "Time that those took, in seconds.", Objectives: quantiles,
		}),
	}
	r.MustRegister(m.calls, m.tokens, m.tokenTook)
	return m
}

// Call notes one call.
func (m venafiMetrics) Call(name string, took time.Duration) {
	m.calls.WithLabelValues(name).Observe(took.Seconds())
}

// Token notes one request for a token.
func (m venafiMetrics) Token(good bool, took time.Duration) {
	status := "failure"
	if good {
		status = "success"
	}
	m.tokens.WithLabelValues(status).Inc()
	m.tokenTook.Observe(took.Seconds())
}
