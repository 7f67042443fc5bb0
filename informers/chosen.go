package informers

import (
	"context"
	"sync"

	"github.com/certwright/certwright/queue"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/tools/cache"
)

// Chosen watches single Secrets by name. That takes only rights to them
// ("resourceNames"), and what is held are they alone. It is apart from the Set
// because a daemon that writes Secrets into files may need nothing else.
type Chosen struct {
	stores map[queue.Key]*store[*corev1.Secret]
	woken  []queue.Key
	queue  adder
}

// NewChosen makes an informer for each of the Secrets that keys name, whose
// changes put that key on q.
func NewChosen(client kubernetes.Interface, q adder, keys []queue.Key) *Chosen {
	c := &Chosen{stores: map[queue.Key]*store[*corev1.Secret]{}, woken: keys, queue: q}
	for _, k := range keys {
		st := newStore([]string{k.Namespace}, spec[*corev1.Secret, *corev1.SecretList]{
			resource: secretResource, field: "metadata.name=" + k.Name,
			example: &corev1.Secret{}, client: client, transform: trimSecret,
			typed: func(ns string) listWatcher[*corev1.SecretList] {
				return client.CoreV1().Secrets(ns)
			},
			indexers: cache.Indexers{},
		})
		st.handle(waker{to: []target{func(*Set, metav1.Object) []queue.Key { return []queue.Key{k} }}, q: q})
		c.stores[k] = st
	}
	return c
}

// Run watches until ctx ends and every informer has stopped.
func (c *Chosen) Run(ctx context.Context) {
	var running sync.WaitGroup
	for _, st := range c.stores {
		st.run(ctx, running.Go)
	}
	running.Wait()
}

// Synced reports whether it is known which of the Secrets exist.
func (c *Chosen) Synced() bool {
	for _, st := range c.stores {
		if !st.hasSynced() {
			return false
		}
	}
	return true
}

// WakeAll puts the keys of all Secrets on the queue, also of those that do not
// exist.
func (c *Chosen) WakeAll() {
	for _, k := range c.woken {
		c.queue.Add(k)
	}
}

// Secret returns a Secret that was chosen, or nil.
func (c *Chosen) Secret(namespace, name string) *corev1.Secret {
	for k, st := range c.stores {
		if k.Namespace == namespace && k.Name == name {
			s, _ := st.get(namespace, name)
			return s
		}
	}
	return nil
}
