package tracing

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	tracepb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
)

// receiver is a collector on a real port.
func receiver(t *testing.T, statuses ...int) (url string, calls *atomic.Int32, got *tracepb.TracesData) {
	calls, got = &atomic.Int32{}, &tracepb.TracesData{}
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		n := int(calls.Add(1))
		body, err := io.ReadAll(r.Body)
		if r.URL.Path != "/v1/traces" || r.Header.Get("Authorization") != "Bearer x" || err != nil {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		if n <= len(statuses) {
			w.WriteHeader(statuses[n-1])
			return
		}
		if err := proto.Unmarshal(body, got); err != nil {
			t.Error(err)
		}
	}))
	t.Cleanup(s.Close)
	return s.URL, calls, got
}

func env(pairs ...string) func(string) string {
	return func(name string) string {
		for i := 0; i < len(pairs); i += 2 {
			if pairs[i] == name {
				return pairs[i+1]
			}
		}
		return ""
	}
}

// Spans get to a real collector, also one that is busy at first, with the ids
// that follow from the name of the trace.
func TestSpansGetToACollector(t *testing.T) {
	t.Parallel()
	url, calls, got := receiver(t, http.StatusServiceUnavailable)
	o, err := FromEnvironment(env("OTEL_EXPORTER_OTLP_ENDPOINT", url, "OTEL_EXPORTER_OTLP_HEADERS", "Authorization=Bearer%20x"))
	if err != nil {
		t.Fatal(err)
	}
	var sent atomic.Int32
	o.Sent = func(n int, err error) {
		if err != nil {
			t.Error(err)
		}
		sent.Add(int32(n))
	}
	tracer, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	whole := TraceOf("crt", "1")
	ctx, call := tracer.Begin(context.Background())
	fault := errors.New("password=secret")
	Measure(ctx, "sign")(&fault)
	call.End(whole, Work{Name: "handle", Began: time.Now(), Ended: time.Now()})
	Note(ctx, Work{Name: "late", Outside: true, Began: time.Now(), Ended: time.Now()})
	tracer.Root(whole, Work{Name: "issue", Began: time.Now(), Ended: time.Now()})
	if err := tracer.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 2 || sent.Load() != 4 {
		t.Errorf("%d calls and %d spans, want 2 and 4", calls.Load(), sent.Load())
	}
	parents := map[string]string{}
	names := map[string]string{}
	spans := got.ResourceSpans[0].ScopeSpans[0].Spans
	for _, s := range spans {
		names[string(s.SpanId)] = s.Name
		if string(s.TraceId) != string(whole.id[:]) {
			t.Errorf("%s is of trace %x, want %s", s.Name, s.TraceId, whole)
		}
	}
	for _, s := range spans {
		parents[s.Name] = names[string(s.ParentSpanId)]
		if strings.Contains(s.String(), "secret") {
			t.Errorf("an error's words are in a span: %s", s)
		}
	}
	if diff := cmp.Diff(map[string]string{"issue": "", "handle": "issue", "sign": "handle", "late": "handle"}, parents); diff != "" {
		t.Errorf("parents (-want +got):\n%s", diff)
	}
}

// What a collector refuses for good is not sent again.
func TestARefusalIsFinal(t *testing.T) {
	t.Parallel()
	url, calls, _ := receiver(t)
	var lost error
	tracer, err := New(Options{Endpoint: url, Ratio: 1, Sent: func(_ int, err error) { lost = err }}) // without its password
	if err != nil {
		t.Fatal(err)
	}
	tracer.Part(TraceOf("a"), Work{Name: "x"})
	if err := tracer.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	if calls.Load() != 1 || lost == nil || lost.Error() != "the collector answers HTTP 400" {
		t.Errorf("%d calls, %v", calls.Load(), lost)
	}
}

