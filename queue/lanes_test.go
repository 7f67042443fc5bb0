package queue_test

import (
	"context"
	"fmt"
	"runtime"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/certwright/certwright/queue"
)

// TestLanesDoNotBlockEachOther fills one lane with calls that hang and times a
// key of the other.
func TestLanesDoNotBlockEachOther(t *testing.T) {
	rows := []struct {
		name       string
		slow, fast queue.Kind
	}{
		{"remote calls hang", queue.Issuer, queue.Certificate},
		{"local calls hang", queue.Certificate, queue.Issuer},
	}
	for _, row := range rows {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				q := queue.New(queue.Options{LocalWorkers: 3, RemoteWorkers: 3, Grace: -1})
				slow := newCalls(func(ctx context.Context, _ queue.Key, _ int) (queue.Result, error) {
					<-ctx.Done()
					return queue.Result{}, ctx.Err()
				})
				fast := newCalls(nil)
				for i := range 10 {
					q.Add(queue.Key{Kind: row.slow, Name: fmt.Sprint(i)})
				}
				key := queue.Key{Kind: row.fast, Name: "fast"}
				q.Add(key)
				stop := start(t, (&log{}).at(0), q, map[queue.Kind]queue.Handler{row.slow: slow, row.fast: fast})
				if diff := cmp.Diff([]time.Duration{0}, fast.of(key)); diff != "" {
					t.Errorf("(-want +got):\n%s", diff)
				}
				if len(slow.at) != 3 {
					t.Errorf("%d slow calls are running, want as many as workers, 3", len(slow.at))
				}
				if err := stop(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

func TestPoisonedKeysDoNotStopTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{LocalWorkers: 2})
		h := newCalls(func(_ context.Context, key queue.Key, _ int) (queue.Result, error) {
			if key.Namespace == "poison" {
				panic(key.Name)
			}
			return queue.Result{}, nil
		})
		for i := range 100 {
			q.Add(queue.Key{Kind: queue.Certificate, Namespace: "poison", Name: fmt.Sprint(i)})
		}
		q.Add(web)
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		if diff := cmp.Diff([]time.Duration{0}, h.of(web)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		time.Sleep(time.Minute)
		poisoned := queue.Key{Kind: queue.Certificate, Namespace: "poison", Name: "7"}
		// At 0, 1, 3, 7, 15 and 31 seconds.
		if got := len(h.of(poisoned)); got != 6 {
			t.Errorf("a panicking key was tried %d times in a minute, want 6", got)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestKindsTakeTurns puts a request behind many certificates: it is served
// after one of them.
func TestKindsTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{LocalWorkers: 1})
		for i := range 1000 {
			q.Add(queue.Key{Kind: queue.Certificate, Name: fmt.Sprint(i)})
		}
		request := queue.Key{Kind: queue.CertificateRequest, Name: "web-1"}
		q.Add(request)
		h := newCalls(func(context.Context, queue.Key, int) (queue.Result, error) {
			time.Sleep(time.Second)
			return queue.Result{}, nil
		})
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		time.Sleep(time.Hour)
		if diff := cmp.Diff([]time.Duration{time.Second}, h.of(request)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		last := queue.Key{Kind: queue.Certificate, Name: "999"}
		if diff := cmp.Diff([]time.Duration{1000 * time.Second}, h.of(last)); diff != "" {
			t.Errorf("within a kind first come must be first served (-want +got):\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// TestEqualKeysNeverOverlap hammers a few keys from many goroutines, for the
// race detector.
func TestEqualKeysNeverOverlap(t *testing.T) {
	const keys, adders, rounds = 5, 8, 2000
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{LocalWorkers: 16})
		var inside [keys]atomic.Int32
		var latest [keys]atomic.Int64
		var overlaps, handled atomic.Int32
		var seen [keys]int64 // unguarded: the race detector watches it
		h := queue.HandlerFunc(func(_ context.Context, key queue.Key) (queue.Result, error) {
			i := key.Name[0] - '0'
			if inside[i].Add(1) > 1 {
				overlaps.Add(1)
			}
			runtime.Gosched()
			seen[i] = latest[i].Load()
			handled.Add(1)
			inside[i].Add(-1)
			return queue.Result{}, nil
		})
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		for range adders {
			go func() {
				for n := range rounds {
					i := n % keys
					latest[i].Add(1)
					q.Add(queue.Key{Kind: queue.Certificate, Name: fmt.Sprint(i)})
				}
			}()
		}
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if n := overlaps.Load(); n > 0 {
			t.Errorf("%d calls overlapped", n)
		}
		for i := range keys {
			if seen[i] != latest[i].Load() {
				t.Errorf("key %d: the last call saw state %d of %d: an add was lost", i, seen[i], latest[i].Load())
			}
		}
		t.Logf("%d calls for %d adds", handled.Load(), adders*rounds)
	})
}
