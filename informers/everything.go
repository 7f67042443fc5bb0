package informers

import (
	"iter"

	"github.com/certwright/certwright/queue"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Everything yields each key that the events of a start would wake, once: what
// the route table says of every object in the caches. It is for who begins to
// work on keys whose events were not for it before.
func (s *Set) Everything() iter.Seq[queue.Key] {
	return func(yield func(queue.Key) bool) {
		told := map[queue.Key]struct{}{}
		for _, r := range s.routes() {
			for _, o := range r.from.objects() {
				for _, to := range r.to {
					for _, k := range to(s, o) {
						if _, known := told[k]; known {
							continue
						}
						told[k] = struct{}{}
						if !yield(k) {
							return
						}
					}
				}
			}
		}
	}
}

// objects is every cached object, whatever its type.
func (s *store[T]) objects() []metav1.Object {
	all := s.list()
	objects := make([]metav1.Object, len(all))
	for i, o := range all {
		objects[i] = o
	}
	return objects
}
