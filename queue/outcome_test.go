package queue_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/certwright/certwright/queue"
)

var (
	errBroken   = errors.New("broken")
	errConflict = apierrors.NewConflict(schema.GroupResource{Resource: "certificates"}, "web", errBroken)
)

// TestOutcomes holds the outcome table of the package comment against the
// worker: the first call returns the row, every later one Done.
func TestOutcomes(t *testing.T) {
	const s = time.Second
	rows := []struct {
		name   string
		result queue.Result
		err    error
		panics any

		calls  []time.Duration
		errors int    // in the contract's error count
		logs   string // in the one line at V(0); "" is no line
	}{
		{name: "done", calls: []time.Duration{0}},
		{name: "after", result: queue.Result{After: 90 * s}, calls: []time.Duration{0, 90 * s}},
		{name: "after a time that has passed", result: queue.Result{After: -s}, calls: []time.Duration{0, s}},
		{name: "terminal", err: queue.Terminal(errBroken), calls: []time.Duration{0}, errors: 1, logs: "gave up"},
		{name: "wrapped terminal", err: fmt.Errorf("sign: %w", queue.Terminal(errBroken)), calls: []time.Duration{0}, errors: 1, logs: "sign: broken"},
		{name: "terminal conflict", err: queue.Terminal(errConflict), calls: []time.Duration{0}, errors: 1, logs: "gave up"},
		{name: "told delay", err: queue.RetryAfter(errBroken, 42*s), calls: []time.Duration{0, 42 * s}, errors: 1, logs: `delay="42s"`},
		{name: "wrapped told delay", err: fmt.Errorf("order: %w", queue.RetryAfter(errBroken, 42*s)), calls: []time.Duration{0, 42 * s}, errors: 1, logs: "when told"},
		{name: "told delay that is none", err: queue.RetryAfter(errBroken, 0), calls: []time.Duration{0, s}, errors: 1, logs: "will try again"},
		{name: "told delay beyond the back-off", err: queue.RetryAfter(errBroken, 2*time.Hour), calls: []time.Duration{0, 2 * time.Hour}, errors: 1, logs: "when told"},
		{name: "conflict", err: fmt.Errorf("update: %w", errConflict), calls: []time.Duration{0, s}},
		{name: "transient", err: errBroken, calls: []time.Duration{0, s}, errors: 1, logs: `err="broken"`},
		{name: "transient beside a result", result: queue.Result{After: time.Hour}, err: errBroken, calls: []time.Duration{0, s}, errors: 1, logs: "broken"},
		{name: "cancelled, but not by a shutdown", err: context.Canceled, calls: []time.Duration{0, s}, errors: 1, logs: "context canceled"},
		{name: "panic", panics: "malformed PEM", calls: []time.Duration{0, s}, errors: 1, logs: "panic: malformed PEM"},
		{name: "panic with an error that is terminal", panics: queue.Terminal(errBroken), calls: []time.Duration{0, s}, errors: 1, logs: "panic: broken"},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged log
				registry := prometheus.NewPedanticRegistry()
				q := queue.New(queue.Options{Registerer: registry})
				h := newCalls(func(_ context.Context, _ queue.Key, call int) (queue.Result, error) {
					if call > 1 {
						return queue.Result{}, nil
					}
					if row.panics != nil {
						panic(row.panics)
					}
					return row.result, row.err
				})
				stop := start(t, logged.at(0), q, everyKind(h))
				q.Add(web)
				time.Sleep(24 * time.Hour)
				if err := stop(); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(row.calls, h.of(web)); diff != "" {
					t.Errorf("calls (-want +got):\n%s", diff)
				}
				if got := value(t, registry, "certmanager_controller_sync_error_count", "certificates"); got != float64(row.errors) {
					t.Errorf("counted %v errors, want %d", got, row.errors)
				}
				checkLog(t, &logged, row.logs)
			})
		})
	}
}

func checkLog(t *testing.T, logged *log, want string) {
	t.Helper()
	lines := 0
	if want != "" {
		lines = 1
	}
	if logged.entries() != lines || !strings.Contains(logged.String(), want) {
		t.Errorf("want %d log entries with %q, got:\n%s", lines, want, logged)
	}
}

