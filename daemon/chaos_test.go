package daemon

import (
	"errors"
	"fmt"
	"hash/fnv"
	"io"
	"strings"
	"sync"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"pgregory.net/rapid"
)

// chaos decides what goes wrong: by chance, but by the same chance for the
// same seed, call and number of that call.
type chaos struct {
	seed     uint64
	errors   uint64 // per cent of the calls that fail without effect
	lost     uint64 // per cent of the calls that have their effect and fail
	slowness uint64 // most milliseconds that a call takes longer
	lateness uint64 // most milliseconds by which an event is late

	mu    sync.Mutex
	over  bool
	count map[string]int
}

func newChaos(t *rapid.T) *chaos {
	return &chaos{
		count:    map[string]int{},
		seed:     rapid.Uint64().Draw(t, "seed of the faults"),
		errors:   rapid.Uint64Range(0, 30).Draw(t, "failing calls in per cent"),
		lost:     rapid.Uint64Range(0, 30).Draw(t, "lost answers in per cent"),
		slowness: rapid.Uint64Range(1, 2000).Draw(t, "slowness in ms"),
		lateness: rapid.Uint64Range(1, 5000).Draw(t, "lateness in ms"),
	}
}

// end lets everything go right from now on.
func (c *chaos) end() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.over = true
}

// chance is a number for the next event of a name; false when all is over.
func (c *chaos) chance(name string) (uint64, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.count[name]++
	h := fnv.New64a()
	fmt.Fprintf(h, "%d %s %d", c.seed, name, c.count[name])
	n := h.Sum64()
	n ^= n >> 33 // FNV hardly reaches its upper bits
	n *= 0xff51afd7ed558ccd
	return n ^ n>>33, !c.over
}

func (c *chaos) fault(call call) fault {
	n, on := c.chance(call.String())
	if !on {
		return fault{}
	}
	f := fault{pause: time.Duration(n>>8%c.slowness) * time.Millisecond}
	switch percent := n >> 24 % 100; {
	case percent < c.errors:
		f.err = failures[n>>40%uint64(len(failures))](call)
	case percent < c.errors+c.lost:
		f.err, f.after = silences[n>>40%uint64(len(silences))](call), true
	}
	return f
}

func (c *chaos) lag(resource string) time.Duration {
	n, on := c.chance("watch " + resource)
	if !on {
		return 0
	}
	return time.Duration(n%c.lateness) * time.Millisecond
}

var errWrong = errors.New("something is wrong")

// failures are answers of a server that has done nothing.
var failures = []func(call) error{
	func(call) error { return apierrors.NewInternalError(errWrong) },
	func(call) error { return apierrors.NewServiceUnavailable("overloaded") },
	func(c call) error { return apierrors.NewConflict(c.group(), c.named, errWrong) },
	func(c call) error { return apierrors.NewForbidden(c.group(), c.named, errWrong) },
	func(call) error { return errRefused },
}

// silences are what is heard of a server that has done what it was asked for.
var silences = []func(call) error{
	func(c call) error { return apierrors.NewTimeoutError("the server took too long", 0) },
	func(call) error { return io.ErrUnexpectedEOF },
	func(call) error { return apierrors.NewInternalError(errWrong) },
}

// breakWatches ends all watches: to be taken up where they were, or for good,
// so that everything has to be listed anew.
func (s *simulation) breakWatches(forGood bool) {
	s.api.mu.Lock()
	defer s.api.mu.Unlock()
	for w := range s.api.watchers {
		if forGood {
			w.expire()
		} else {
			w.send(frame{end: io.EOF})
		}
	}
}

// signedOnce checks that a request that has come to its end stays as it is.
func (s *simulation) signedOnce(by string, k kind, before, after *object) {
	if k.plural != "certificaterequests" || before == nil || after == nil {
		return
	}
	if strings.Contains(string(before.raw), `"failureTime"`) || strings.Contains(string(before.raw), `"certificate":`) {
		s.Errorf("%s changed request %s after its end:\n%s\n%s", by, before.GetName(), before.raw, after.raw)
	}
}
