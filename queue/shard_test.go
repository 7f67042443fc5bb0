package queue_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
	"k8s.io/klog/v2"
)

// As it has always been: replicas of two versions share by it. The number is FNV-1a
// of "shop/web", 32 bits.
func TestShardsStay(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		key  queue.Key
		n    int
		want int
	}{
		{queue.Key{Kind: queue.Certificate, Namespace: "shop", Name: "web"}, 12, 0xeb78a544 % 12},
		{queue.Key{Kind: queue.CertificateRequest, Namespace: "shop", Name: "web"}, 12, 0xeb78a544 % 12},
		{queue.Key{Kind: queue.Ingress, Namespace: "shop", Name: "web"}, 5, 0xeb78a544 % 5},
		{queue.Key{Kind: queue.Certificate, Namespace: "shop", Name: "web"}, 1, 0},
		{queue.Key{Kind: queue.Challenge, Namespace: "shop", Name: "web"}, 12, 0},
		{queue.Places, 12, 0},
		{queue.SharedServices, 12, 0},
	} {
		if got := row.key.Shard(row.n); got != row.want {
			t.Errorf("%s is in shard %d of %d, want %d", row.key, got, row.n, row.want)
		}
	}
}

// sharded is a queue in shards, at work.
type sharded struct {
	*testing.T
	*queue.Queue
	ctx  context.Context
	stop context.CancelFunc
	done chan error
}

const parts = 4

func startSharded(t *testing.T, o queue.Options) *sharded {
	t.Helper()
	o.Shards = parts
	s := &sharded{T: t, Queue: queue.New(o), done: make(chan error, 1)}
	s.ctx, s.stop = context.WithCancel(klog.NewContext(t.Context(), (&log{}).at(0)))
	go func() { s.done <- s.Serve(s.ctx) }()
	synctest.Wait()
	return s
}

// begin begins a term; what ends it returns what Work did.
func (s *sharded) begin(cut context.Context, shard int, h queue.Handler, keys ...queue.Key) (end func() error) {
	s.Helper()
	ctx, cancel := context.WithCancel(s.ctx)
	result := make(chan error, 1)
	go func() {
		result <- s.Work(ctx, queue.Term{Shard: shard, Handlers: everyKind(h), Keys: slices.Values(keys), Cut: cut})
	}()
	synctest.Wait()
	return func() error {
		cancel()
		return <-result
	}
}

func (s *sharded) finish() {
	s.Helper()
	s.stop()
	if err := <-s.done; err != nil {
		s.Error(err)
	}
}

// in gives n keys of a shard.
func in(shard, n int) (keys []queue.Key) {
	for i := 0; len(keys) < n; i++ {
		if k := (queue.Key{Kind: queue.Certificate, Namespace: "shop", Name: fmt.Sprint("web-", i)}); k.Shard(parts) == shard {
			keys = append(keys, k)
		}
	}
	return keys
}

// Keys of a shard are handled while it is worked on, and only then; the first of
// them are all that there are.
func TestOnlyKeysOfTheShardsAtWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSharded(t, queue.Options{})
		mine, others := in(1, 3), in(2, 3)
		first := newCalls(nil)
		s.Add(mine[2]) // too early: it is not lost, since it is among all there are
		end := s.begin(context.Background(), 1, first, append(slices.Clone(mine), others...)...)
		s.Add(others[0])
		synctest.Wait()
		for _, k := range mine {
			if n := len(first.of(k)); n != 1 {
				t.Errorf("%s was handled %d times, want once", k, n)
			}
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		s.Add(mine[0])
		synctest.Wait()
		if len(first.at) != 3 || len(first.of(mine[0])) != 1 {
			t.Errorf("handled %v after its time", first.at)
		}
		// The next term has handlers of its own.
		second := newCalls(nil)
		end = s.begin(context.Background(), 1, second, mine...)
		if len(second.at) != 3 || len(first.of(mine[0])) != 1 {
			t.Errorf("the handlers of the term before were called: %v, %v", first.at, second.at)
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		s.finish()
	})
}

// What was to come back later does not once its shard is gone: neither by the
// clock nor because it failed.
func TestNothingComesBackOfALostShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSharded(t, queue.Options{})
		keys := in(3, 2)
		h := newCalls(func(_ context.Context, k queue.Key, _ int) (queue.Result, error) {
			if k == keys[0] {
				return queue.Result{After: time.Minute}, nil
			}
			return queue.Result{}, errors.New("try again")
		})
		end := s.begin(context.Background(), 3, h, keys...)
		if err := end(); err != nil {
			t.Error(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		want := map[queue.Key][]time.Duration{keys[0]: {0}, keys[1]: {0}}
		if diff := cmp.Diff(want, h.at); diff != "" {
			t.Errorf("calls (-want +got):\n%s", diff)
		}
		s.finish()
	})
}

