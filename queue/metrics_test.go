package queue_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"

	"github.com/certwright/certwright/queue"
)

// value gives a series' value: of a histogram its sum. The series is the one of
// that metric whose label values are those given, in the order of their names.
func value(t *testing.T, g prometheus.Gatherer, metric string, labels ...string) float64 {
	t.Helper()
	families, err := g.Gather()
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() != metric {
			continue
		}
		for _, m := range f.GetMetric() {
			var values []string
			for _, l := range m.GetLabel() {
				values = append(values, l.GetValue())
			}
			if strings.Join(values, ",") == strings.Join(labels, ",") {
				return m.GetCounter().GetValue() + m.GetGauge().GetValue() + m.GetHistogram().GetSampleSum()
			}
		}
	}
	t.Fatalf("no series %s%q", metric, labels)
	return 0
}

func TestMetricsArePerKind(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		q := queue.New(queue.Options{LocalWorkers: 1, Registerer: registry})
		q.Add(web)
		q.Add(web)
		q.Add(api)
		q.Add(vault)
		expect := func(want float64, metric string, labels ...string) {
			t.Helper()
			if got := value(t, registry, metric, labels...); got != want {
				t.Errorf("%s%q is %v, want %v", metric, labels, got, want)
			}
		}
		expect(2, "certwright_queue_depth", "certificate")
		expect(1, "certwright_queue_depth", "issuer")
		expect(0, "certwright_queue_depth", "clusterissuer")
		expect(2, "certwright_queue_adds_total", "certificate")

		// web takes 3 s, fails, and takes 3 s again; api takes 3 s; vault panics.
		h := newCalls(func(_ context.Context, key queue.Key, call int) (queue.Result, error) {
			if key == vault && call == 1 {
				panic("no such engine")
			}
			time.Sleep(3 * time.Second)
			if key == web && call == 1 {
				return queue.Result{}, errBroken
			}
			return queue.Result{}, nil
		})
		time.Sleep(10 * time.Second)
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		time.Sleep(2 * time.Second)
		expect(1, "certwright_queue_depth", "certificate")
		expect(2, "certwright_queue_unfinished_work_seconds", "certificate")
		expect(2, "certwright_queue_longest_running_seconds", "certificate")
		expect(0, "certwright_queue_longest_running_seconds", "issuer")
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Error(err)
		}
		expect(0, "certwright_queue_depth", "certificate")
		expect(3, "certwright_queue_adds_total", "certificate")
		// web waits 10 s, api 13 s behind it; web, due again after 4 s, waits 2 s.
		expect(25, "certwright_queue_latency_seconds", "certificate")
		expect(6, "certwright_queue_work_duration_seconds", "certificate", "done")
		expect(3, "certwright_queue_work_duration_seconds", "certificate", "failed")
		expect(0, "certwright_queue_work_duration_seconds", "issuer", "panicked")
		expect(0, "certwright_queue_unfinished_work_seconds", "certificate")
		expect(1, "certwright_queue_retries_total", "certificate")
		expect(1, "certwright_queue_retries_total", "issuer")
		expect(0, "certwright_queue_panics_total", "certificate")
		expect(1, "certwright_queue_panics_total", "issuer")
		expect(3, "certmanager_controller_sync_call_count", "certificates")
		expect(1, "certmanager_controller_sync_error_count", "certificates")
		expect(2, "certmanager_controller_sync_call_count", "issuers")
		expect(1, "certmanager_controller_sync_error_count", "issuers")
		expect(0, "certmanager_controller_sync_call_count", "clusterissuers")
		expect(0, "certmanager_controller_sync_call_count", "certificaterequests")
	})
}

func TestMetricsAreLinted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		registry := prometheus.NewPedanticRegistry()
		queue.New(queue.Options{Registerer: registry}).ShutDown()
		families, err := registry.Gather()
		if err != nil {
			t.Fatal(err)
		}
		problems, err := promlint.NewWithMetricFamilies(families).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			// The contract's names are older than the rule that counters end in _total.
			if !strings.HasPrefix(p.Metric, "certmanager_controller_sync_") {
				t.Errorf("%s: %s", p.Metric, p.Text)
			}
		}
	})
}

func TestQueuesWithRegistriesOfTheirOwnDoNotCollide(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		one, two := prometheus.NewRegistry(), prometheus.NewRegistry()
		q := queue.New(queue.Options{Registerer: one})
		p := queue.New(queue.Options{Registerer: two})
		q.Add(web)
		if got := value(t, two, "certwright_queue_depth", "certificate"); got != 0 {
			t.Errorf("the other queue's depth is %v", got)
		}
		q.ShutDown()
		p.ShutDown()
	})
}
