package queue_test

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
)

// slowly has each call go on beside the workers.
func slowly(group string, places int, do func(ctx context.Context, key queue.Key) (queue.Result, error)) *calls {
	return newCalls(func(_ context.Context, key queue.Key, _ int) (queue.Result, error) {
		return queue.Result{Beside: &queue.Beside{Group: group, Places: places, Do: func(ctx context.Context) (queue.Result, error) {
			return do(ctx, key)
		}}}, nil
	})
}

// What goes on beside the workers takes none of them, and no more at a time
// than the group has places.
func TestBesideHoldsNoWorker(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{LocalWorkers: 1})
		var busy, most atomic.Int32
		slow := slowly("vault", 2, func(context.Context, queue.Key) (queue.Result, error) {
			most.Store(max(most.Load(), busy.Add(1)))
			time.Sleep(time.Minute)
			busy.Add(-1)
			return queue.Result{}, nil
		})
		fast := newCalls(nil)
		for i := range 5 {
			q.Add(queue.Key{Kind: queue.CertificateRequest, Name: fmt.Sprint(i)})
		}
		stop := start(t, (&log{}).at(0), q, map[queue.Kind]queue.Handler{queue.CertificateRequest: slow, queue.Certificate: fast})
		q.Add(web)
		synctest.Wait()
		if diff := cmp.Diff([]time.Duration{0}, fast.of(web)); diff != "" {
			t.Errorf("a local key while five hang (-want +got):\n%s", diff)
		}
		time.Sleep(5 * time.Minute)
		if most.Load() != 2 || busy.Load() != 0 {
			t.Errorf("at most %d at a time and %d left, want 2 and 0", most.Load(), busy.Load())
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// To its key the rest is the same call: no second one begins meanwhile, one
// that was asked for follows, and its outcome is what counts.
func TestBesideIsTheSameCall(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{})
		var busy atomic.Int32
		var rests []time.Duration
		began := time.Now()
		h := slowly("g", 1, func(context.Context, queue.Key) (queue.Result, error) {
			if busy.Add(1) > 1 {
				t.Error("two calls for one key overlap")
			}
			rests = append(rests, time.Since(began))
			time.Sleep(10 * time.Second)
			busy.Add(-1)
			switch len(rests) {
			case 1:
				return queue.Result{}, nil
			case 2:
				return queue.Result{}, errors.New("try again") // after the kind's second
			case 3:
				panic("rest")
			}
			return queue.Result{After: time.Hour}, nil
		})
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		q.Add(web)
		time.Sleep(5 * time.Second)
		q.Add(web) // it is under way: one more call, when it is over
		q.Add(web)
		time.Sleep(90 * time.Minute)
		synctest.Wait()
		want := []time.Duration{0, 10 * time.Second, 21 * time.Second, 33 * time.Second, 43*time.Second + time.Hour}
		if diff := cmp.Diff(want, rests); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		if err := stop(); err != nil {
			t.Error(err)
		}
	})
}

// A stop gives time to what has begun, and drops what waits for its place.
func TestAStopWaitsForWhatIsBeside(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		q := queue.New(queue.Options{})
		var begun, ended atomic.Int32
		h := slowly("g", 1, func(ctx context.Context, _ queue.Key) (queue.Result, error) {
			begun.Add(1)
			select {
			case <-time.After(10 * time.Second):
				ended.Add(1)
			case <-ctx.Done():
			}
			return queue.Result{}, ctx.Err()
		})
		stop := start(t, (&log{}).at(0), q, everyKind(h))
		q.Add(web)
		q.Add(vault)
		synctest.Wait()
		if err := stop(); err != nil {
			t.Error(err)
		}
		if begun.Load() != 1 || ended.Load() != 1 {
			t.Errorf("%d begun and %d ended, want 1 and 1", begun.Load(), ended.Load())
		}
	})
}
