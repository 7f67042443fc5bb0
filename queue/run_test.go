package queue_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"

	"github.com/certwright/certwright/queue"
)

func TestKeysAddedBeforeRunAreKeptOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{})
		h := newCalls(nil)
		for range 3 {
			q.Add(web)
		}
		q.AddAfter(api, time.Minute)
		time.Sleep(time.Hour) // waiting for the lease
		if q.Len() != 2 {
			t.Errorf("%d keys are ready, want 2", q.Len())
		}
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		if err := stop(); err != nil {
			t.Error(err)
		}
		want := []time.Duration{time.Hour}
		for _, key := range []queue.Key{web, api} {
			if diff := cmp.Diff(want, h.of(key)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", key, diff)
			}
		}
	})
}

func TestAddAfterKeepsTheEarliest(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{})
		h := newCalls(nil)
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		q.AddAfter(web, time.Hour)
		q.AddAfter(web, time.Minute)
		q.AddAfter(web, 2*time.Hour)
		q.AddAfter(api, -time.Minute)
		time.Sleep(24 * time.Hour)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if diff := cmp.Diff([]time.Duration{time.Minute}, h.of(web)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if diff := cmp.Diff([]time.Duration{0}, h.of(api)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	})
}

// TestDrain stops the queue two seconds into a call of ten.
func TestDrain(t *testing.T) {
	rows := []struct {
		name  string
		grace time.Duration

		returns time.Duration // Run, after the stop
		cut     bool          // the handler's context was cancelled
	}{
		{"finishes within the grace time", 10 * time.Second, 8 * time.Second, false},
		{"is cut off after the grace time", 3 * time.Second, 3 * time.Second, true},
		{"default grace time", 0, 8 * time.Second, false},
		{"no grace time", -1, 0, true},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var logged log
				registry := prometheus.NewPedanticRegistry()
				q := queue.New(queue.Options{Grace: row.grace, LocalWorkers: 1, Registerer: registry})
				cut := false
				h := newCalls(func(ctx context.Context, key queue.Key, _ int) (queue.Result, error) {
					select {
					case <-time.After(10 * time.Second):
						return queue.Result{After: time.Second}, nil
					case <-ctx.Done():
						cut = true
						// Not every library wraps the context's error.
						return queue.Result{}, fmt.Errorf("get %s: %v", key, ctx.Err())
					}
				})
				stop := start(t, logged.at(0), q, everyKind(h))
				q.Add(web)
				q.Add(api) // stands in line behind web and is never taken
				time.Sleep(2 * time.Second)
				q.Add(web) // wants to come back, but is not taken either
				stopped := time.Now()
				if err := stop(); err != nil {
					t.Error(err)
				}
				if got := time.Since(stopped); got != row.returns {
					t.Errorf("Run returned after %s, want %s", got, row.returns)
				}
				if cut != row.cut {
					t.Errorf("cut off is %t, want %t", cut, row.cut)
				}
				if len(h.of(web)) != 1 || len(h.of(api)) != 0 {
					t.Errorf("%d and %d calls, want 1 and 0", len(h.of(web)), len(h.of(api)))
				}
				if n := value(t, registry, "certmanager_controller_sync_error_count", "certificates"); n != 0 {
					t.Errorf("a cut-off is not an error, but %v are counted", n)
				}
				if strings.Contains(logged.String(), "failed") {
					t.Errorf("a cut-off is not a failure:\n%s", &logged)
				}
				if row.cut != strings.Contains(logged.String(), "certificate team-a/web") {
					t.Errorf("the log names the keys that are cut off, and only those:\n%s", &logged)
				}
				q.Add(web) // does nothing, and does no harm
			})
		})
	}
}

func TestDrainAbandonsWhatIgnoresItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{Grace: time.Second})
		h := newCalls(func(context.Context, queue.Key, int) (queue.Result, error) {
			time.Sleep(time.Hour)
			return queue.Result{}, nil
		})
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		q.Add(vault)
		synctest.Wait()
		stopped := time.Now()
		err := stop()
		if err == nil || !strings.Contains(err.Error(), "issuer team-a/vault") {
			t.Errorf("the error does not name the key: %v", err)
		}
		if got := time.Since(stopped); got != 6*time.Second {
			t.Errorf("Run returned after %s, want 6s", got)
		}
		time.Sleep(time.Hour)
	})
}

func TestHandlersKeepTheValuesOfRunsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged log
		q := queue.New(queue.Options{})
		h := newCalls(func(ctx context.Context, _ queue.Key, _ int) (queue.Result, error) {
			klog.FromContext(ctx).Info("Here")
			return queue.Result{}, nil
		})
		stop := start(t, logged.at(0), q, everyKind(h))
		q.Add(web)
		q.Add(public)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		for _, want := range []string{
			`"Here" kind="certificate" object="team-a/web" attempt=1`,
			`"Here" kind="clusterissuer" object="public" attempt=1`,
		} {
			if !strings.Contains(logged.String(), want) {
				t.Errorf("the log lacks %s:\n%s", want, &logged)
			}
		}
	})
}

func TestRunRefusesAFaultyTable(t *testing.T) {
	for want, handlers := range map[string]map[queue.Kind]queue.Handler{
		"handler for certificate is nil":      {queue.Certificate: nil},
		"handler for kind(0): no such kind":   {0: newCalls(nil)},
		"handler for kind(200): no such kind": {200: newCalls(nil)},
	} {
		synctest.Test(t, func(t *testing.T) {
			q := queue.New(queue.Options{})
			err := q.Run(t.Context(), handlers)
			if err == nil || err.Error() != want {
				t.Errorf("got %v, want %s", err, want)
			}
		})
	}
}

func TestRunTwice(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{})
		stop := start(t, (&log{}).at(0), q, nil)
		if err := q.Run(t.Context(), nil); err == nil {
			t.Error("a second Run must be refused")
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

func TestKeysNobodyServesAreLoggedAndDropped(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var logged log
		q := queue.New(queue.Options{})
		h := newCalls(nil)
		stop := start(t, logged.at(0), q, map[queue.Kind]queue.Handler{queue.Certificate: h})
		q.Add(queue.Key{})
		q.Add(queue.Key{Kind: 200, Name: "x"})
		q.Add(vault)
		q.Add(web)
		time.Sleep(time.Hour)
		if err := stop(); err != nil {
			t.Error(err)
		}
		if len(h.of(web)) != 1 {
			t.Error("the other keys must go on")
		}
		checkLog(t, &logged, "no handler serves issuer")
	})
}

// TestIdleQueueDoesNotWake passes a century in a bubble. A queue that looked
// around every ten seconds would do so three hundred million times.
func TestIdleQueueDoesNotWake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{})
		h := newCalls(nil)
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		q.AddAfter(web, 100*365*24*time.Hour)
		time.Sleep(101 * 365 * 24 * time.Hour)
		if diff := cmp.Diff([]time.Duration{100 * 365 * 24 * time.Hour}, h.of(web)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}
