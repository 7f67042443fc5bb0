package queue_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/klog/v2"

	"github.com/certwright/certwright/queue"
)

const benchKeys = 100_000

func manyKeys() []queue.Key {
	keys := make([]queue.Key, benchKeys)
	for i := range keys {
		keys[i] = queue.Key{Kind: queue.Certificate, Namespace: fmt.Sprintf("team-%d", i%100), Name: fmt.Sprintf("web-%d", i)}
	}
	return keys
}

// BenchmarkAdd is the cost of a new key; every 100k keys a new queue is made.
func BenchmarkAdd(b *testing.B) {
	keys := manyKeys()
	b.ReportAllocs()
	b.ResetTimer()
	var q *queue.Queue
	for i := range b.N {
		if i%benchKeys == 0 {
			b.StopTimer()
			if q != nil {
				q.ShutDown()
			}
			q = queue.New(queue.Options{})
			b.StartTimer()
		}
		q.Add(keys[i%benchKeys])
	}
	q.ShutDown()
}

// BenchmarkAddAgain is the cost of an event for a key that is in line already.
func BenchmarkAddAgain(b *testing.B) {
	keys := manyKeys()
	q := queue.New(queue.Options{})
	defer q.ShutDown()
	for _, key := range keys {
		q.Add(key)
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		q.Add(keys[i%benchKeys])
		i++
	}
}

// BenchmarkAddAfter is the cost of a wake-up two months ahead.
func BenchmarkAddAfter(b *testing.B) {
	keys := manyKeys()
	q := queue.New(queue.Options{})
	defer q.ShutDown()
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		q.AddAfter(keys[i%benchKeys], 60*24*time.Hour)
		i++
	}
}

// BenchmarkRun is the cost of a key from Add to the end of an empty handler,
// per key, in runs of 100k: logger, metrics and outcome included.
func BenchmarkRun(b *testing.B) {
	keys := manyKeys()
	for _, workers := range []int{1, 16} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			b.ReportAllocs()
			var handled sync.WaitGroup
			h := queue.HandlerFunc(func(context.Context, queue.Key) (queue.Result, error) {
				handled.Done()
				return queue.Result{}, nil
			})
			q := queue.New(queue.Options{LocalWorkers: workers, Registerer: prometheus.NewRegistry()})
			ctx, cancel := context.WithCancel(klog.NewContext(b.Context(), (&log{}).at(0)))
			result := make(chan error, 1)
			go func() { result <- q.Run(ctx, everyKind(h)) }()
			b.ResetTimer()
			for left := b.N; left > 0; left -= benchKeys {
				batch := keys[:min(left, benchKeys)]
				handled.Add(len(batch))
				for _, key := range batch {
					q.Add(key)
				}
				handled.Wait()
			}
			cancel()
			if err := <-result; err != nil {
				b.Error(err)
			}
		})
	}
}
