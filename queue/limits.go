package queue

import (
	"time"

	"k8s.io/client-go/util/workqueue"
)

// backoff spaces the attempts at one failing key: base, doubled with every
// failure, never over limit.
type backoff struct{ base, limit time.Duration }

// limits gives each key the back-off of its kind. There is deliberately no
// bucket over all keys, as client-go's default has (10 a second): after an
// outage of an issuer it would make thousands of healthy keys wait in line for
// each other, and the API server protects itself by priority and fairness.
type limits struct {
	perKind [kindCount]workqueue.TypedRateLimiter[Key]
}

func newLimits() *limits {
	l := &limits{}
	for _, k := range Kinds() {
		b := kinds[k].backoff
		l.perKind[k] = workqueue.NewTypedItemExponentialFailureRateLimiter[Key](b.base, b.limit)
	}
	return l
}

// When counts a failure of the key and says how long it has to wait.
func (l *limits) When(key Key) time.Duration { return l.of(key).When(key) }

// Forget takes the key's failures back.
func (l *limits) Forget(key Key) { l.of(key).Forget(key) }

// NumRequeues says how many failures the key has had since it was forgotten.
func (l *limits) NumRequeues(key Key) int { return l.of(key).NumRequeues(key) }

func (l *limits) of(key Key) workqueue.TypedRateLimiter[Key] { return l.perKind[key.Kind] }
