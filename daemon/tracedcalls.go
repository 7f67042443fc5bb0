package daemon

import (
	"context"
	"sync"
	"time"

	"github.com/certwright/certwright/internal/tracing"
	"github.com/certwright/certwright/queue"
)

// traced has every handler call of a table traced. Without a tracer the table
// is as it was.
func (d *Daemon) traced(table map[queue.Kind]queue.Handler) map[queue.Kind]queue.Handler {
	if d.tracer == nil {
		return table
	}
	for kind, h := range table {
		table[kind] = tracedHandler{h, d.traces}
	}
	return table
}

// tracedHandler makes one span of each call that does something.
type tracedHandler struct {
	queue.Handler
	of *issuances
}

// Handle makes tracedHandler a queue.Handler.
func (h tracedHandler) Handle(ctx context.Context, key queue.Key) (queue.Result, error) {
	result, err := h.of.call(ctx, key, key.Kind.String(), h.Handler.Handle)
	if slow := result.Beside; slow != nil {
		beside := *slow
		beside.Do = func(ctx context.Context) (queue.Result, error) {
			return h.of.call(ctx, key, key.Kind.String()+", beside the workers", func(ctx context.Context, _ queue.Key) (queue.Result, error) {
				return slow.Do(ctx)
			})
		}
		result.Beside = &beside
	}
	return result, err
}

// call makes a call, and tells of it.
func (i *issuances) call(ctx context.Context, key queue.Key, name string, do queue.HandlerFunc) (queue.Result, error) {
	began := time.Now()
	ready := began.Add(-i.waits.take(key))
	about := i.look(key)
	ctx, call := i.tracer.Begin(ctx)
	result, err := do(ctx, key)
	w := tracing.Work{Name: "handle " + name, Began: ready, Ended: time.Now(), Attributes: []tracing.Attribute{
		tracing.String("certwright.kind", key.Kind.String()),
		tracing.String("k8s.namespace.name", key.Namespace), tracing.String("k8s.object.name", key.Name),
	}}
	if err != nil {
		w.Fault = "the handler failed: see the log"
	}
	if call.Did("") && ready.Before(began) {
		tracing.Note(ctx, tracing.Work{Name: "wait in the queue", Began: ready, Ended: began})
	}
	call.End(about.of(call), w)
	return result, err
}

// waits is how long keys were ready before a worker took them.
type waits struct {
	mu  sync.Mutex
	all map[queue.Key]time.Duration
}

// mostWaits is more than there are workers.
const mostWaits = 10_000

// note is told by the queue, right before the key is handled.
func (w *waits) note(key queue.Key, waited time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.all) > mostWaits { // keys that were never handled after all
		clear(w.all)
	}
	w.all[key] = waited
}

func (w *waits) take(key queue.Key) time.Duration {
	w.mu.Lock()
	defer w.mu.Unlock()
	waited := w.all[key]
	delete(w.all, key)
	return waited
}
