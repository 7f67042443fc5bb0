package queue_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certwright/certwright/queue"
)

// TestWhatForgetsFailures fails twice, then returns the row's outcome, then
// fails again: the pause after that tells whether the first two still count.
func TestWhatForgetsFailures(t *testing.T) {
	const s = time.Second
	rows := []struct {
		name   string
		third  func() (queue.Result, error)
		wake   bool            // the third call needs an event to be followed by a fourth
		pauses []time.Duration // from the third call on
	}{
		{"done", func() (queue.Result, error) { return queue.Result{}, nil }, true, []time.Duration{0, s}},
		{"after", func() (queue.Result, error) { return queue.Result{After: 50 * s}, nil }, false, []time.Duration{50 * s, s}},
		{"terminal", func() (queue.Result, error) { return queue.Result{}, queue.Terminal(errBroken) }, true, []time.Duration{0, s}},
		{"told delay", func() (queue.Result, error) { return queue.Result{}, queue.RetryAfter(errBroken, 50*s) }, false, []time.Duration{50 * s, s}},
		{"overdue", func() (queue.Result, error) { return queue.Result{After: -s}, nil }, false, []time.Duration{4 * s, 8 * s}},
		{"conflict", func() (queue.Result, error) { return queue.Result{}, errConflict }, false, []time.Duration{4 * s, 8 * s}},
		{"transient", func() (queue.Result, error) { return queue.Result{}, errBroken }, false, []time.Duration{4 * s, 8 * s}},
		{"panic", func() (queue.Result, error) { panic("poison") }, false, []time.Duration{4 * s, 8 * s}},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := queue.New(queue.Options{})
				h := newCalls(func(_ context.Context, key queue.Key, call int) (queue.Result, error) {
					switch call {
					case 3:
						if row.wake {
							q.Add(key)
						}
						return row.third()
					case 5:
						return queue.Result{}, nil
					}
					return queue.Result{}, errBroken
				})
				stop := start(t, (&log{}).at(0), q, everyKind(h))
				q.Add(web)
				time.Sleep(time.Hour)
				if err := stop(); err != nil {
					t.Error(err)
				}
				want := append([]time.Duration{s, 2 * s}, row.pauses...)
				if diff := cmp.Diff(want, pauses(h.of(web))); diff != "" {
					t.Errorf("pauses (-want +got):\n%s", diff)
				}
			})
		})
	}
}

// TestQuietOutcomesAreLoggedAtTwo: what is no operator's business can be seen
// by who looks for it.
func TestQuietOutcomesAreLoggedAtTwo(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged log
		q := queue.New(queue.Options{Grace: -1})
		h := newCalls(func(ctx context.Context, key queue.Key, call int) (queue.Result, error) {
			if key == web && call == 1 {
				return queue.Result{}, errConflict
			}
			<-ctx.Done()
			return queue.Result{}, ctx.Err()
		})
		stop := start(t, logged.at(2), q, everyKind(h))
		q.Add(web)
		time.Sleep(time.Minute)
		if err := stop(); err != nil {
			t.Error(err)
		}
		for _, want := range []string{
			`"Handler met a conflict, will try again" kind="certificate" object="team-a/web" attempt=1 reason="Operation cannot be fulfilled`,
			`"Handler was cut off by the shutdown" kind="certificate" object="team-a/web" attempt=2 reason="context canceled"`,
		} {
			if !strings.Contains(logged.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, &logged)
			}
		}
	})
}

// TestAFloodIsNotThrottled fails ten thousand keys at once. Each must be tried
// again after its own back-off; client-go's default bucket (10 a second for all
// keys together) would take a quarter of an hour.
func TestAFloodIsNotThrottled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const n = 10_000
		q := queue.New(queue.Options{})
		h := newCalls(func(_ context.Context, _ queue.Key, call int) (queue.Result, error) {
			if call == 1 {
				return queue.Result{}, errConflict
			}
			return queue.Result{}, nil
		})
		for _, key := range manyKeys()[:n] {
			q.Add(key)
		}
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		time.Sleep(2 * time.Second)
		if err := stop(); err != nil {
			t.Error(err)
		}
		for key, at := range h.at {
			if diff := cmp.Diff([]time.Duration{0, time.Second}, at); diff != "" {
				t.Fatalf("%s (-want +got):\n%s", key, diff)
			}
		}
		if len(h.at) != n {
			t.Errorf("%d keys were handled, want %d", len(h.at), n)
		}
	})
}