func TestBackOffGrowsToItsCapAndIsForgotten(t *testing.T) {
	const s = time.Second
	rows := []struct {
		key  queue.Key
		want []time.Duration // pauses between the calls
	}{
		{web, []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s, 30 * s, s}},
		{queue.Key{Kind: queue.CertificateRequest, Namespace: "a", Name: "b"}, []time.Duration{s, 2 * s, 4 * s, 8 * s, 16 * s, 30 * s, 30 * s, 30 * s, s}},
		{vault, []time.Duration{5 * s, 10 * s, 20 * s, 40 * s, 80 * s, 160 * s, 300 * s, 300 * s, 5 * s}},
		{public, []time.Duration{5 * s, 10 * s, 20 * s, 40 * s, 80 * s, 160 * s, 300 * s, 300 * s, 5 * s}},
	}
	for _, row := range rows {
		t.Run(row.key.Kind.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged log
				q := queue.New(queue.Options{})
				// Eight failures, a success that is followed at once by another
				// failure: its back-off starts anew.
				h := newCalls(func(_ context.Context, key queue.Key, call int) (queue.Result, error) {
					switch call {
					case 9:
						q.Add(key)
						return queue.Result{}, nil
					case 11:
						return queue.Result{}, nil
					}
					return queue.Result{}, errBroken
				})
				stop := start(t, logged.at(0), q, everyKind(h))
				q.Add(row.key)
				time.Sleep(24 * time.Hour)
				if err := stop(); err != nil {
					t.Error(err)
				}
				if diff := cmp.Diff(withZero(row.want), pauses(h.of(row.key))); diff != "" {
					t.Errorf("pauses (-want +got):\n%s", diff)
				}
				for attempt := range 8 {
					want := fmt.Sprintf("attempt=%d\n", attempt+1)
					if !strings.Contains(logged.String(), want) {
						t.Errorf("log has no %q:\n%s", want, &logged)
					}
				}
			})
		})
	}
}

// withZero puts in the pause of the call that follows the success at once.
func withZero(want []time.Duration) []time.Duration {
	last := len(want) - 1
	return append(append([]time.Duration{}, want[:last]...), 0, want[last])
}

func pauses(at []time.Duration) []time.Duration {
	var p []time.Duration
	for i := 1; i < len(at); i++ {
		p = append(p, at[i]-at[i-1])
	}
	return p
}

func TestMarksAreTransparent(t *testing.T) {
	for name, err := range map[string]error{
		"terminal":    fmt.Errorf("step: %w", queue.Terminal(fmt.Errorf("sign: %w", errBroken))),
		"retry after": fmt.Errorf("step: %w", queue.RetryAfter(fmt.Errorf("sign: %w", errBroken), time.Minute)),
	} {
		if !errors.Is(err, errBroken) {
			t.Errorf("%s: errors.Is does not see through the mark", name)
		}
		if err.Error() != "step: sign: broken" {
			t.Errorf("%s: the mark shows in the text: %s", name, err)
		}
	}
	var status apierrors.APIStatus
	if !errors.As(queue.Terminal(errConflict), &status) {
		t.Error("errors.As does not see through Terminal")
	}
}

func TestMarkPredicates(t *testing.T) {
	rows := []struct {
		name     string
		err      error
		terminal bool
		delay    time.Duration
		told     bool
	}{
		{name: "nil"},
		{name: "terminal of nil", err: queue.Terminal(nil)},
		{name: "retry after of nil", err: queue.RetryAfter(nil, time.Second)},
		{name: "plain", err: errBroken},
		{name: "terminal", err: fmt.Errorf("x: %w", queue.Terminal(errBroken)), terminal: true},
		{name: "retry after", err: fmt.Errorf("x: %w", queue.RetryAfter(errBroken, time.Second)), delay: time.Second, told: true},
		{name: "retry after of terminal", err: queue.RetryAfter(queue.Terminal(errBroken), time.Second), delay: time.Second, told: true},
		{name: "terminal of retry after", err: queue.Terminal(queue.RetryAfter(errBroken, time.Second)), terminal: true},
		{name: "joined", err: errors.Join(errBroken, queue.Terminal(errBroken)), terminal: true},
	}
	for _, row := range rows {
		if got := queue.IsTerminal(row.err); got != row.terminal {
			t.Errorf("%s: IsTerminal is %t", row.name, got)
		}
		if delay, told := queue.RetryDelay(row.err); delay != row.delay || told != row.told {
			t.Errorf("%s: RetryDelay is %s, %t", row.name, delay, told)
		}
	}
	if queue.Terminal(nil) != nil || queue.RetryAfter(nil, time.Second) != nil {
		t.Error("a mark on no error must be no error")
	}
}