// A term ends when its calls have, and the other shards go on meanwhile.
func TestATermEndsWithItsCalls(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSharded(t, queue.Options{Grace: time.Minute})
		slow := newCalls(func(context.Context, queue.Key, int) (queue.Result, error) {
			time.Sleep(10 * time.Second)
			return queue.Result{}, nil
		})
		other := newCalls(nil)
		endOther := s.begin(context.Background(), 2, other)
		end := s.begin(context.Background(), 1, slow, in(1, 1)...)
		began := time.Now()
		ended := make(chan error, 1)
		go func() { ended <- end() }()
		time.Sleep(5 * time.Second)
		s.Add(in(2, 1)[0])
		synctest.Wait()
		if len(other.at) != 1 {
			t.Error("the other shard stands still")
		}
		if err := <-ended; err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("ended after %s with %v, want 10s", time.Since(began), err)
		}
		if err := endOther(); err != nil {
			t.Error(err)
		}
		s.finish()
	})
}

// Calls that outlast the grace time are cancelled, and at once those of a term
// that is cut; who does not listen is told of.
func TestCallsOfATermAreCancelled(t *testing.T) {
	for name, row := range map[string]struct {
		cut      time.Duration // after the begin; 0: it is not
		deaf     bool
		want     time.Duration
		abandons bool
	}{
		"after the grace time":  {want: 20 * time.Second},
		"at once, when cut":     {cut: 3 * time.Second, want: 3 * time.Second},
		"but who does not hear": {deaf: true, want: 25 * time.Second, abandons: true},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := startSharded(t, queue.Options{})
				h := newCalls(func(ctx context.Context, _ queue.Key, _ int) (queue.Result, error) {
					if row.deaf {
						time.Sleep(time.Minute)
					}
					<-ctx.Done()
					return queue.Result{}, ctx.Err()
				})
				cut, sever := context.WithCancel(t.Context())
				defer sever()
				end := s.begin(cut, 0, h, queue.Places)
				if row.cut > 0 {
					time.AfterFunc(row.cut, sever)
				}
				began := time.Now()
				err := end()
				if got := time.Since(began); got != row.want || (err != nil) != row.abandons {
					t.Errorf("ended after %s with %v, want %s", got, err, row.want)
				}
				time.Sleep(time.Hour)
				s.finish()
			})
		})
	}
}

// What goes on beside the workers belongs to its term: what has begun is waited
// for, what has not is dropped, also when the shard is back by then.
func TestBesideBelongsToItsTerm(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSharded(t, queue.Options{Grace: time.Minute})
		var rests atomic.Int32
		slow := slowly("vault", 1, func(context.Context, queue.Key) (queue.Result, error) {
			time.Sleep(10 * time.Second)
			rests.Add(1)
			return queue.Result{}, nil
		})
		keys := in(1, 3)
		began := time.Now()
		end := s.begin(context.Background(), 1, slow, keys...) // one begins, two wait for its place
		if err := end(); err != nil || time.Since(began) != 10*time.Second {
			t.Errorf("ended after %s with %v, want 10s", time.Since(began), err)
		}
		next := newCalls(nil)
		end = s.begin(context.Background(), 1, next, keys...)
		time.Sleep(time.Minute)
		synctest.Wait()
		if rests.Load() != 1 {
			t.Errorf("%d were done, want the one that had begun", rests.Load())
		}
		if len(next.at) != 3 {
			t.Errorf("the next term handled %d of 3", len(next.at))
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		s.finish()
	})
}

// A shard has one term at a time, and there are no more shards than there are.
func TestOneTermForAShard(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := startSharded(t, queue.Options{})
		end := s.begin(context.Background(), 1, newCalls(nil))
		for _, shard := range []int{1, parts, -1} {
			if err := s.Work(s.ctx, queue.Term{Shard: shard, Keys: slices.Values([]queue.Key(nil))}); err == nil {
				t.Errorf("shard %d was begun", shard)
			}
		}
		if err := end(); err != nil {
			t.Error(err)
		}
		s.finish()
	})
}
