package daemon

import (
	"net/http"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/certwright/certwright/daemon/connection"
	"github.com/certwright/certwright/internal/tracing"

	"github.com/prometheus/client_golang/prometheus"
)

// apiCalls is the way to the API server, with its requests metered and, where
// they belong to a call that is traced, noted.
type apiCalls struct {
	base     http.RoundTripper
	requests *prometheus.CounterVec
	took     *prometheus.HistogramVec
	// skew is nanoseconds, and looked when it was looked at last, as Unix time.
	skew, looked atomic.Int64
}

var clockSkew = ours("api_server_clock_skew_seconds", "By how much this machine's clock is ahead of the API server's, in seconds; less than one cannot be told from none.")

func newAPICalls(base http.RoundTripper) *apiCalls {
	if base == nil {
		base = http.DefaultTransport
	}
	return &apiCalls{
		base: base,
		requests: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "certwright_api_requests_total",
			Help: "Requests to the API server, by verb, resource and status of HTTP; 0 where no answer came. Those to none of its resources have an empty one.",
		}, []string{"verb", "resource", "code"}),
		took: prometheus.NewHistogramVec(prometheus.HistogramOpts{
			Name:    "certwright_api_request_duration_seconds",
			Help:    "Time from a request to the API server until its answer began, in seconds, watches left out.",
			Buckets: prometheus.ExponentialBuckets(0.001, 4, 8), // up to 16 s
		}, []string{"verb"}),
	}
}

// Describe makes apiCalls a prometheus.Collector.
func (a *apiCalls) Describe(ch chan<- *prometheus.Desc) {
	a.requests.Describe(ch)
	a.took.Describe(ch)
	ch <- clockSkew
}

// Collect makes apiCalls a prometheus.Collector.
func (a *apiCalls) Collect(ch chan<- prometheus.Metric) {
	a.requests.Collect(ch)
	a.took.Collect(ch)
	if a.looked.Load() != 0 {
		ch <- gauge(clockSkew, time.Duration(a.skew.Load()).Seconds())
	}
}

// RoundTrip makes apiCalls a http.RoundTripper.
func (a *apiCalls) RoundTrip(r *http.Request) (*http.Response, error) {
	t := targeted(r)
	began := time.Now()
	answer, err := a.base.RoundTrip(r)
	ended := time.Now()
	code := 0
	if err == nil {
		code = answer.StatusCode
		a.look(answer, began, ended)
	}
	a.requests.WithLabelValues(t.verb, t.resource, strconv.Itoa(code)).Inc()
	if t.verb != "watch" {
		a.took.WithLabelValues(t.verb).Observe(ended.Sub(began).Seconds())
	}
	if tracing.Traced(r.Context()) {
		tracing.Note(r.Context(), t.work(code, began, ended))
	}
	return answer, err
}

// skewEvery is how often the clocks are compared.
const skewEvery = 10 * time.Second

func (a *apiCalls) look(answer *http.Response, began, ended time.Time) {
	last := a.looked.Load()
	if ended.Unix()-last < int64(skewEvery/time.Second) || !a.looked.CompareAndSwap(last, ended.Unix()) {
		return
	}
	if skew, ok := connection.Skew(answer, began, ended); ok {
		a.skew.Store(int64(skew))
	}
}

// aim is what a request to the API server is for.
type aim struct{ verb, resource, namespace, name string }

// targeted reads that out of the path, as an audit log shows it.
func targeted(r *http.Request) aim {
	t := aim{verb: strings.ToLower(r.Method)}
	parts := strings.Split(strings.Trim(r.URL.Path, "/"), "/")
	switch {
	case parts[0] == "api" && len(parts) > 2:
		parts = parts[2:]
	case parts[0] == "apis" && len(parts) > 3:
		parts = parts[3:]
	default:
		return t // discovery, probes
	}
	if parts[0] == "namespaces" && len(parts) > 2 {
		t.namespace, parts = parts[1], parts[2:]
	}
	t.resource = parts[0]
	if len(parts) > 1 {
		t.name = parts[1]
	}
	if len(parts) > 2 {
		t.resource += "/" + parts[2]
	}
	t.verb = verb(r, t.name)
	return t
}

func verb(r *http.Request, name string) string {
	switch r.Method {
	case http.MethodGet:
		switch q := r.URL.Query().Get("watch"); {
		case q == "true", q == "1":
			return "watch"
		case name == "":
			return "list"
		}
		return "get"
	case http.MethodPost:
		return "create"
	case http.MethodPut:
		return "update"
	case http.MethodPatch:
		if r.Header.Get("Content-Type") == "application/apply-patch+yaml" {
			return "apply"
		}
		return "patch"
	case http.MethodDelete:
		return "delete"
	}
	return strings.ToLower(r.Method)
}

// work is a request as a trace shows it.
func (t aim) work(code int, began, ended time.Time) tracing.Work {
	w := tracing.Work{Name: t.verb + " " + t.resource, Outside: true, Began: began, Ended: ended,
		Attributes: []tracing.Attribute{
			tracing.String("peer.service", "kube-apiserver"), tracing.Int("http.response.status_code", code),
			tracing.String("k8s.namespace.name", t.namespace), tracing.String("k8s.object.name", t.name),
		}}
	switch {
	case code == 0:
		w.Fault = "no answer"
	case code >= 400 && code != http.StatusNotFound && code != http.StatusConflict: // those are answers
		w.Fault = http.StatusText(code)
	}
	return w
}
