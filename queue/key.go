package queue

import (
	"cmp"
	"strings"
	"time"
)

// Key names one object to look at. It carries no payload and no reason: the
// handler reads the state itself, so a key that is late, early or doubled does
// no harm.
type Key struct {
	// Kind decides the handler, the lane and the back-off.
	Kind Kind
	// Namespace is empty for a cluster-scoped object.
	Namespace string
	// Name is the object's name.
	Name string
}

// String gives the key as an operator would say it: "certificate team-a/web",
// or "clusterissuer letsencrypt" where there is no namespace.
func (k Key) String() string {
	return k.Kind.String() + " " + k.object()
}

// Compare orders keys by kind, namespace and name, for slices.SortFunc.
func (k Key) Compare(other Key) int {
	return cmp.Or(
		cmp.Compare(k.Kind, other.Kind),
		strings.Compare(k.Namespace, other.Namespace),
		strings.Compare(k.Name, other.Name),
	)
}

func (k Key) object() string {
	if k.Namespace == "" {
		return k.Name
	}
	return k.Namespace + "/" + k.Name
}

// Adder is all that those who wake handlers (informers, scheduler) see of a
// queue. Both methods return at once and may be called from any goroutine.
type Adder interface {
	// Add has the key handled as soon as a worker is free.
	Add(key Key)
	// AddAfter has the key handled when d has passed, or earlier if someone
	// asks for that; d <= 0 is Add.
	AddAfter(key Key, d time.Duration)
}
