package daemon

import (
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	collectpb "go.opentelemetry.io/proto/otlp/trace/v1"
	"google.golang.org/protobuf/proto"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// span is one, as a collector gets it.
type span struct {
	*collectpb.Span
	service string
}

func (s span) attribute(key string) string {
	for _, a := range s.Attributes {
		if a.Key == key {
			return a.Value.GetStringValue()
		}
	}
	return ""
}

// collecting is a collector of traces, as OTLP over HTTP speaks.
type collecting struct {
	mu      sync.Mutex
	spans   []span
	raw     []byte
	calls   int
	refuses bool
}

func (c *collecting) RoundTrip(r *http.Request) (*http.Response, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.calls++
	if c.refuses {
		return nil, errors.New("connection refused")
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return nil, err
	}
	answer := func(code int) *http.Response {
		return &http.Response{StatusCode: code, Status: http.StatusText(code), Request: r, Body: http.NoBody, Header: http.Header{}}
	}
	if r.URL.String() != "http://collector.test:4318/v1/traces" || r.Header.Get("Content-Type") != "application/x-protobuf" || r.Method != http.MethodPost {
		return answer(http.StatusNotFound), nil
	}
	var said collectpb.TracesData
	if err := proto.Unmarshal(body, &said); err != nil {
		return answer(http.StatusBadRequest), nil
	}
	c.raw = append(c.raw, body...)
	for _, of := range said.ResourceSpans {
		service := ""
		for _, a := range of.Resource.Attributes {
			if a.Key == "service.name" {
				service = a.Value.GetStringValue()
			}
		}
		for _, s := range of.ScopeSpans {
			for _, one := range s.Spans {
				c.spans = append(c.spans, span{one, service})
			}
		}
	}
	return answer(http.StatusOK), nil
}

// tree is the trace that has a root of this name about an object, one line for
// each span: its depth as dots, its name, and for handler calls their object.
func (c *collecting) tree(t *testing.T, root, object string) []string {
	t.Helper()
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []span
	for _, s := range c.spans {
		if s.Name == root && s.attribute("k8s.object.name") == object {
			found = append(found, s)
		}
	}
	if len(found) != 1 || len(found[0].ParentSpanId) != 0 {
		t.Fatalf("%d roots %q of %s, want one", len(found), root, object)
	}
	return c.under(found[0], "")
}

func (c *collecting) under(parent span, depth string) []string {
	line := depth + parent.Name
	if strings.HasPrefix(parent.Name, "handle ") {
		line += " " + parent.attribute("k8s.object.name")
	}
	if parent.Status.GetCode() == collectpb.Status_STATUS_CODE_ERROR {
		line += " (failed)"
	}
	lines := []string{line}
	var children []span
	for _, s := range c.spans {
		if slices.Equal(s.ParentSpanId, parent.SpanId) && slices.Equal(s.TraceId, parent.TraceId) {
			children = append(children, s)
		}
	}
	slices.SortStableFunc(children, func(a, b span) int { return int(int64(a.StartTimeUnixNano) - int64(b.StartTimeUnixNano)) })
	for _, s := range children {
		lines = append(lines, c.under(s, depth+". ")...)
	}
	return lines
}

func traces(cfg *config.Config) { cfg.TracingEndpoint = "http://collector.test:4318" }

// startTraced starts a daemon that sends its traces to a collector.
func (w *world) startTraced(c *collecting, change ...func(*config.Config)) *replica {
	w.Helper()
	w.collector = c
	return w.start(append(change, traces)...)
}

// One trace holds all of an issuance by a CA, from four writes, in two objects'
// handlers; tracing makes no write of its own.
func TestTraceOfAnIssuance(t *testing.T) {
	bubble(t, func(w *world) {
		c := &collecting{}
		r := w.startTraced(c)
		w.withCA()
		r.take(work)
		w.create(certificate("web", "ca"))
		w.rest()
		w.expectWrites(r,
			"create certificaterequests shop",
			"update certificaterequests/status shop/web-1",
			"patch secrets shop/web-tls",
			"update certificates/status shop/web")
		want := []string{
			"issue a certificate",
			". handle certificate web",
			". . generate key",
			". . create certificaterequests",
			". handle certificaterequest web-1",
			". . ask the issuer",
			". . update certificaterequests/status",
			". handle certificate web",
			". . apply secrets",
			". handle certificate web",
			". . update certificates/status",
		}
		if diff := cmp.Diff(want, c.tree(t, "issue a certificate", "web")); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, s := range c.spans {
			if s.service != "certwright" {
				t.Errorf("span %q is of service %q", s.Name, s.service)
			}
			if s.EndTimeUnixNano < s.StartTimeUnixNano {
				t.Errorf("span %q ends before it begins", s.Name)
			}
		}
		if got := r.series(w)["certwright_trace_spans_total{outcome=sent}"]; got < float64(len(want)) {
			t.Errorf("%v spans were counted", got)
		}
	})
}

// A renewal is a trace of its own, and what is cleaned up after it is in none
// of another issuance. At rest nothing is told.
func TestTraceOfARenewal(t *testing.T) {
	bubble(t, func(w *world) {
		c := &collecting{}
		w.startTraced(c, rareSweeps)
		w.withCA()
		w.create(certificate("web", "ca", func(crt *cmapi.Certificate) { crt.Spec.Duration = &metav1.Duration{Duration: 3 * time.Hour} }))
		w.rest()
		due := w.certificate("web").Status.RenewalTime.Time
		c.mu.Lock()
		before := c.calls
		c.spans = nil
		c.mu.Unlock()
		w.wait(time.Until(due) - 10*time.Minute)
		c.mu.Lock()
		since := c.calls - before
		c.mu.Unlock()
		if since != 0 {
			t.Errorf("%d calls at rest", since)
		}
		w.wait(25 * time.Minute)
		w.expectReady("web")
		got := c.tree(t, "issue a certificate", "web")
		if len(got) != 11 || got[4] != ". handle certificaterequest web-2" {
			t.Errorf("got %s", strings.Join(got, "\n"))
		}
	})
}

// An issuance by ACME is one trace too, though four kinds of objects and two
// processes have a part in it.
func TestTraceOfAnACMEIssuance(t *testing.T) {
	bubble(t, func(w *world) {
		c := &collecting{}
		server := validating(t, w)
		w.acme = server.Transport()
		w.startTraced(c, podsAnswer)
		w.create(issuer("le", byHTTP(acmeAt(server))))
		w.rest()
		w.create(certificate("web", "le"))
		w.rest()
		w.expectIssued("web", server)
		got := c.tree(t, "issue a certificate", "web")
		for _, want := range []string{
			". . generate key", ". . create secrets", ". . create certificaterequests", ". . create orders",
			". . ACME new_order", ". . ACME get_authorization", ". . create challenges",
			". challenge: waits for a place", ". challenge: has its place",
			". . solver: present", ". . solver: remove", ". . create pods", ". . ACME accept_challenge", ". order: names are proved",
			". . ACME finalize_order", ". . ACME get_certificate", ". . apply secrets", ". . update certificates/status",
		} {
			if !slices.Contains(got, want) {
				t.Errorf("the trace lacks %q", want)
			}
		}
		if t.Failed() {
			t.Logf("got:\n%s", strings.Join(got, "\n"))
		}
		ch := server.Calls("new_order")
		if ch != 1 {
			t.Errorf("%d orders", ch)
		}
	})
}

// What a trace says is no secret: no key, no token, no key authorization.
func TestTracesHoldNoSecrets(t *testing.T) {
	bubble(t, func(w *world) {
		c := &collecting{}
		server := validating(t, w)
		w.acme = server.Transport()
		var secrets []string
		w.onChange(func(_ string, k kind, _, now *object) {
			if now == nil {
				return
			}
			if k.plural == "challenges" {
				for _, field := range []string{"token", "key", "url"} {
					spec, _ := now.Object["spec"].(map[string]any)
					text, _ := spec[field].(string)
					secrets = append(secrets, text)
				}
			}
			if k.plural == "secrets" {
				for key, data := range asSecret(now.Unstructured).Data {
					if strings.HasSuffix(key, ".key") {
						secrets = append(secrets, string(data))
					}
				}
			}
		})
		w.startTraced(c, podsAnswer)
		w.create(issuer("le", byHTTP(acmeAt(server))))
		w.rest()
		w.create(certificate("web", "le"))
		w.rest()
		w.expectIssued("web", server)
		if len(secrets) < 6 {
			t.Fatalf("only %d secrets to look for", len(secrets))
		}
		for _, s := range secrets {
			if s != "" && strings.Contains(string(c.raw), s) {
				t.Errorf("a span holds %.20q", s)
			}
		}
		if holdsKey(c.raw) {
			t.Error("a span holds a key")
		}
	})
}

// What a process that was killed began belongs to the same trace as what the
// next one ends.
func TestATraceGoesOnAfterACrash(t *testing.T) {
	bubble(t, func(w *world) {
		c := &collecting{}
		first := w.startTraced(c, withoutApprover)
		w.create(issuer("selfsigned", selfSigned()), root())
		w.rest() // it waits for its approval
		w.must(first.stop())
		w.start(traces, withoutApprover)
		w.approve("root-1")
		w.rest()
		w.expectReady("root")
		got := c.tree(t, "issue a certificate", "root")
		for _, want := range []string{". . create certificaterequests", ". . ask the issuer", ". . apply secrets"} {
			if !slices.Contains(got, want) {
				t.Errorf("the trace lacks %q:\n%s", want, strings.Join(got, "\n"))
			}
		}
		instances := map[string]bool{}
		for _, s := range c.spans {
			instances[hex.EncodeToString(s.TraceId)] = true
		}
		if len(instances) == 0 {
			t.Error("no traces")
		}
	})
}

// A collector that cannot be reached costs a line in the log now and then.
func TestACollectorThatIsAway(t *testing.T) {
	bubble(t, func(w *world) {
		c := &collecting{refuses: true}
		r := w.startTraced(c)
		w.withCA()
		w.create(certificate("web", "ca"))
		w.wait(5 * time.Minute)
		w.expectReady("web")
		if n := strings.Count(r.log.String(), "Traces cannot be sent"); n != 1 {
			t.Errorf("it was told %d times", n)
		}
		if r.series(w)["certwright_trace_spans_total{outcome=lost}"] == 0 {
			t.Error("nothing was counted as lost")
		}
		began := time.Now()
		w.must(r.stop())
		if took := time.Since(began); took > flushTraces+time.Second {
			t.Errorf("stopping took %v", took)
		}
	})
}
