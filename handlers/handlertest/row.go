package handlertest

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
)

// Row is one line of a handler's truth table.
type Row struct {
	// Objects exist when the key is handled.
	Objects []runtime.Object
	// Now is when; zero is [Now].
	Now time.Time
	// Key is handled. The zero key, in Settle, is every key there is.
	Key queue.Key
	// Settings changes the defaults.
	Settings func(*Settings)
	// Settle handles until at rest, for a row of several steps. Without it
	// the key is handled once, and that must be all there is to do.
	Settle bool

	// Writes are wanted, in order, as World.Writes has them.
	Writes []string
	// Events are wanted, in order; each is the beginning of one in World.Events.
	Events []string
	// After is the Result wanted of the last call, when Key is set.
	After time.Duration
	// Err is the class of error wanted: conflict, terminal, told, or the
	// beginning of "error: text".
	Err string
	// Check looks at what is stored in the end.
	Check func(t *testing.T, w *World)
}

// Run runs a row, and then handles again, which must make no write.
func (r Row) Run(t *testing.T) {
	t.Helper()
	w := New(t, r.Objects...)
	if !r.Now.IsZero() {
		w.Clock.SetTime(r.Now)
	}
	s := Defaults()
	if r.Settings != nil {
		r.Settings(&s)
	}
	p := w.Start(s)
	result, err := r.handle(p)
	if got := class(err); !strings.HasPrefix(got, r.Err) || (r.Err == "") != (got == "") {
		t.Errorf("error: got %q, want %q", got, r.Err)
	}
	w.Wrote(r.Writes...)
	w.Told(r.Events...)
	if r.Key != (queue.Key{}) && err == nil && len(r.Writes) == 0 && result.After != r.After {
		t.Errorf("result: got After %s, want %s", result.After, r.After)
	}
	if r.Check != nil {
		r.Check(t, w)
	}
	if err == nil {
		r.again(t, p, result)
	}
}

func (r Row) handle(p *Process) (queue.Result, error) {
	if r.Key == (queue.Key{}) {
		p.Settle()
		return queue.Result{}, nil
	}
	for range bound {
		before := len(p.world.Writes)
		result, err := p.Handle(r.Key)
		p.world.Refresh()
		if err != nil || !r.Settle || len(p.world.Writes) == before {
			return result, err
		}
	}
	return queue.Result{}, fmt.Errorf("not at rest after %d calls", bound)
}

// again handles once more, on the state that was left, by the same process and
// by a new one: neither may write or tell anything.
func (r Row) again(t *testing.T, p *Process, first queue.Result) {
	t.Helper()
	w := p.world
	for _, who := range []string{"the same process", "a new process"} {
		if who == "a new process" {
			p = w.restarted(r)
		}
		w.Forget()
		result, err := r.handle(p)
		if err != nil {
			t.Errorf("handled again by %s: %v", who, err)
		}
		if len(w.Writes)+len(w.Events) > 0 {
			t.Errorf("handled again by %s, it is not at rest:\n%s", who, w.story())
		}
		if r.Key != (queue.Key{}) && result.After != r.After {
			t.Errorf("handled again by %s: got After %s (at first %s), want %s", who, result.After, first.After, r.After)
		}
	}
}

func (w *World) restarted(r Row) *Process {
	s := Defaults()
	if r.Settings != nil {
		r.Settings(&s)
	}
	return w.Start(s)
}

// Wrote compares the writes since the last Forget with those wanted.
func (w *World) Wrote(want ...string) {
	w.t.Helper()
	if diff := cmp.Diff(want, w.Writes, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// Told compares the events since the last Forget with those wanted, each of
// which is the beginning of one.
func (w *World) Told(want ...string) {
	w.t.Helper()
	got := append([]string(nil), w.Events...)
	for i := range got {
		if i < len(want) && strings.HasPrefix(got[i], want[i]) {
			got[i] = want[i]
		}
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
}

func isConflict(err error) bool { return apierrors.IsConflict(err) }
