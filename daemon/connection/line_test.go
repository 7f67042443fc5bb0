package connection

import (
	"bytes"
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

	"k8s.io/client-go/rest"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/ktesting"
)

// site is an API server of one page, which knows one token.
type site struct {
	*httptest.Server
	token atomic.Pointer[string]
	calls atomic.Int64
	date  atomic.Pointer[string]
}

func newSite(t *testing.T, token string) *site {
	s := &site{}
	s.token.Store(&token)
	s.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.calls.Add(1)
		if date := s.date.Load(); date != nil {
			w.Header().Set("Date", *date)
		}
		if r.Header.Get("Authorization") != "Bearer "+*s.token.Load() {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.Copy(w, r.Body)
	}))
	t.Cleanup(s.Close)
	return s
}

// desk is a line to a site, with the token in a file and what was logged.
type desk struct {
	*Line
	file string
	log  ktesting.Buffer
}

// silent keeps what is logged from the test's output.
type silent struct{}

func (silent) Helper()    {}
func (silent) Log(...any) {}

func open(t *testing.T, host string, token string) (*desk, context.Context) {
	t.Helper()
	d := &desk{file: filepath.Join(t.TempDir(), "kubeconfig")}
	d.write(t, host+" "+token)
	logger := ktesting.NewLogger(silent{}, ktesting.NewConfig(ktesting.BufferLogs(true)))
	d.log = logger.GetSink().(ktesting.Underlier).GetBuffer()
	ctx, cancel := context.WithTimeout(klog.NewContext(t.Context(), logger), time.Minute)
	t.Cleanup(cancel)
	line, _, err := Open(ctx, Source{Files: []string{d.file}, Load: d.load})
	if err != nil {
		t.Fatal(err)
	}
	d.Line = line
	return d, ctx
}

func (d *desk) write(t *testing.T, content string) {
	t.Helper()
	if err := os.WriteFile(d.file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (d *desk) load() (*rest.Config, error) {
	content, err := os.ReadFile(d.file)
	if err != nil {
		return nil, err
	}
	host, token, ok := strings.Cut(string(content), " ")
	if !ok {
		return nil, errors.New("half a kubeconfig")
	}
	return &rest.Config{Host: host, BearerToken: token}, nil
}

func (d *desk) ask(ctx context.Context, t *testing.T, host string) (string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, host, bytes.NewReader([]byte("body")))
	if err != nil {
		t.Fatal(err)
	}
	resp, err := (&http.Client{Transport: d}).Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	content, err := io.ReadAll(resp.Body)
	if resp.StatusCode != http.StatusOK {
		return resp.Status, err
	}
	return string(content), err
}

// TestRefusedCredentials: the request waits, with its body, until the file has
// others; and is sent with those.
func TestRefusedCredentials(t *testing.T) {
	s := newSite(t, "new")
	d, ctx := open(t, s.URL, "old")
	go d.Keep(ctx, func() { t.Error("it has not moved") })
	answer := make(chan string)
	go func() {
		got, err := d.ask(ctx, t, s.URL)
		if err != nil {
			got = err.Error()
		}
		answer <- got
	}()
	await(t, func() bool { return d.Fault() != "" })
	if text := d.log.String(); !strings.Contains(text, "refuses our credentials") || strings.Contains(text, "old") {
		t.Errorf("it says %q", text)
	}
	d.write(t, "half")
	d.lookNow()
	await(t, func() bool { return strings.Contains(d.log.String(), "half a kubeconfig") })
	d.write(t, s.URL+" new")
	d.lookNow()
	if got := <-answer; got != "body" {
		t.Errorf("the answer is %q", got)
	}
	if d.Fault() != "" || !strings.Contains(d.log.String(), "serves us again") {
		t.Errorf("fault %q, log %s", d.Fault(), d.log.String())
	}
}

// await waits for what cannot be watched.
func await(t *testing.T, holds func() bool) {
	t.Helper()
	deadline := time.After(10 * time.Second)
	for !holds() {
		select {
		case <-deadline:
			t.Fatal("it never came")
		case <-time.After(10 * time.Millisecond):
		}
	}
}

func TestAnotherServer(t *testing.T) {
	s := newSite(t, "a")
	d, ctx := open(t, s.URL, "a")
	moved := make(chan struct{})
	go d.Keep(ctx, func() { close(moved) })
	d.write(t, "https://192.0.2.1 a")
	d.lookNow()
	<-moved
	if got, err := d.ask(ctx, t, s.URL); got != "body" || err != nil { // what is in flight ends on the old one
		t.Error(got, err)
	}
}

// TestNobodyThere: a request that was not sent is held back until the server is
// there, its context ends, or the line does.
func TestNobodyThere(t *testing.T) {
	s := newSite(t, "a")
	gone := s.URL
	s.Close()
	d, ctx := open(t, gone, "a")
	short, cancel := context.WithTimeout(ctx, 200*time.Millisecond)
	defer cancel()
	if _, err := d.ask(short, t, gone); err == nil {
		t.Error("it was answered")
	}
	if n := strings.Count(d.log.String(), "cannot be reached"); n != 1 {
		t.Errorf("told %d times: %s", n, d.log.String())
	}
	closed := make(chan struct{})
	close(closed)
	d.ended = closed
	if _, err := d.ask(ctx, t, gone); err == nil {
		t.Error("it was answered")
	}
}

// TestNotSentTwice: what may have reached the server is not sent again.
func TestNotSentTwice(t *testing.T) {
	var calls atomic.Int64
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		calls.Add(1)
		conn, _, err := w.(http.Hijacker).Hijack()
		if err == nil {
			conn.Close()
		}
	}))
	defer s.Close()
	d, ctx := open(t, s.URL, "a")
	if _, err := d.ask(ctx, t, s.URL); err == nil || calls.Load() != 1 {
		t.Errorf("%d calls, error %v", calls.Load(), err)
	}
}

func TestClocksApart(t *testing.T) {
	s := newSite(t, "a")
	d, ctx := open(t, s.URL, "a")
	for _, row := range []struct {
		away time.Duration
		want int // how often a difference was told by then
	}{{0, 0}, {-30 * time.Second, 0}, {-time.Hour, 1}, {-time.Hour, 1}, {time.Hour, 2}, {0, 2}} {
		date := time.Now().Add(row.away).UTC().Format(http.TimeFormat)
		s.date.Store(&date)
		if _, err := d.ask(ctx, t, s.URL); err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(d.log.String(), "This machine's clock is"); n != row.want {
			t.Errorf("away %s: told %d times, want %d", row.away, n, row.want)
		}
	}
	if text := d.log.String(); !strings.Contains(text, "ahead of the API server's") || !strings.Contains(text, "behind") || !strings.Contains(text, "agrees") {
		t.Error(text)
	}
}
