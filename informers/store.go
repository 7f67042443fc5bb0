package informers

import (
	"context"
	"fmt"
	"sync/atomic"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/watch"
	"k8s.io/client-go/tools/cache"
)

// object is what every watched type is.
type object interface {
	metav1.Object
	runtime.Object
}

// listWatcher is the part of a typed client that an informer needs.
type listWatcher[L runtime.Object] interface {
	List(ctx context.Context, opts metav1.ListOptions) (L, error)
	Watch(ctx context.Context, opts metav1.ListOptions) (watch.Interface, error)
}

// store is the cache of one resource: one informer for all namespaces, or one
// for each namespace served.
type store[T object] struct {
	resource  schema.GroupVersionResource
	informers map[string]cache.SharedIndexInformer // by namespace; "" is all of them
	synced    []cache.InformerSynced               // the informers' and their event handlers'
	started   atomic.Bool
}

// spec says how the store of a resource is made.
type spec[T object, L runtime.Object] struct {
	resource  schema.GroupVersionResource
	example   T
	client    any // the clientset, asked whether it can stream lists
	typed     func(namespace string) listWatcher[L]
	selector  string // label selector
	field     string // field selector
	indexers  cache.Indexers
	transform cache.TransformFunc
}

func newStore[T object, L runtime.Object](namespaces []string, s spec[T, L]) *store[T] {
	st := &store[T]{resource: s.resource, informers: map[string]cache.SharedIndexInformer{}}
	for _, ns := range namespaces {
		st.informers[ns] = newInformer(ns, s)
	}
	return st
}

func newInformer[T object, L runtime.Object](namespace string, s spec[T, L]) cache.SharedIndexInformer {
	client := s.typed(namespace)
	lw := &cache.ListWatch{
		ListWithContextFunc: func(ctx context.Context, o metav1.ListOptions) (runtime.Object, error) {
			o.LabelSelector, o.FieldSelector = s.selector, s.field
			return client.List(ctx, o)
		},
		WatchFuncWithContext: func(ctx context.Context, o metav1.ListOptions) (watch.Interface, error) {
			o.LabelSelector, o.FieldSelector = s.selector, s.field
			return client.Watch(ctx, o)
		},
	}
	// A fake clientset cannot stream lists; without this it would hang for ever.
	inf := cache.NewSharedIndexInformerWithOptions(
		cache.ToListWatcherWithWatchListSemantics(lw, s.client), s.example,
		cache.SharedIndexInformerOptions{Indexers: s.indexers, ObjectDescription: s.resource.String()})
	must(inf.SetTransform(s.transform))
	must(inf.SetWatchErrorHandlerWithContext(watchError(s.resource, namespace)))
	return inf
}

// must is for calls that fail only on an informer that has been started.
func must(err error) {
	if err != nil {
		panic(fmt.Errorf("informer set up after its start: %w", err))
	}
}

// get returns the cached object, which is shared: copy it before changing it.
func (s *store[T]) get(namespace, name string) (T, bool) {
	var none T
	inf := s.informer(namespace)
	if inf == nil {
		return none, false
	}
	obj, ok, err := inf.GetStore().GetByKey(cacheKey(namespace, name))
	if err != nil || !ok {
		return none, false
	}
	return obj.(T), true
}

// by returns the objects of a namespace that an index files under value.
func (s *store[T]) by(index, namespace, value string) []T {
	inf := s.informer(namespace)
	if inf == nil {
		return nil
	}
	return fromIndex[T](inf, index, value)
}

// byAnywhere is by for an index whose values are not bound to a namespace.
func (s *store[T]) byAnywhere(index, value string) []T {
	var found []T
	for _, inf := range s.informers {
		found = append(found, fromIndex[T](inf, index, value)...)
	}
	return found
}

func fromIndex[T object](inf cache.SharedIndexInformer, index, value string) []T {
	objs, err := inf.GetIndexer().ByIndex(index, value)
	must(err) // an index of that name does not exist: a fault in set.go
	found := make([]T, 0, len(objs))
	for _, o := range objs {
		found = append(found, o.(T))
	}
	return found
}

// list returns every cached object.
func (s *store[T]) list() []T {
	var all []T
	for _, inf := range s.informers {
		for _, o := range inf.GetStore().List() {
			all = append(all, o.(T))
		}
	}
	return all
}

func (s *store[T]) informer(namespace string) cache.SharedIndexInformer {
	if inf, ok := s.informers[""]; ok {
		return inf
	}
	return s.informers[namespace]
}

func cacheKey(namespace, name string) string {
	if namespace == "" {
		return name
	}
	return namespace + "/" + name
}

// watched is a store as the Set runs it, whatever its type.
type watched interface {
	gvr() schema.GroupVersionResource
	run(ctx context.Context, spawn func(func()))
	hasStarted() bool
	hasSynced() bool
	handle(h cache.ResourceEventHandler)
	objects() []metav1.Object
}

func (s *store[T]) gvr() schema.GroupVersionResource { return s.resource }

func (s *store[T]) run(ctx context.Context, spawn func(func())) {
	for _, inf := range s.informers {
		spawn(func() { inf.RunWithContext(ctx) })
	}
	s.started.Store(true)
}

func (s *store[T]) hasStarted() bool { return s.started.Load() }

// hasSynced reports whether every object that existed at the start is cached
// and has passed through the event handlers.
func (s *store[T]) hasSynced() bool {
	if !s.started.Load() {
		return false
	}
	for _, synced := range s.synced {
		if !synced() {
			return false
		}
	}
	return true
}

func (s *store[T]) handle(h cache.ResourceEventHandler) {
	for _, inf := range s.informers {
		reg, err := inf.AddEventHandler(h)
		must(err)
		s.synced = append(s.synced, reg.HasSynced)
	}
}
