package http01

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/certwright/certwright/handlers/challenges"

	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// Solver proves names by HTTP-01. It is a [challenges.Solver].
type Solver struct {
	api      API
	cache    Cache
	settings Settings
	clock    clock.PassiveClock
	asker    *asker
	locks    locks
	// shares is false when no shared Service is left, for the sweep.
	shares atomic.Bool
}

// New returns a solver.
func New(api API, cache Cache, s Settings, c clock.PassiveClock) *Solver {
	solver := &Solver{api: api, cache: cache, settings: s, clock: c, asker: newAsker(s.Nameservers)}
	solver.shares.Store(true) // an earlier process may have left one
	return solver
}

var _ challenges.Solver = (*Solver)(nil)

// Present leads the path that the ACME server will ask for to who answers it.
func (s *Solver) Present(ctx context.Context, t challenges.Task) error {
	return s.present(ctx, t, false)
}

// present looks at everything anew when in doubt.
func (s *Solver) present(ctx context.Context, t challenges.Task, doubt bool) error {
	p, err := planFor(t.Challenge, s.settings)
	if err != nil {
		return err
	}
	p.first = t.First
	var to backend
	if p.pod {
		to, err = s.usePod(ctx, p)
	} else {
		to, err = s.useShared(ctx, p, doubt)
	}
	if err != nil {
		return err
	}
	return s.route(ctx, p, to)
}

// Visible asks for the path as an ACME server would. When that fails it mends
// what somebody may have spoilt since it was made, and says so if it cannot.
func (s *Solver) Visible(ctx context.Context, t challenges.Task) error {
	p, err := planFor(t.Challenge, s.settings)
	if err != nil {
		return err
	}
	found := s.asker.check(ctx, p.ch.Spec.DNSName, p.ch.Spec.Token, p.ch.Spec.Key)
	if found == nil || ctx.Err() != nil {
		return found
	}
	if t.Doubt {
		if err := s.present(ctx, t, true); err != nil {
			return err
		}
	}
	if trouble := s.trouble(ctx, p); trouble != "" {
		return fmt.Errorf("%w; %s", found, trouble)
	}
	return found
}

// trouble is what the cluster says of what was made; empty when that is nothing
// that explains a failed self check.
func (s *Solver) trouble(ctx context.Context, p plan) string {
	if p.gateway != nil {
		if trouble := s.routeTrouble(ctx, p); trouble != "" {
			return trouble
		}
	}
	if p.pod {
		return s.podTrouble(ctx, p)
	}
	return ""
}

// Remove takes away what was made. The daemon may have been told otherwise
// since then about who answers, so that both are looked for.
func (s *Solver) Remove(ctx context.Context, t challenges.Task) error {
	p, err := planFor(t.Challenge, s.settings)
	if err != nil {
		return nil //nolint:nilerr // what cannot be made was not made
	}
	err = s.unroute(ctx, p)
	if p.pod {
		err = errors.Join(err, s.removePod(ctx, p))
	}
	return errors.Join(err, s.leaveShared(ctx, p))
}

// locks are those of what challenges share, by name. There are as many as
// namespaces with HTTP-01 challenges, and a few for edited Ingresses.
type locks struct {
	mu  sync.Mutex
	all map[string]*way
}

// way is what is remembered of one shared thing, under its lock.
type way struct {
	// turn is a lock. It is held over calls to the API server, and unlike a
	// mutex lets the clock of a synctest bubble go on meanwhile.
	turn chan struct{}
	// seen is when it was last found right.
	seen time.Time
	// leaving are challenges that do not use it any more, while the cache may
	// still show them as under way.
	leaving map[types.UID]bool
}

func (l *locks) of(name string) *way {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.all == nil {
		l.all = map[string]*way{}
	}
	w := l.all[name]
	if w == nil {
		w = &way{turn: make(chan struct{}, 1)}
		l.all[name] = w
	}
	return w
}

// lock locks it, and returns what unlocks it.
func (w *way) lock() func() {
	w.turn <- struct{}{}
	return func() { <-w.turn }
}
