package daemon

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"time"

	"github.com/certwright/certwright/daemon/config"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"k8s.io/client-go/tools/leaderelection"
	"k8s.io/klog/v2"
)

// health answers the probes.
type health struct {
	synced func() bool
	lease  *leaderelection.HealthzAdaptor

	mu     sync.Mutex
	shards map[*leaderelection.HealthzAdaptor]bool // their Leases
}

// leaseTolerance is how much longer than its own deadline a leader that cannot
// renew counts as alive: the contract's 20 s (section 1.6).
const leaseTolerance = 20 * time.Second

func newHealth(synced func() bool) *health {
	return &health{synced: synced, lease: leaderelection.NewLeaderHealthzAdaptor(leaseTolerance), shards: map[*leaderelection.HealthzAdaptor]bool{}}
}

func (h *health) watch(e *leaderelection.LeaderElector) { h.lease.SetLeaderElection(e) }

// watchShard watches over a shard's Lease as well, until it is told not to.
func (h *health) watchShard(e *leaderelection.LeaderElector) (unwatch func()) {
	adaptor := leaderelection.NewLeaderHealthzAdaptor(leaseTolerance)
	adaptor.SetLeaderElection(e)
	h.mu.Lock()
	defer h.mu.Unlock()
	h.shards[adaptor] = true
	return func() {
		h.mu.Lock()
		defer h.mu.Unlock()
		delete(h.shards, adaptor)
	}
}

// live fails when a restart would help: a leader that should long have given up.
func (h *health) live(w http.ResponseWriter, _ *http.Request) {
	if err := h.alive(); err != nil {
		http.Error(w, err.Error(), http.StatusInternalServerError)
		return
	}
	fmt.Fprintln(w, "ok")
}

// alive is what the probe and a supervisor are told.
func (h *health) alive() error {
	if err := h.lease.Check(nil); err != nil { // it does not look at the request
		return fmt.Errorf("lease: %w", err)
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for adaptor := range h.shards {
		if err := adaptor.Check(nil); err != nil {
			return fmt.Errorf("lease of a shard: %w", err)
		}
	}
	return nil
}

// ready also holds for a standby: its caches are warm.
func (h *health) ready(w http.ResponseWriter, _ *http.Request) {
	if !h.synced() {
		http.Error(w, "caches are not filled yet: see the log for what is missing", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// servers are the HTTP servers, by listen address: equal ones share a server.
type servers struct {
	muxes     map[string]*http.ServeMux
	listeners map[string]net.Listener
}

// listen opens the ports, so that one already taken is told at the start.
func (d *Daemon) listen() (*servers, error) {
	s := &servers{muxes: map[string]*http.ServeMux{}, listeners: map[string]net.Listener{}}
	metrics := promhttp.HandlerFor(d, promhttp.HandlerOpts{ErrorLog: promLog{}})
	s.handle(d.cfg.MetricsListenAddress, "/metrics", metrics)
	if d.cfg.EnableWebPage && d.cfg.Keeps() { // files alone have no caches to show
		s.handle(d.cfg.MetricsListenAddress, "/", d.webPage())
	}
	s.handle(d.cfg.HealthzListenAddress, "/healthz", http.HandlerFunc(d.health.live))
	s.handle(d.cfg.HealthzListenAddress, "/livez", http.HandlerFunc(d.health.live))
	s.handle(d.cfg.HealthzListenAddress, "/readyz", http.HandlerFunc(d.health.ready))
	if d.cfg.EnableProfiling {
		s.handle(d.cfg.ProfilerAddress, "/debug/pprof/", http.HandlerFunc(pprof.Index))
		s.handle(d.cfg.ProfilerAddress, "/debug/pprof/profile", http.HandlerFunc(pprof.Profile))
		s.handle(d.cfg.ProfilerAddress, "/debug/pprof/trace", http.HandlerFunc(pprof.Trace))
	}
	for address := range s.muxes {
		l, err := net.Listen("tcp", address)
		if err != nil {
			s.close()
			return nil, fmt.Errorf("listen: %w; choose another address (--metrics-listen-address, --healthz-listen-address, --profiler-address; %q serves nothing)", err, config.Off)
		}
		s.listeners[address] = l
	}
	return s, nil
}

func (s *servers) handle(address, path string, h http.Handler) {
	if address == config.Off || address == "" {
		return
	}
	mux, ok := s.muxes[address]
	if !ok {
		mux = http.NewServeMux()
		s.muxes[address] = mux
	}
	mux.Handle(path, h)
}

func (s *servers) close() {
	for _, l := range s.listeners {
		_ = l.Close() // nothing was served yet
	}
}

// requestTimeout bounds how long a client may take over one request's header.
const requestTimeout = 10 * time.Second

// run serves until ctx ends.
func (s *servers) run(ctx context.Context) {
	var serving sync.WaitGroup
	defer serving.Wait()
	for address, l := range s.listeners {
		server := &http.Server{Handler: s.muxes[address], ReadHeaderTimeout: requestTimeout}
		serving.Go(func() {
			if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
				klog.FromContext(ctx).Error(err, "HTTP server ended", "address", address)
			}
		})
		serving.Go(func() {
			<-ctx.Done()
			_ = server.Close() // probes and scrapes in flight are not worth waiting for
		})
	}
}

// promLog sends the metrics handler's complaints to our log.
type promLog struct{}

func (promLog) Println(v ...any) { klog.Background().Info("Metrics", "problem", fmt.Sprint(v...)) }
