package informers

import (
	"context"
	"time"

	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/queue"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/tools/cache"
	"k8s.io/klog/v2"
)

// triggerRecheck is how much rarer than a resource of ours a custom resource is
// looked for that may never come: twice a minute.
const triggerRecheck = 10

// trigger watches, as metadata, a custom resource whose changes wake a set. It
// is no part of the route table's stores, because nobody reads it from a
// cache, and because it may never exist.
type trigger struct {
	set       *Set
	want      webhookset.Trigger
	namespace string // "" is all of them
	wakes     queue.Key
	q         adder
}

func (s *Set) triggers(q adder) []trigger {
	var all []trigger
	for _, set := range s.options.WebhookSets {
		if set.Trigger == nil || s.options.Plural == nil {
			continue
		}
		t := trigger{set: s, want: *set.Trigger, wakes: setKey(set.Name), q: q}
		if len(s.options.Namespaces) > 0 {
			t.namespace = set.Namespace
		}
		all = append(all, t)
	}
	return all
}

// run watches the resource from when it is served until ctx ends.
func (t trigger) run(ctx context.Context) {
	tick := time.NewTicker(triggerRecheck * t.set.options.Recheck)
	defer tick.Stop()
	for {
		if resource, ok := t.resource(ctx); ok {
			klog.FromContext(ctx).Info("Watching the resource that triggers a set", "resource", resource.String(), "set", t.wakes.Name)
			t.watch(ctx, resource)
			return
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

func (t trigger) resource(ctx context.Context) (schema.GroupVersionResource, bool) {
	gv := schema.GroupVersion{Group: t.want.Group, Version: t.want.Version}
	plural, err := t.set.options.Plural(ctx, gv.WithKind(t.want.Kind))
	return gv.WithResource(plural), err == nil && plural != ""
}

func (t trigger) watch(ctx context.Context, resource schema.GroupVersionResource) {
	client := t.set.options.Metadata
	inf := newInformer(t.namespace, spec[*metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList]{
		resource: resource, example: &metav1.PartialObjectMetadata{}, client: client, transform: trimMetadata,
		typed: func(ns string) listWatcher[*metav1.PartialObjectMetadataList] {
			if ns == "" {
				return client.Resource(resource)
			}
			return client.Resource(resource).Namespace(ns)
		},
		indexers: cache.Indexers{},
	})
	_, err := inf.AddEventHandler(waker{set: t.set, to: []target{t.target}, q: t.q})
	must(err)
	inf.RunWithContext(ctx)
}

func (t trigger) target(_ *Set, o metav1.Object) []queue.Key {
	if t.want.Name != "" && t.want.Name != o.GetName() {
		return nil
	}
	return []queue.Key{t.wakes}
}
