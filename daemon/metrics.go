package daemon

import (
	"time"

	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// registerMetrics registers what is not registered by the parts themselves,
// and returns where the duration of an issuance is to be told.
func (d *Daemon) registerMetrics() func(time.Duration) {
	took := prometheus.NewHistogram(prometheus.HistogramOpts{
		Name: "certwright_issuance_duration_seconds",
		Help: "Time from the moment an issuance was seen to be due until its certificate was stored, in seconds.",
		// From a local CA (tens of milliseconds) to a DNS zone that propagates slowly.
		Buckets: []float64{.01, .025, .05, .1, .25, .5, 1, 2.5, 5, 10, 30, 60, 300, 1800, 7200},
	})
	d.metrics.MustRegister(took, inventory{d.set},
		collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return func(t time.Duration) { took.Observe(t.Seconds()) }
}

// inventory reports the state of everything in the cache, at each scrape, under
// the contract's names (section 1.6): nothing to keep in step, nothing to leak.
type inventory struct{ set *informers.Set }

const namespace = "certmanager"

func describe(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(prometheus.BuildFQName(namespace, "", name), help, labels, nil)
}

var (
	issuerLabels = []string{"issuer_name", "issuer_kind", "issuer_group"}

	clockTime = describe("clock_time_seconds", "The clock time, in seconds since 1970. Deprecated: a counter by mistake, use clock_time_seconds_gauge.")
	clockNow  = describe("clock_time_seconds_gauge", "The clock time, in seconds since 1970.")

	certReady = describe("certificate_ready_status", "Whether a Certificate's Ready condition has this status: 1 for the one it has.",
		append([]string{"name", "namespace", "condition"}, issuerLabels...)...)
	certNotAfter   = describeTime("certificate_not_after_timestamp_seconds", "End of validity of the stored certificate")
	certNotBefore  = describeTime("certificate_not_before_timestamp_seconds", "Begin of validity of the stored certificate")
	certExpiration = describeTime("certificate_expiration_timestamp_seconds", "End of validity of the stored certificate (older name)")
	certRenewal    = describeTime("certificate_renewal_timestamp_seconds", "Time of the next renewal")

	issuerStatus        = describe("issuer_ready_status", "Whether an Issuer's Ready condition has this status: 1 for the one it has.", "name", "namespace", "condition")
	clusterIssuerStatus = describe("clusterissuer_ready_status", "Whether a ClusterIssuer's Ready condition has this status: 1 for the one it has.", "name", "condition")
)

func describeTime(name, help string) *prometheus.Desc {
	return describe(name, help+", in seconds since 1970.", append([]string{"name", "namespace"}, issuerLabels...)...)
}

// Describe makes inventory a prometheus.Collector.
func (inventory) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{clockTime, clockNow, certReady, certNotAfter, certNotBefore,
		certExpiration, certRenewal, issuerStatus, clusterIssuerStatus, challengeStatus, challengePlaces, challengesWaiting} {
		ch <- d
	}
}

// Collect makes inventory a prometheus.Collector.
func (i inventory) Collect(ch chan<- prometheus.Metric) {
	now := float64(time.Now().Unix())
	ch <- prometheus.MustNewConstMetric(clockTime, prometheus.CounterValue, now)
	ch <- prometheus.MustNewConstMetric(clockNow, prometheus.GaugeValue, now)
	for _, crt := range i.set.Certificates() {
		collectCertificate(ch, crt)
	}
	for _, issuer := range i.set.Issuers() {
		collectReady(ch, issuerStatus, issuerReady(&issuer.Status), issuer.Name, issuer.Namespace)
	}
	for _, issuer := range i.set.ClusterIssuers() {
		collectReady(ch, clusterIssuerStatus, issuerReady(&issuer.Status), issuer.Name)
	}
	collectChallenges(ch, i.set.Challenges())
}

func collectCertificate(ch chan<- prometheus.Metric, crt *cmapi.Certificate) {
	ref := api.IssuerRef(crt.Spec.IssuerRef)
	labels := []string{crt.Name, crt.Namespace, ref.Name, ref.Kind, ref.Group}
	status := cmmeta.ConditionUnknown
	if c := api.CertificateCondition(crt, cmapi.CertificateConditionReady); c != nil {
		status = c.Status
	}
	for _, s := range conditionStatuses {
		ch <- gauge(certReady, one(s == status), crt.Name, crt.Namespace, string(s), ref.Name, ref.Kind, ref.Group)
	}
	ch <- gauge(certNotAfter, seconds(crt.Status.NotAfter), labels...)
	ch <- gauge(certNotBefore, seconds(crt.Status.NotBefore), labels...)
	ch <- gauge(certExpiration, seconds(crt.Status.NotAfter), labels...)
	ch <- gauge(certRenewal, seconds(crt.Status.RenewalTime), labels...)
}

var conditionStatuses = []cmmeta.ConditionStatus{cmmeta.ConditionTrue, cmmeta.ConditionFalse, cmmeta.ConditionUnknown}

func collectReady(ch chan<- prometheus.Metric, desc *prometheus.Desc, status cmmeta.ConditionStatus, labels ...string) {
	for _, s := range conditionStatuses {
		ch <- gauge(desc, one(s == status), append(labels[:len(labels):len(labels)], string(s))...)
	}
}

func issuerReady(status *cmapi.IssuerStatus) cmmeta.ConditionStatus {
	if c := api.IssuerCondition(status); c != nil {
		return c.Status
	}
	return cmmeta.ConditionUnknown
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
