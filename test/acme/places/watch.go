// Package places looks from outside the daemon at the places in which names are
// proved: a watch on all Challenges of the cluster, in the order in which the
// API server stored their changes.
package places

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
)

// Watch sees every change of every Challenge from the moment it is begun.
type Watch struct {
	stream *watchtools.RetryWatcher
	ended  chan struct{}
	err    error // valid when ended is closed

	mu sync.Mutex
	tally
	began   time.Time
	samples []Sample
}

// Sample is how many places were in use from a time on.
type Sample struct {
	After time.Duration
	InUse int
}

// Begin begins to watch. There must be no Challenge in the cluster yet.
func Begin(ctx context.Context, client cmclient.Interface) (*Watch, error) {
	all, err := client.AcmeV1().Challenges("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	if n := len(all.Items); n > 0 {
		return nil, fmt.Errorf("there are %d Challenges already", n)
	}
	// It goes on where it was when its connection ends, so that nothing is missed.
	stream, err := watchtools.NewRetryWatcherWithContext(ctx, all.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return client.AcmeV1().Challenges("").Watch(ctx, options)
		},
	})
	if err != nil {
		return nil, err
	}
	w := &Watch{stream: stream, ended: make(chan struct{}), tally: newTally(), began: time.Now()}
	go w.follow()
	return w, nil
}

func (w *Watch) follow() {
	defer close(w.ended)
	for event := range w.stream.ResultChan() {
		challenge, is := event.Object.(*cmacme.Challenge)
		if !is {
			w.err = fmt.Errorf("the watch on Challenges ended: %v", event.Object)
			return
		}
		w.mu.Lock()
		before := len(w.processing)
		w.see(challenge, event.Type == watch.Deleted)
		if now := len(w.processing); now != before {
			w.samples = append(w.samples, Sample{time.Since(w.began), now})
		}
		w.mu.Unlock()
	}
}

// End ends the watch. It fails when the watch had ended before, which would
// make all that it has seen worth nothing.
func (w *Watch) End() error {
	select {
	case <-w.ended:
		return errors.Join(errors.New("the watch on Challenges ended too soon"), w.err)
	default:
		w.stream.Stop()
		<-w.ended
		return nil
	}
}

// Max is how many Challenges were processing at once at most.
func (w *Watch) Max() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.max
}

// Overlaps is how often a Challenge began to be processed while another of the
// same name and type was.
func (w *Watch) Overlaps() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.overlaps
}

// Seen is how many Challenges there were in all.
func (w *Watch) Seen() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	return len(w.seen)
}

// Samples are all changes of the number of places in use, in their order.
func (w *Watch) Samples() []Sample {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]Sample{}, w.samples...)
}

// tally is what follows from the changes seen so far.
type tally struct {
	processing    map[types.UID]string // and what each is for
	seen          map[types.UID]bool
	max, overlaps int
}

func newTally() tally {
	return tally{processing: map[types.UID]string{}, seen: map[types.UID]bool{}}
}

// see takes up one change. A wildcard and its apex are one name: their proof is
// at the same place.
func (t *tally) see(challenge *cmacme.Challenge, gone bool) {
	t.seen[challenge.UID] = true
	_, was := t.processing[challenge.UID]
	switch {
	case gone || !challenge.Status.Processing:
		delete(t.processing, challenge.UID)
	case !was:
		what := string(challenge.Spec.Type) + " " + strings.TrimPrefix(strings.ToLower(challenge.Spec.DNSName), "*.")
		for _, other := range t.processing {
			if other == what {
				t.overlaps++
			}
		}
		t.processing[challenge.UID] = what
		t.max = max(t.max, len(t.processing))
	}
}
