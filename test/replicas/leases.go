package main

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"sync"

	coordinationv1 "k8s.io/api/coordination/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
	watchtools "k8s.io/client-go/tools/watch"
	"k8s.io/utils/ptr"
)

const (
	leaseNamespace = "kube-system"
	leaderLease    = "cert-manager-controller"
)

// leaseWatch sees every change of the replicas' Leases, in the order in which
// the API server stored them.
type leaseWatch struct {
	mu      sync.Mutex
	changed chan struct{}
	holders map[string][]string // of each Lease, after each of its changes
	ended   bool
}

func followLeases(ctx context.Context, kube kubernetes.Interface) (*leaseWatch, error) {
	leases := kube.CoordinationV1().Leases(leaseNamespace)
	list, err := leases.List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, err
	}
	for _, l := range list.Items {
		if strings.HasPrefix(l.Name, leaderLease) {
			return nil, fmt.Errorf("there is a Lease %s already", l.Name)
		}
	}
	stream, err := watchtools.NewRetryWatcherWithContext(ctx, list.ResourceVersion, &cache.ListWatch{
		WatchFuncWithContext: func(ctx context.Context, options metav1.ListOptions) (watch.Interface, error) {
			return leases.Watch(ctx, options)
		},
	})
	if err != nil {
		return nil, err
	}
	w := &leaseWatch{changed: make(chan struct{}, 1), holders: map[string][]string{}}
	go w.read(stream.ResultChan())
	return w, nil
}

func (w *leaseWatch) read(events <-chan watch.Event) {
	for event := range events {
		l, is := event.Object.(*coordinationv1.Lease)
		w.mu.Lock()
		if is && strings.HasPrefix(l.Name, leaderLease) {
			w.holders[l.Name] = append(w.holders[l.Name], ptr.Deref(l.Spec.HolderIdentity, ""))
		}
		w.mu.Unlock()
		w.poke()
	}
	w.mu.Lock()
	w.ended = true
	w.mu.Unlock()
	w.poke()
}

func (w *leaseWatch) poke() {
	select {
	case w.changed <- struct{}{}:
	default: // there is a wake-up on its way already
	}
}

// until waits until something is so.
func (w *leaseWatch) until(ctx context.Context, so func() bool) error {
	for !so() {
		select {
		case <-w.changed:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	return nil
}

// shardLease is the name of a shard's Lease.
func shardLease(shard int) string {
	if shard == 0 {
		return leaderLease
	}
	return fmt.Sprintf("%s-shard-%d", leaderLease, shard)
}

// holder is who holds a shard now.
func (w *leaseWatch) holder(shard int) string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return last(w.holders[shardLease(shard)])
}

func last(all []string) string {
	if len(all) == 0 {
		return ""
	}
	return all[len(all)-1]
}

// shares is how many shards each holder has.
func (w *leaseWatch) shares() map[string]int {
	each := map[string]int{}
	for shard := range shardCount {
		each[w.holder(shard)]++
	}
	return each
}

// even reports whether all shards are held, and by each holder so many.
func (w *leaseWatch) even(each int) bool {
	shares := w.shares()
	for holder, n := range shares {
		if holder == "" || n != each {
			return false
		}
	}
	return true
}

// history is the holders of a Lease after each of its changes.
func (w *leaseWatch) history(name string) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return append([]string{}, w.holders[name]...)
}

// shardOfLease is the shard whose Lease has that name; false: it is a seat's.
func shardOfLease(name string) (int, bool) {
	if name == leaderLease {
		return 0, true
	}
	number, is := strings.CutPrefix(name, leaderLease+"-shard-")
	shard, err := strconv.Atoi(number)
	return shard, is && err == nil
}
