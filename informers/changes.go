package informers

import (
	"sync"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

// changes notes which objects have changed or gone since it was last asked, for
// the one key that stands for all of them: a key carries no payload, and
// walking the cache at each event would cost more than the event. Nothing is
// noted before the first question, so that a standby keeps no list.
type changes struct {
	mu    sync.Mutex
	noted map[types.UID]types.NamespacedName // nil before the first question
}

func (c *changes) note(o metav1.Object) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.noted != nil {
		c.noted[o.GetUID()] = nameOf(o)
	}
}

// take returns what was noted and begins anew; first is true for the first one
// to ask, to whom everything is new.
func (c *changes) take() (noted map[types.UID]types.NamespacedName, first bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	noted, first = c.noted, c.noted == nil
	c.noted = map[types.UID]types.NamespacedName{}
	return noted, first
}

func nameOf(o metav1.Object) types.NamespacedName {
	return types.NamespacedName{Namespace: o.GetNamespace(), Name: o.GetName()}
}

// ChangedChallenges tells which Challenges have changed or gone since it was
// last called; at first, all there are. It is for who serves [queue.Places].
func (s *Set) ChangedChallenges() map[types.UID]types.NamespacedName {
	noted, first := s.changed.take()
	if !first {
		return noted
	}
	// What changes from here on is noted, so that nothing falls between.
	all := map[types.UID]types.NamespacedName{}
	for _, ch := range s.Challenges() {
		all[ch.UID] = nameOf(ch)
	}
	return all
}
