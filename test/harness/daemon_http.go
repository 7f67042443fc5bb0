package harness

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// MetricsURL is where the daemon serves its metrics.
func (d *Daemon) MetricsURL() string { return "http://" + d.metrics + "/metrics" }

// HealthURL is the address under which /healthz and /readyz lie.
func (d *Daemon) HealthURL() string { return "http://" + d.health }

// Healthy asks /healthz.
func (d *Daemon) Healthy(ctx context.Context) error { return d.probe(ctx, "/healthz") }

// Ready asks /readyz once.
func (d *Daemon) Ready(ctx context.Context) error { return d.probe(ctx, "/readyz") }

func (d *Daemon) probe(ctx context.Context, path string) error {
	_, err := get(ctx, d.HealthURL()+path)
	return err
}

// Metrics scrapes the daemon once.
func (d *Daemon) Metrics(ctx context.Context) (Metrics, error) {
	page, err := d.MetricsPage(ctx)
	if err != nil {
		return nil, err
	}
	return parseMetrics(page)
}

// MetricsPage is what /metrics answers, as it is.
func (d *Daemon) MetricsPage(ctx context.Context) (string, error) { return get(ctx, d.MetricsURL()) }

func get(ctx context.Context, url string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		return "", err
	}
	if response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("%s: %s: %s", url, response.Status, strings.TrimSpace(string(body)))
	}
	return string(body), nil
}

// Metrics are the metric families of one scrape, by name.
type Metrics map[string]*dto.MetricFamily

func parseMetrics(text string) (Metrics, error) {
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parse metrics: %w", err)
	}
	return families, nil
}

// Sum adds up the samples of a counter or gauge whose labels include all of
// want; a histogram counts its observations. A name that is not there is 0.
func (m Metrics) Sum(name string, want map[string]string) float64 {
	var sum float64
	for _, metric := range m[name].GetMetric() {
		if !includes(metric, want) {
			continue
		}
		sum += metric.GetCounter().GetValue() + metric.GetGauge().GetValue() + metric.GetUntyped().GetValue() +
			float64(metric.GetHistogram().GetSampleCount())
	}
	return sum
}

// Has tells whether a sample of that name has all of the labels want.
func (m Metrics) Has(name string, want map[string]string) bool {
	for _, metric := range m[name].GetMetric() {
		if includes(metric, want) {
			return true
		}
	}
	return false
}

func includes(metric *dto.Metric, want map[string]string) bool {
	matched := 0
	for _, label := range metric.GetLabel() {
		if value, asked := want[label.GetName()]; asked && value == label.GetValue() {
			matched++
		}
	}
	return matched == len(want)
}

// Observations counts what the histograms measured whose names hold a word.
func (m Metrics) Observations(word string) int {
	count := 0
	for name, family := range m {
		if family.GetType() == dto.MetricType_HISTOGRAM && strings.Contains(name, word) {
			count += int(m.Sum(name, nil))
		}
	}
	return count
}
