package e2e

import (
	"os"
	"strings"
	"testing"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

func scrape(s *suite.Space) harness.Metrics {
	s.Helper()
	metrics, err := world.Daemon.Metrics(s.Context())
	s.Must(err)
	return metrics
}

func TestMetricsOfTheContract(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	metrics := scrape(s)
	of := map[string]string{
		"name": "web", "namespace": s.Namespace, "issuer_name": "ca", "issuer_kind": "Issuer", "issuer_group": "cert-manager.io",
	}
	crt := s.Get("web")
	for name, want := range map[string]float64{
		"certmanager_certificate_not_before_timestamp_seconds": float64(crt.Status.NotBefore.Unix()),
		"certmanager_certificate_not_after_timestamp_seconds":  float64(crt.Status.NotAfter.Unix()),
		"certmanager_certificate_expiration_timestamp_seconds": float64(crt.Status.NotAfter.Unix()),
		"certmanager_certificate_renewal_timestamp_seconds":    float64(crt.Status.RenewalTime.Unix()),
	} {
		if !metrics.Has(name, of) || metrics.Sum(name, of) != want {
			t.Errorf("%s is %f (there: %t), want %f", name, metrics.Sum(name, of), metrics.Has(name, of), want)
		}
	}
	for condition, want := range map[string]float64{"True": 1, "False": 0, "Unknown": 0} {
		ready := map[string]string{"name": "web", "namespace": s.Namespace, "condition": condition}
		if got := metrics.Sum("certmanager_certificate_ready_status", ready); got != want {
			t.Errorf("certificate_ready_status of %s is %f, want %f", condition, got, want)
		}
	}
	issuer := map[string]string{"name": "ca", "namespace": s.Namespace, "condition": "True"}
	if metrics.Sum("certmanager_issuer_ready_status", issuer) != 1 {
		t.Error("issuer_ready_status does not say that the issuer is ready")
	}
	if metrics.Sum("certmanager_controller_sync_call_count", nil) == 0 {
		t.Error("controller_sync_call_count counts nothing")
	}
	if metrics.Observations("issuance") == 0 {
		t.Error("there is no histogram that counts how long an issuance takes")
	}
}

// Every metric of ours that a real process serves is explained in the page on
// them, which daemon/served_test.go holds to what there can be.
func TestEveryMetricIsExplained(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	page, err := os.ReadFile("../../docs/observability.md")
	s.Must(err)
	names := 0
	for name := range scrape(s) {
		if strings.HasPrefix(name, "certmanager_") || strings.HasPrefix(name, "certwright_") {
			names++
			if !strings.Contains(string(page), "| `"+name+"` |") {
				t.Errorf("docs/observability.md lacks %s", name)
			}
		}
	}
	if names < 30 {
		t.Errorf("only %d metrics are served", names)
	}
}
