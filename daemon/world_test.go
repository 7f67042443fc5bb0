package daemon

import (
	"bytes"
	"context"
	"flag"
	"fmt"
	"net/http"
	"os"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/daemon/config"

	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

// TestMain takes what is made for real time off these tests: first of all
// client-go's cache mutation detector. It looks at every cached object once a
// second, and a year in a synctest bubble has 31 million of them; instead, each
// test compares the caches with what is stored when it ends (checkCaches).
func TestMain(m *testing.M) {
	const detector = "KUBE_CACHE_MUTATION_DETECTOR"
	if _, set := os.LookupEnv(detector); set { // it has been read already
		if err := os.Unsetenv(detector); err != nil {
			panic(err)
		}
		if binary, err := os.Executable(); err == nil {
			_ = syscall.Exec(binary, os.Args, os.Environ()) // returns only where there is no exec
		}
	}
	// The last of them sleeps until a millisecond after the error before, of the
	// whole process: in a bubble, which begins in the year 2000, that is for ever.
	utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1]
	if err := flag.Set("rapid.nofailfile", "true"); err != nil { // the seed says it all
		panic(err)
	}
	klog.LogToStderr(false)
	klog.SetOutput(&logs{})
	os.Exit(m.Run())
}

// testingT is what a world needs of a *testing.T or a *rapid.T.
type testingT interface {
	Helper()
	Errorf(format string, args ...any)
	Fatalf(format string, args ...any)
	Logf(format string, args ...any)
	Cleanup(f func())
	Failed() bool
}

// world is an API server, its users, and the daemons that serve it, in a
// synctest bubble. A call takes a millisecond.
type world struct {
	testingT
	ctx      context.Context
	api      *apiServer
	user     Clients // of people and other programs
	replicas []*replica
	latest   atomic.Pointer[replica] // of those, also for who is no goroutine of the test's
	commits  []commit                // in order
	acme     http.RoundTripper
	// collector takes traces.
	collector http.RoundTripper
}

// bubble runs a test in a world of its own.
func bubble(t *testing.T, f func(w *world)) {
	t.Helper()
	t.Parallel()
	synctest.Test(t, func(t *testing.T) { f(newWorld(t)) })
}

func newWorld(t testingT) *world {
	api := newAPIServer()
	w := &world{testingT: t, ctx: context.Background(), api: api, user: newActor(api, "kubectl").clients()}
	api.onCommit = w.guard
	t.Cleanup(w.end)
	return w
}

// end stops the daemons that still run, which must not fail.
func (w *world) end() {
	for _, r := range w.replicas {
		if !r.stopped && !r.isCut() && r.daemon.set.Synced() {
			w.checkCaches(r)
		}
		if err := r.stop(); err != nil {
			w.Errorf("%s: %v", r.name, err)
		}
		for _, right := range unrequested(r.did) {
			w.Errorf("%s did what preflight.go does not ask the right for: %s", r.name, right)
		}
		if w.Failed() {
			w.Logf("log of %s:\n%s", r.name, r.log)
		}
	}
}

// replica is one daemon at work.
type replica struct {
	*actor
	daemon *Daemon
	log    *logs
	end    context.CancelFunc
	result chan error
	err    error

	stopped bool
}

// alone is the options of a daemon that is alone in its cluster, which needs no lease.
func alone() config.Config {
	cfg := config.Default()
	cfg.LeaderElect = false
	cfg.MetricsListenAddress, cfg.HealthzListenAddress, cfg.ACMEHTTP01SolverListenAddress = config.Off, config.Off, config.Off
	return cfg
}

// start starts a daemon with these changes of its options, and lets it come to rest.
func (w *world) start(change ...func(*config.Config)) *replica {
	w.Helper()
	r := w.launch(change...)
	w.rest()
	return r
}

// launch starts a daemon, and does not wait.
func (w *world) launch(change ...func(*config.Config)) *replica {
	w.Helper()
	return w.launchOver(newActor(w.api, fmt.Sprintf("daemon-%d", len(w.replicas)+1)), change...)
}

// launchOver starts a daemon over a connection.
func (w *world) launchOver(a *actor, change ...func(*config.Config)) *replica {
	w.Helper()
	cfg := alone()
	for _, f := range change {
		f(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		w.Fatalf("options: %v", err)
	}
	clients := a.clients()
	clients.ACME, clients.Collector = w.acme, w.collector
	r := &replica{actor: a, daemon: New(cfg, clients), log: &logs{}, result: make(chan error, 1)}
	logger := textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(r.log), textlogger.Verbosity(2)))
	ctx, cancel := context.WithCancel(klog.NewContext(w.ctx, logger))
	r.end = cancel
	go func() { r.result <- r.daemon.Run(ctx) }()
	w.replicas = append(w.replicas, r)
	w.latest.Store(r)
	return r
}

// stop tells the daemon to end and waits until it has. It may be called twice.
func (r *replica) stop() error {
	r.end()
	r.stopped = true
	if err, first := <-r.result; first {
		r.err = err
		close(r.result)
	}
	return r.err
}

// kill ends the daemon as kill -9 does: nothing that it does on its way out
// reaches the API server.
func (r *replica) kill() {
	r.cut()
	_ = r.stop() // whatever it says of its connection
	r.err = nil
}

// expectLog checks that the log has these words.
func (r *replica) expectLog(w *world, words ...string) {
	w.Helper()
	for _, word := range words {
		if !strings.Contains(r.log.String(), word) {
			w.Errorf("the log of %s lacks %q", r.name, word)
		}
	}
}

// rest lets things happen until they have come to rest: no issuance takes a
// minute here, and no back-off of a conflict does.
func (w *world) rest() { w.wait(time.Minute) }

func (w *world) wait(d time.Duration) {
	time.Sleep(d)
	synctest.Wait()
}

// logs is a log that is read when a test fails.
type logs struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logs) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

// String is the log, of a long one the end.
func (l *logs) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	lines := strings.Split(l.buf.String(), "\n")
	if n := len(lines) - 200; n > 0 {
		lines = lines[n:]
	}
	return strings.Join(lines, "\n")
}
