package queue_test

import (
	"bytes"
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"

	"github.com/certwright/certwright/queue"
)

var (
	web    = queue.Key{Kind: queue.Certificate, Namespace: "team-a", Name: "web"}
	api    = queue.Key{Kind: queue.Certificate, Namespace: "team-a", Name: "api"}
	vault  = queue.Key{Kind: queue.Issuer, Namespace: "team-a", Name: "vault"}
	public = queue.Key{Kind: queue.ClusterIssuer, Name: "public"}
)

// calls is a handler that notes when it is called for which key and then does
// what the test says; a nil next is Done.
type calls struct {
	mu    sync.Mutex
	began time.Time
	at    map[queue.Key][]time.Duration
	next  func(ctx context.Context, key queue.Key, call int) (queue.Result, error)
}

func newCalls(next func(ctx context.Context, key queue.Key, call int) (queue.Result, error)) *calls {
	return &calls{began: time.Now(), at: map[queue.Key][]time.Duration{}, next: next}
}

func (c *calls) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	c.mu.Lock()
	c.at[key] = append(c.at[key], time.Since(c.began))
	n := len(c.at[key])
	c.mu.Unlock()
	if c.next == nil {
		return queue.Result{}, nil
	}
	return c.next(ctx, key, n)
}

func (c *calls) of(key queue.Key) []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at[key]
}

// log catches what the queue logs at V(0), or up to the verbosity given.
type log struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// entries counts the log entries: lines that begin with a severity.
func (l *log) entries() int {
	n := 0
	for line := range strings.Lines(l.String()) {
		if strings.HasPrefix(line, "I") || strings.HasPrefix(line, "E") {
			n++
		}
	}
	return n
}

func (l *log) at(verbosity int) klog.Logger {
	return textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(l), textlogger.Verbosity(verbosity)))
}

// start runs the queue in the background; the returned function stops it and
// gives what Run returned. It must be called in a synctest bubble.
func start(t *testing.T, logger klog.Logger, q *queue.Queue, handlers map[queue.Kind]queue.Handler) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(klog.NewContext(t.Context(), logger))
	result := make(chan error, 1)
	go func() { result <- q.Run(ctx, handlers) }()
	synctest.Wait()
	return func() error {
		cancel()
		return <-result
	}
}

// everyKind has one handler serve all kinds.
func everyKind(h queue.Handler) map[queue.Kind]queue.Handler {
	all := map[queue.Kind]queue.Handler{}
	for _, k := range queue.Kinds() {
		all[k] = h
	}
	return all
}
