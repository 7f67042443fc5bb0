// Package lag tells that a cache does not show yet what this process has itself
// written: whatever is decided on what it shows would be done twice.
//
// What a handler makes often wakes its own key, by another watch than the one
// that tells of the write at the end of the call. Handled then, the object as it
// was would have all of it done once more, at other servers too, only for the
// write of it to meet a conflict.
package lag

import (
	"sync"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// Net is how long a cache that does not show our own write is taken to lag, and
// so after how long to look again should no event come. After a restore from a
// backup the versions begin lower, for ever.
const Net = 10 * time.Second

// Writes are the last writes of some objects, by K, until the cache shows them.
// The zero Writes is good.
type Writes[K comparable] struct {
	mu    sync.Mutex
	known map[K]write
}

type write struct {
	uid     types.UID
	version string // empty: what is shown of it is to go
	at      time.Time
}

// Stored keeps what a write was answered.
func (w *Writes[K]) Stored(key K, answer metav1.Object, now time.Time) {
	w.keep(key, write{answer.GetUID(), answer.GetResourceVersion(), now})
}

// Gone keeps that the last that held up a deletion of o was taken away.
func (w *Writes[K]) Gone(key K, o metav1.Object, now time.Time) {
	w.keep(key, write{o.GetUID(), "", now})
}

func (w *Writes[K]) keep(key K, last write) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.known == nil {
		w.known = map[K]write{}
	}
	w.known[key] = last
}

// Ahead reports whether the last write is newer than what the cache shows. What
// is known of it is forgotten otherwise.
func (w *Writes[K]) Ahead(key K, shown metav1.Object, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	last, ok := w.known[key]
	if !ok {
		return false
	}
	if last.uid == shown.GetUID() && last.after(shown.GetResourceVersion()) && now.Sub(last.at) < Net {
		return true
	}
	delete(w.known, key)
	return false
}

// Forget is for an object that is gone.
func (w *Writes[K]) Forget(key K) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.known, key)
}

// after tells whether the write came after a version. Of a version that is no
// number nobody knows.
func (w write) after(version string) bool {
	if w.version == "" {
		return true
	}
	order, err := resourceversion.CompareResourceVersion(version, w.version)
	return err == nil && order < 0
}
