package daemon

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/certwright/certwright/daemon/config"
)

// get asks a handler for its answer.
func get(h http.HandlerFunc) (int, string) {
	recorded := httptest.NewRecorder()
	h(recorded, httptest.NewRequest(http.MethodGet, "/", nil))
	return recorded.Code, strings.TrimSpace(recorded.Body.String())
}

// A daemon is ready once its caches are full, at work or standing by.
func TestReadiness(t *testing.T) {
	bubble(t, func(w *world) {
		w.absent("issuers")
		first := w.start(withLease)
		if code, text := get(first.daemon.health.ready); code != http.StatusServiceUnavailable || !strings.Contains(text, "caches are not filled") {
			t.Errorf("without an API: %d %s", code, text)
		}
		w.absent()
		w.rest()
		second := w.start(withLease)
		for _, r := range []*replica{first, second} {
			if code, text := get(r.daemon.health.ready); code != http.StatusOK || text != "ok" {
				t.Errorf("%s: %d %s", r.name, code, text)
			}
		}
	})
}

// A daemon is alive, except when it should have given up its lease long ago and
// has not: then a restart helps.
func TestLiveness(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start(withLease)
		standby := w.start(withLease)
		w.rest()
		for _, r := range []*replica{r, standby} {
			if code, text := get(r.daemon.health.live); code != http.StatusOK || text != "ok" {
				t.Errorf("%s: %d %s", r.name, code, text)
			}
		}
		waiting := w.launchWaiting()
		if code, _ := get(waiting.health.live); code != http.StatusOK {
			t.Errorf("before it has begun: %d", code)
		}
	})
}

// launchWaiting is a daemon that is made and not run.
func (w *world) launchWaiting() *Daemon {
	d := New(alone(), newActor(w.api, "daemon-0").clients())
	w.Cleanup(d.queue.ShutDown)
	return d
}

// The ports are real sockets, for which time in a bubble does not wait; so
// these daemons serve, and do nothing else.

func serving(t *testing.T, change func(*config.Config)) (*Daemon, *servers) {
	t.Helper()
	cfg := alone()
	change(&cfg)
	d := New(cfg, newActor(newAPIServer(), "daemon-1").clients())
	t.Cleanup(d.queue.ShutDown)
	s, err := d.listen()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.run(ctx)
	}()
	t.Cleanup(func() {
		cancel()
		<-stopped
		for _, l := range s.listeners {
			if _, err := l.Accept(); !errors.Is(err, net.ErrClosed) {
				t.Errorf("still listening after the end: %v", err)
			}
		}
	})
	return d, s
}

func (s *servers) fetch(t *testing.T, address, path string) (int, string) {
	t.Helper()
	resp, err := http.Get("http://" + s.listeners[address].Addr().String() + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

func TestEndpoints(t *testing.T) {
	t.Parallel()
	const address, debug = "127.0.0.1:0", "localhost:0"
	_, s := serving(t, func(cfg *config.Config) {
		cfg.MetricsListenAddress, cfg.HealthzListenAddress = address, address // one server for both
		cfg.EnableProfiling, cfg.ProfilerAddress = true, debug
	})
	for _, row := range []struct {
		address, path string
		code          int
		text          string
	}{
		{address, "/livez", http.StatusOK, "ok"},
		{address, "/healthz", http.StatusOK, "ok"},
		{address, "/readyz", http.StatusServiceUnavailable, "caches are not filled yet"},
		{address, "/metrics", http.StatusOK, "certmanager_controller_sync_call_count"},
		{address, "/", http.StatusOK, "<h1>Certificates</h1>"},
		{address, "/debug/pprof/", http.StatusNotFound, ""},
		{debug, "/debug/pprof/", http.StatusOK, "goroutine"},
		{debug, "/debug/pprof/heap?debug=1", http.StatusOK, "heap profile"},
		{debug, "/metrics", http.StatusNotFound, ""},
	} {
		if code, text := s.fetch(t, row.address, row.path); code != row.code || !strings.Contains(text, row.text) {
			t.Errorf("%s: %d %.200s", row.path, code, text)
		}
	}
}

func TestNothingIsServedWhenOff(t *testing.T) {
	t.Parallel()
	_, s := serving(t, func(*config.Config) {})
	if len(s.listeners) > 0 {
		t.Errorf("listening on %v", s.listeners)
	}
}

// A port that is taken ends the start, with the address and what to do, and
// leaves no port behind that was opened before it.
func TestAPortThatIsTaken(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	address := taken.Addr().String()
	cfg := alone()
	cfg.HealthzListenAddress, cfg.MetricsListenAddress = address, "127.0.0.1:0"
	err = New(cfg, newActor(newAPIServer(), "daemon-1").clients()).Run(t.Context())
	if err == nil {
		t.Fatal("it ran")
	}
	for _, want := range []string{address, "address already in use", "choose another address", "--healthz-listen-address", `"0" serves nothing`} {
		if !strings.Contains(err.Error(), want) {
			t.Errorf("%q lacks %q", err, want)
		}
	}
}
