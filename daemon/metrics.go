package daemon

import (
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/handlers/issuers"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	dto "github.com/prometheus/client_model/go"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// stock is what the metrics of state are read from, at each scrape: nothing to
// keep in step, and no series of what is gone.
type stock interface {
	Certificates() []*cmapi.Certificate
	Issuers() []*cmapi.Issuer
	ClusterIssuers() []*cmapi.ClusterIssuer
	Orders() []*cmacme.Order
	Challenges() []*cmacme.Challenge
	IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer
}

// registerMetrics registers what is not registered by the parts themselves.
func (d *Daemon) registerMetrics() {
	d.metrics.MustRegister(
		clocks{}, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		d.events, d.issuances, d.standing,
	)
	if d.cfg.Keeps() {
		d.metrics.MustRegister(workState{d.set, d.cfg.MaxConcurrentChallenges},
			issuerState{stock: d.set, caEnds: d.ca.Ends, paused: d.pauses, clusterNamespace: d.cfg.ClusterResourceNamespace})
	}
	if d.clients.Calls != nil {
		d.metrics.MustRegister(d.clients.Calls)
	}
}

// Gather makes Daemon a prometheus.Gatherer: of what is counted, and of what is
// there. The latter has several series for each object, and goes past the
// registry, which would look at each of them twice.
func (d *Daemon) Gather() ([]*dto.MetricFamily, error) {
	families, err := d.metrics.Gather()
	if d.cfg.Keeps() {
		families = append(families, inventory(d.set)...)
	}
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	return families, err
}

const namespace = "certmanager"

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

func gauge(desc *prometheus.Desc, value float64, labels ...string) prometheus.Metric {
	return prometheus.MustNewConstMetric(desc, prometheus.GaugeValue, value, labels...)
}

func one(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

// seconds is 0 for a time that is not set, as the contract's dashboards expect.
func seconds(t *metav1.Time) float64 {
	if t == nil {
		return 0
	}
	return float64(t.Unix())
}

var (
	clockTime = describe("clock_time_seconds", "The clock time, in seconds since 1970. Deprecated: a counter by mistake, use clock_time_seconds_gauge.")
	clockNow  = describe("clock_time_seconds_gauge", "The clock time, in seconds since 1970.")
)

// clocks is the contract's metrics of the time.
type clocks struct{}

// Describe makes clocks a prometheus.Collector.
func (clocks) Describe(ch chan<- *prometheus.Desc) {
	ch <- clockTime
	ch <- clockNow
}

// Collect makes clocks a prometheus.Collector.
func (clocks) Collect(ch chan<- prometheus.Metric) {
	now := float64(time.Now().Unix())
	ch <- prometheus.MustNewConstMetric(clockTime, prometheus.CounterValue, now)
	ch <- prometheus.MustNewConstMetric(clockNow, prometheus.GaugeValue, now)
}

// unknownType stands for an issuer that is gone, or of no one type.
const unknownType = "unknown"

// issuerType is the type of a Certificate's issuer, in the words of its spec.
func issuerType(s stock, crt *cmapi.Certificate) string {
	if g := crt.Spec.IssuerRef.Group; g != "" && g != "cert-manager.io" {
		return "external"
	}
	issuer := s.IssuerFor(crt.Namespace, crt.Spec.IssuerRef)
	if issuer == nil {
		return unknownType
	}
	return typeOf(issuer)
}

func typeOf(issuer cmapi.GenericIssuer) string {
	t, err := issuers.TypeOf(issuer.GetSpec())
	if err != nil {
		return unknownType
	}
	return string(t)
}
