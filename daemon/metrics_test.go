package daemon

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
)

// series is what a scrape gives, each as "name{label=value,...}".
func (r *replica) series(w *world) map[string]float64 {
	w.Helper()
	all := map[string]float64{}
	for _, f := range r.families(w) {
		for _, m := range f.GetMetric() {
			var labels []string
			for _, l := range m.GetLabel() {
				labels = append(labels, l.GetName()+"="+l.GetValue())
			}
			all[fmt.Sprintf("%s{%s}", f.GetName(), strings.Join(labels, ","))] =
				m.GetGauge().GetValue() + m.GetCounter().GetValue() + float64(m.GetHistogram().GetSampleCount())
		}
	}
	return all
}

func (r *replica) families(w *world) []*dto.MetricFamily {
	w.Helper()
	families, err := r.daemon.Gather()
	w.must(err)
	return families
}

// The metrics of the contract (section 1.6), with its names, labels and values.
func TestMetricsOfTheContract(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		w.create(certificate("web", "ca"), certificate("waits", "nobody"), clusterIssuer("public", caOf("nowhere")))
		w.rest()
		web := w.certificate("web")
		got := r.series(w)
		want := map[string]float64{
			"certmanager_clock_time_seconds{}":       float64(time.Now().Unix()),
			"certmanager_clock_time_seconds_gauge{}": float64(time.Now().Unix()),

			"certmanager_issuer_ready_status{condition=True,name=ca,namespace=shop}":    1,
			"certmanager_issuer_ready_status{condition=False,name=ca,namespace=shop}":   0,
			"certmanager_issuer_ready_status{condition=Unknown,name=ca,namespace=shop}": 0,
			"certmanager_clusterissuer_ready_status{condition=True,name=public}":        0,
			"certmanager_clusterissuer_ready_status{condition=False,name=public}":       1,
			"certmanager_controller_sync_error_count{controller=certificates}":          0,
			"certmanager_controller_sync_error_count{controller=issuers}":               0,
			"certmanager_controller_sync_error_count{controller=certificaterequests}":   0,
			"certmanager_controller_sync_error_count{controller=clusterissuers}":        0,
			"certwright_issuance_duration_seconds{issuer_type=ca}":                      1, // of which the waiting one is none
			"certwright_issuance_duration_seconds{issuer_type=selfSigned}":              1,
			"certwright_certificates{ready=True}":                                       2,
			"certwright_certificates{ready=False}":                                      1,
			"certwright_certificates_failing{reason=DoesNotExist}":                      1,
			"certwright_certificates_expired{}":                                         0,
			"certwright_certificates_renewal_overdue{}":                                 0,
			"certwright_leader{}":                 1,
			"certwright_challenge_places_limit{}": 60,
			"certwright_issuer_not_ready{kind=ClusterIssuer,name=public,namespace=,reason=ErrGetKeyPair,type=ca}": 1,
			"certwright_issuer_ca_not_after_timestamp_seconds{kind=Issuer,name=ca,namespace=shop}":                float64(w.certificate("root").Status.NotAfter.Unix()),
			labelled("certmanager_certificate_ready_status", "True", "ca", "web"):                                 1,
			labelled("certmanager_certificate_ready_status", "False", "ca", "web"):                                0,
			labelled("certmanager_certificate_ready_status", "Unknown", "ca", "web"):                              0,
			labelled("certmanager_certificate_ready_status", "True", "nobody", "waits"):                           0,
			labelled("certmanager_certificate_ready_status", "False", "nobody", "waits"):                          1,

			labelled("certmanager_certificate_not_after_timestamp_seconds", "", "ca", "web"):       float64(web.Status.NotAfter.Unix()),
			labelled("certmanager_certificate_not_before_timestamp_seconds", "", "ca", "web"):      float64(web.Status.NotBefore.Unix()),
			labelled("certmanager_certificate_expiration_timestamp_seconds", "", "ca", "web"):      float64(web.Status.NotAfter.Unix()),
			labelled("certmanager_certificate_renewal_timestamp_seconds", "", "ca", "web"):         float64(web.Status.RenewalTime.Unix()),
			labelled("certmanager_certificate_not_after_timestamp_seconds", "", "nobody", "waits"): 0,
			labelled("certmanager_certificate_renewal_timestamp_seconds", "", "nobody", "waits"):   0,
		}
		for _, name := range slices.Sorted(maps.Keys(want)) {
			value, ok := got[name]
			if !ok || value != want[name] {
				t.Errorf("%s is %v (there: %t), want %v", name, value, ok, want[name])
			}
		}
		for _, controller := range []string{"certificates", "certificaterequests", "issuers", "clusterissuers"} {
			if name := "certmanager_controller_sync_call_count{controller=" + controller + "}"; got[name] == 0 {
				t.Errorf("%s is 0", name)
			}
		}
	})
}

