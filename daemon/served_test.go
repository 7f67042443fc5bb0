package daemon

import (
	"bytes"
	"cmp"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/acme/acmetest"
	"github.com/certwright/certwright/internal/webhookset"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	gocmp "github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
)

// scrapeFile is a scrape of a daemon that has done everything: what test/monitoring
// tries the alerts and the dashboard on. UPDATE=1 writes it anew.
const scrapeFile = "../test/monitoring/testdata/scrape.prom"

// busy is a daemon that has had all sorts of work.
func busy(t *testing.T, w *world) *replica {
	server := validating(t, w)
	w.acme, w.collector = server.Transport(), &collecting{}
	set := webhookset.Default()
	set.Name, set.Namespace, set.Service, set.Validating = "hooks", ns, "hooks", []string{"hooks"}
	r := w.start(podsAnswer, traces, func(cfg *config.Config) { cfg.WebhookSets = []webhookset.Set{set} })
	w.withCA()
	w.create(issuer("le", byHTTP(acmeAt(server))), clusterIssuer("public", caOf("nowhere")))
	w.create(certificate("web", "ca"), certificate("www", "le"), certificate("waits", "nobody"))
	w.rest()
	w.expectReady("web")
	w.expectIssued("www", server)
	server.Fail("accept_challenge", 1000, acmetest.Problem{Status: 503, Type: "serverInternal", Detail: "away"})
	w.create(certificate("stuck", "le"))
	w.wait(20 * time.Minute)
	server.Fail("new_order", 1, acmetest.Problem{Status: 429, Type: "rateLimited", Detail: "too many orders", RetryAfter: "600"})
	w.create(certificate("later", "le"))
	w.wait(2 * time.Minute)
	return r
}

// metricShape is what a metric is: its type and its labels.
type metricShape struct{ kind, labels string }

func shape(f *dto.MetricFamily) metricShape {
	labels := map[string]bool{}
	for _, m := range f.GetMetric() {
		for _, l := range m.GetLabel() {
			labels[l.GetName()] = true
		}
	}
	return metricShape{strings.ToLower(f.GetType().String()), strings.Join(slices.Sorted(maps.Keys(labels)), ", ")}
}

// foreign are the metrics of Go and the operating system, which differ between versions.
func foreign(name string) bool {
	return strings.HasPrefix(name, "go_") || strings.HasPrefix(name, "process_")
}

var descForm = regexp.MustCompile(`fqName: "([^"]*)".*variableLabels: \{([^}]*)\}`)

// registered are the metrics of a registry, with their labels, also those that
// have no series yet.
func registered(c prometheus.Collector) map[string]string {
	ch, all := make(chan *prometheus.Desc), map[string]string{}
	go func() { c.Describe(ch); close(ch) }()
	for d := range ch {
		if m := descForm.FindStringSubmatch(d.String()); m != nil {
			labels := strings.FieldsFunc(m[2], func(r rune) bool { return r == ',' || r == ' ' })
			slices.Sort(labels)
			all[m[1]] = strings.Join(labels, ", ")
		}
	}
	return all
}

// The table in docs/observability.md has every metric that is served, with its
// type and its labels, and no other; and so has the scrape that the alerts and
// the dashboard are tried on.
func TestServedMetrics(t *testing.T) {
	bubble(t, func(w *world) {
		r := busy(t, w)
		families := r.families(w)
		got := map[string]metricShape{}
		for _, f := range families {
			if !foreign(f.GetName()) {
				got[f.GetName()] = shape(f)
			}
		}
		shards := prometheus.NewRegistry()
		newShardMetrics(shards, 2)
		for _, registry := range []*prometheus.Registry{r.daemon.metrics, shards} {
			for name, labels := range registered(registry) {
				if s, there := got[name]; there && s.labels != labels && s.kind != "summary" {
					t.Errorf("%s has the labels %q, and describes %q", name, s.labels, labels)
				} else if !foreign(name) {
					got[name] = metricShape{s.kind, labels}
				}
			}
		}
		documented := documentedMetrics(t)
		for _, name := range slices.Sorted(maps.Keys(got)) {
			want, known := documented[name]
			s := got[name]
			s.kind = cmp.Or(s.kind, want.kind) // of what has no series it cannot be told
			if !known {
				t.Errorf("docs/observability.md lacks: | `%s` | %s | %s |", name, s.kind, s.labels)
			} else if want != s {
				t.Errorf("docs/observability.md says of %s %q, it is %q", name, want, s)
			}
		}
		for name := range documented {
			if _, there := got[name]; !there {
				t.Errorf("docs/observability.md has %s, which is not served", name)
			}
		}
		holdScrape(t, families)
	})
}

var metricRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)` \\| (\\w+) \\| ([^|]*) \\|")

func documentedMetrics(t *testing.T) map[string]metricShape {
	page, err := os.ReadFile("../docs/observability.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]metricShape{}
	for _, m := range metricRow.FindAllStringSubmatch(string(page), -1) {
		labels := strings.FieldsFunc(m[3], func(r rune) bool { return r == ',' || r == ' ' })
		slices.Sort(labels)
		all[m[1]] = metricShape{m[2], strings.Join(labels, ", ")}
	}
	return all
}

// holdScrape holds the stored scrape to what is served now: names, types, labels.
func holdScrape(t *testing.T, families []*dto.MetricFamily) {
	if os.Getenv("UPDATE") != "" {
		var b bytes.Buffer
		encoder := expfmt.NewEncoder(&b, expfmt.NewFormat(expfmt.TypeTextPlain))
		for _, f := range families {
			if err := encoder.Encode(f); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.WriteFile(scrapeFile, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	stored, err := os.Open(scrapeFile)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = stored.Close() }()
	parser := expfmt.NewTextParser(model.LegacyValidation)
	before, err := parser.TextToMetricFamilies(stored)
	if err != nil {
		t.Fatal(err)
	}
	was, is := map[string]metricShape{}, map[string]metricShape{}
	for name, f := range before {
		if !foreign(name) {
			was[name] = shape(f)
		}
	}
	for _, f := range families {
		if !foreign(f.GetName()) {
			is[f.GetName()] = shape(f)
		}
	}
	if diff := gocmp.Diff(was, is, gocmp.AllowUnexported(metricShape{})); diff != "" {
		t.Errorf("the stored scrape is not what is served; run with UPDATE=1 (-stored +served):\n%s", diff)
	}
}

// A scrape of ten thousand Certificates is quick, and what it allocates is
// bounded by their number.
func TestAScrapeIsCheap(t *testing.T) {
	all := manyCertificates(1000)
	allocated := testing.AllocsPerRun(3, func() { certificateFamilies(all) })
	if most := float64(3*len(all) + 100); allocated > most {
		t.Errorf("%v allocations for %d Certificates, want at most %v", allocated, len(all), most)
	}
	for _, f := range certificateFamilies(all) {
		var b bytes.Buffer
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(b.String(), "\n"); n != len(f.Metric)+2 {
			t.Errorf("%s has %d lines", f.GetName(), n)
		}
	}
}

func BenchmarkScrape(b *testing.B) {
	all := manyCertificates(10_000)
	b.ReportAllocs()
	for b.Loop() {
		var out bytes.Buffer
		for _, f := range certificateFamilies(all) {
			if _, err := expfmt.MetricFamilyToText(&out, f); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(out.Len()), "bytes")
	}
}

func manyCertificates(n int) (all []*cmapi.Certificate) {
	for i := range n {
		all = append(all, certificate(fmt.Sprintf("web-%d", i), "ca"))
	}
	return all
}
