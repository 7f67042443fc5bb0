package informers

import (
	"context"
	"fmt"

	"github.com/certwright/certwright/queue"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// adder is where the keys go.
type adder interface{ Add(queue.Key) }

// waker is the one event handler of all informers: it asks a line of the
// route table whom an event concerns and puts their keys on the queue.
type waker struct {
	set *Set
	to  []target
	q   adder
}

// OnAdd wakes whom a new object, or one of the first list, concerns.
func (w waker) OnAdd(obj any, _ bool) { w.wake(obj) }

// OnUpdate wakes whom the object concerned before and whom it concerns now: a
// Certificate that names another Secret concerns the rivals on both. Equal
// resource versions are a resync and tell nothing new.
func (w waker) OnUpdate(before, after any) {
	b, okB := before.(metav1.Object)
	a, okA := after.(metav1.Object)
	if okB && okA && b.GetResourceVersion() == a.GetResourceVersion() && a.GetResourceVersion() != "" {
		return
	}
	w.wake(before)
	w.wake(after)
}

// OnDelete wakes whom the object concerned, also when the deletion itself was
// missed and only a tombstone tells of it.
func (w waker) OnDelete(obj any) {
	if gone, ok := obj.(cache.DeletedFinalStateUnknown); ok {
		obj = gone.Obj
	}
	w.wake(obj)
}

func (w waker) wake(obj any) {
	if w.set != nil { // a chosen Secret's has none
		w.set.generation.Add(1)
	}
	o, ok := obj.(metav1.Object)
	if !ok {
		return
	}
	for _, t := range w.to {
		for _, k := range t(w.set, o) {
			w.q.Add(k)
		}
	}
}

// watchError says what a watch lacks and how to mend it; client-go retries.
func watchError(resource schema.GroupVersionResource, namespace string) cache.WatchErrorHandlerWithContext {
	return func(ctx context.Context, r *cache.Reflector, err error) {
		scope := "in all namespaces"
		if namespace != "" {
			scope = fmt.Sprintf("in namespace %q", namespace)
		}
		switch {
		case apierrors.IsForbidden(err):
			klog.FromContext(ctx).Error(err, "May not watch; grant get, list and watch (kubectl apply -k deploy/rbac)",
				"resource", resource.GroupResource().String(), "scope", scope)
		case apierrors.IsNotFound(err):
			klog.FromContext(ctx).Error(err, "API is gone; install it (kubectl apply -k deploy/crds)",
				"resource", resource.GroupResource().String())
		default:
			cache.DefaultWatchErrorHandler(ctx, r, err)
		}
	}
}