// labelled names a series of a Certificate's.
func labelled(metric, condition, issuer, name string) string {
	if condition != "" {
		condition = "condition=" + condition + ","
	}
	return fmt.Sprintf("%s{%sissuer_group=cert-manager.io,issuer_kind=Issuer,issuer_name=%s,name=%s,namespace=shop}", metric, condition, issuer, name)
}

// What is gone is not reported any more.
func TestMetricsOfWhatIsGone(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		w.create(certificate("web", "ca"))
		w.rest()
		w.deleteCertificate("web")
		w.rest()
		for name := range r.series(w) {
			if strings.Contains(name, "name=web") {
				t.Errorf("still there: %s", name)
			}
		}
	})
}

// Every label of every series is one of these, and none has a value that only
// a Secret should hold.
func TestLabels(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		w.create(certificate("web", "ca"), certificate("broken", "ca"))
		w.rest()
		w.changeSecret("broken-tls", half)
		w.rest()
		secrets := w.stored("secrets")
		known := []string{"name", "namespace", "condition", "issuer_name", "issuer_kind", "issuer_group", "controller", "kind", "outcome",
			"entry", "reason", "set", "cause", "phase", "version", "quantile",
			"verb", "resource", "code", "goversion", "ready", "type", "issuer_type", "state", "direction"}
		for _, f := range r.families(w) {
			for _, m := range f.GetMetric() {
				for _, l := range m.GetLabel() {
					if !slices.Contains(known, l.GetName()) {
						t.Errorf("%s has a label that this test does not know: %s=%q", f.GetName(), l.GetName(), l.GetValue())
					}
					if len(l.GetValue()) > 253 || holdsKey([]byte(l.GetValue())) || heldBy(secrets, l.GetValue()) {
						t.Errorf("%s has a label with something secret: %s=%q", f.GetName(), l.GetName(), l.GetValue())
					}
				}
			}
		}
	})
}

// heldBy reports whether a text is part of what Secrets hold.
func heldBy(secrets []*object, text string) bool {
	return len(text) > 20 && slices.ContainsFunc(secrets, func(o *object) bool {
		for _, data := range asSecret(o.Unstructured).Data {
			if strings.Contains(string(data), text) {
				return true
			}
		}
		return false
	})
}

func TestMetricsAreLinted(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		problems, err := promlint.NewWithMetricFamilies(r.families(w)).Lint()
		w.must(err)
		var found []string
		for _, p := range problems {
			found = append(found, p.Metric+": "+p.Text)
		}
		slices.Sort(found)
		// The contract's names are older than the rules.
		want := []string{
			`certmanager_clock_time_seconds: counter metrics should have "_total" suffix`,
			`certmanager_clock_time_seconds_gauge: metric name should not include type 'gauge'`,
			`certmanager_controller_sync_call_count: counter metrics should have "_total" suffix`,
			`certmanager_controller_sync_call_count: non-histogram and non-summary metrics should not have "_count" suffix`,
			`certmanager_controller_sync_error_count: counter metrics should have "_total" suffix`,
			`certmanager_controller_sync_error_count: non-histogram and non-summary metrics should not have "_count" suffix`,
		}
		if diff := cmp.Diff(want, slices.Compact(found)); diff != "" {
			t.Errorf("problems (-want +got):\n%s", diff)
		}
	})
}

// How long an issuance took is measured from when it was seen to be due.
func TestIssuanceDuration(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start(withoutApprover)
		w.create(issuer("selfsigned", selfSigned()), root())
		w.wait(10 * time.Minute)
		w.approve("root-1")
		w.rest()
		w.expectReady("root")
		for _, f := range r.families(w) {
			if f.GetName() == "certwright_issuance_duration_seconds" {
				h := f.GetMetric()[0].GetHistogram()
				if got := h.GetSampleSum(); h.GetSampleCount() != 1 || got < 600 || got > 610 {
					t.Errorf("%d issuances took %v s, want one of ten minutes", h.GetSampleCount(), got)
				}
			}
		}
	})
}
