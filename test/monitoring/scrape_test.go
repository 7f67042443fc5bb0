package monitoring

import (
	"bytes"
	"context"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"github.com/prometheus/prometheus/model/labels"
	"github.com/prometheus/prometheus/promql/parser"
	"github.com/prometheus/prometheus/promql/promqltest"
	"github.com/prometheus/prometheus/util/teststorage"
)

func indent(series string) string {
	var b strings.Builder
	for line := range strings.Lines(series) {
		b.WriteString("  " + strings.TrimSpace(line) + "\n")
	}
	return b.String()
}

// scraped is an hour of scrapes of a real daemon, a minute apart, in which what
// is counted grows steadily.
func scraped(t *testing.T) (*teststorage.TestStorage, time.Time) {
	t.Helper()
	parse := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parse.TextToMetricFamilies(bytes.NewReader(read(t, "test/monitoring/testdata/scrape.prom")))
	if err != nil {
		t.Fatal(err)
	}
	if len(families) < 40 {
		t.Fatalf("the scrape has only %d metrics", len(families))
	}
	storage := promqltest.LoadedStorage(t, "")
	// The daemon of the scrape lived in the year 2000, when such tests begin.
	now := families["certmanager_clock_time_seconds_gauge"].Metric[0].GetGauge().GetValue()
	end := time.Unix(int64(now), 0)
	app := storage.Appender(context.Background())
	for minute := range 61 {
		at := model.TimeFromUnixNano(end.Add(time.Duration(minute-60) * time.Minute).UnixNano())
		for _, f := range families {
			vector, err := expfmt.ExtractSamples(&expfmt.DecodeOptions{Timestamp: at}, f)
			if err != nil {
				t.Fatal(err)
			}
			for _, s := range vector {
				value := float64(s.Value)
				if counted(f.GetType().String(), string(s.Metric[model.MetricNameLabel])) {
					value *= float64(minute)
				}
				b := labels.NewBuilder(labels.EmptyLabels())
				for name, v := range s.Metric {
					b.Set(string(name), string(v))
				}
				b.Set("job", "certwright").Set("instance", "10.0.0.1:9402").Set("pod", "certwright-0")
				if _, err := app.Append(0, b.Labels(), int64(at), value); err != nil {
					t.Fatal(err)
				}
			}
		}
	}
	if err := app.Commit(); err != nil {
		t.Fatal(err)
	}
	return storage, end
}

func counted(kind, name string) bool {
	return kind == "COUNTER" || kind == "HISTOGRAM" || strings.HasSuffix(name, "_count") || strings.HasSuffix(name, "_sum")
}

// seldom are queries that rightly give nothing on that scrape, and why.
var seldom = map[string]string{
	"process_": "the collectors of the process are the operating system's",
	"shards":   "the daemon of the scrape had no shards",
}

var ofPage = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\w+) \\|")

// served are the metrics that the daemon serves, by the table of the page, which
// is held to the daemon.
func served(t *testing.T) map[string]bool {
	t.Helper()
	all := map[string]bool{"up": true, "go_memstats_heap_inuse_bytes": true, "process_resident_memory_bytes": true, "process_cpu_seconds_total": true}
	for _, m := range ofPage.FindAllStringSubmatch(string(read(t, "docs/observability.md")), -1) {
		all[m[1]] = true
		if m[2] == "histogram" || m[2] == "summary" {
			all[m[1]+"_count"], all[m[1]+"_sum"] = true, true
		}
		if m[2] == "histogram" {
			all[m[1]+"_bucket"] = true
		}
	}
	return all
}

// Every query names only metrics that are served.
func TestQueriesNameWhatIsServed(t *testing.T) {
	known := served(t)
	used := map[string]bool{}
	for where, query := range queries(t) {
		expr, err := promParser.ParseExpr(query)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		parser.Inspect(expr, func(n parser.Node, _ []parser.Node) error {
			if v, ok := n.(*parser.VectorSelector); ok {
				if used[v.Name] = true; !known[v.Name] {
					t.Errorf("%s names %s, which is not served", where, v.Name)
				}
			}
			return nil
		})
	}
	for name := range known { // what we made ourselves, we made to be looked at
		base := strings.TrimSuffix(strings.TrimSuffix(strings.TrimSuffix(name, "_bucket"), "_count"), "_sum")
		if strings.HasPrefix(name, "certwright_") && !used[name] && !used[base] && !used[base+"_bucket"] && !used[base+"_count"] && !unshown[base] {
			t.Errorf("%s is in no alert and no panel", name)
		}
	}
}

// unshown are metrics for looking into something, which no panel has.
var unshown = map[string]bool{
	"certwright_queue_adds_total": true, "certwright_queue_unfinished_work_seconds": true,
	"certwright_scheduler_runs_total": true, "certwright_scheduler_skipped_runs_total": true, "certwright_scheduler_panics_total": true,
	"certwright_scheduler_keys_enqueued_total": true, "certwright_scheduler_last_run_timestamp_seconds": true, "certwright_shard_moves_total": true,
}

// Every query can be evaluated on a scrape of a real daemon; those of the
// dashboard give something.
func TestQueriesOnARealScrape(t *testing.T) {
	storage, end := scraped(t)
	defer func() { _ = storage.Close() }()
	engine := newEngine(t)
	for where, query := range queries(t) {
		q, err := engine.NewInstantQuery(context.Background(), storage, nil, query, end)
		if err != nil {
			t.Errorf("%s: %v", where, err)
			continue
		}
		result := q.Exec(context.Background())
		if result.Err != nil {
			t.Errorf("%s: %v", where, result.Err)
			continue
		}
		vector, err := result.Vector()
		if err != nil {
			t.Errorf("%s gives no vector: %v", where, err)
		} else if len(vector) == 0 && strings.HasPrefix(where, "panel") && !excused(query) {
			t.Errorf("%s gives nothing: %s", where, query)
		}
		q.Close()
	}
}

func excused(query string) bool {
	for part := range seldom {
		if strings.Contains(query, part) {
			return true
		}
	}
	return false
}

// queries are all of the rules and the dashboard, by where they are.
func queries(t *testing.T) map[string]string {
	t.Helper()
	all := map[string]string{}
	for name, a := range alerts(t) {
		all["alert "+name] = a.Expr
	}
	for _, p := range board(t).Panels {
		for _, target := range p.Targets {
			all["panel "+p.Title+" "+target.RefID] = strings.NewReplacer("$__rate_interval", "5m", "$namespace", ".*").Replace(target.Expr)
		}
	}
	return all
}