// A call that only looked is not told of, nor is anything of a ratio of 0.
func TestWhatIsNotTold(t *testing.T) {
	t.Parallel()
	url, calls, _ := receiver(t)
	tracer, err := New(Options{Endpoint: url, Ratio: 1})
	if err != nil {
		t.Fatal(err)
	}
	_, call := tracer.Begin(context.Background())
	call.End(TraceOf("a"), Work{Name: "handle"})
	none, err := New(Options{Endpoint: url, Ratio: 0})
	if err != nil {
		t.Fatal(err)
	}
	none.Root(TraceOf("a"), Work{Name: "issue"})
	for _, tr := range []*Tracer{tracer, none} {
		if err := tr.Stop(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if calls.Load() != 0 {
		t.Errorf("%d calls", calls.Load())
	}
}

func TestEnvironment(t *testing.T) {
	t.Parallel()
	notPEM := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(notPEM, []byte("no"), 0o600); err != nil {
		t.Fatal(err)
	}
	const base, special = "OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT"
	for _, row := range []struct {
		name     string
		env      []string
		endpoint string
		ratio    float64
		fault    string
	}{
		{name: "nothing", ratio: 1},
		{name: "base", env: []string{base, "http://c:4318/"}, endpoint: "http://c:4318/v1/traces", ratio: 1},
		{name: "special goes before base", env: []string{base, "http://c:4318", special, "http://t/in"}, endpoint: "http://t/in", ratio: 1},
		{name: "switched off", env: []string{base, "http://c:4318", "OTEL_SDK_DISABLED", "true"}},
		{name: "ratio", env: []string{base, "http://c", "OTEL_TRACES_SAMPLER", "parentbased_traceidratio", "OTEL_TRACES_SAMPLER_ARG", "0.25"}, endpoint: "http://c/v1/traces", ratio: 0.25},
		{name: "ratio that is none", env: []string{"OTEL_TRACES_SAMPLER", "traceidratio", "OTEL_TRACES_SAMPLER_ARG", "2"}, fault: "OTEL_TRACES_SAMPLER_ARG"},
		{name: "never", env: []string{"OTEL_TRACES_SAMPLER", "always_off"}},
		{name: "headers that are none", env: []string{"OTEL_EXPORTER_OTLP_HEADERS", "hunter2"}, fault: "OTEL_EXPORTER_OTLP_HEADERS"},
		{name: "timeout that is none", env: []string{"OTEL_EXPORTER_OTLP_TIMEOUT", "10s"}, fault: "OTEL_EXPORTER_OTLP_TIMEOUT"},
		{name: "no certificate", env: []string{"OTEL_EXPORTER_OTLP_CERTIFICATE", notPEM}, fault: "no certificate in PEM"},
	} {
		o, err := FromEnvironment(env(row.env...))
		if (err != nil) != (row.fault != "") || err != nil && !strings.Contains(err.Error(), row.fault) {
			t.Errorf("%s: %v, want %q", row.name, err, row.fault)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error says the password: %v", row.name, err)
		}
		if o.Endpoint != row.endpoint || o.Ratio != row.ratio {
			t.Errorf("%s: %q %v, want %q %v", row.name, o.Endpoint, o.Ratio, row.endpoint, row.ratio)
		}
	}
}

func TestEndpoint(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"http://c:4318": "http://c:4318/v1/traces", "https://c/": "https://c/v1/traces", "https://c/otlp/v1/traces": "https://c/otlp/v1/traces",
		"c:4317": "", "grpc://c:4317": "", "http://": "", "": "", "http://me:hunter2@c": "",
	} {
		got, err := Endpoint(text)
		if got != want || (err == nil) != (want != "") {
			t.Errorf("%q: %q, %v, want %q", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%q: the error says the password: %v", text, err)
		}
	}
}

// Where nothing is traced, noting allocates nothing.
func TestOffCostsNothing(t *testing.T) {
	ctx := context.Background()
	var off *Tracer
	if n := testing.AllocsPerRun(100, func() {
		c, call := off.Begin(ctx)
		if Traced(c) {
			t.Error("traced")
		}
		Measure(c, "sign")(nil)
		call.End(Trace{}, Work{})
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkOff(b *testing.B) {
	ctx := context.WithValue(context.Background(), rootKey{}, 1)
	b.ReportAllocs()
	for b.Loop() {
		Measure(ctx, "sign")(nil)
	}
}
