package restarts

import (
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Observed is all that Next looks at.
type Observed struct {
	// Workloads are those of a namespace that ask to be restarted, in a stable order.
	Workloads []Workload
	// Have are the digests of the certificates there are, by Secret.
	Have map[string]string
	// Turns are those of the workloads that roll out, as far as is remembered.
	Turns map[types.UID]Turn
}

// Turn is a workload's while it rolls out.
type Turn struct {
	// Generation is the workload's after it was restarted.
	Generation int64
	Since      time.Time
	// Over is set when it took too long, and others shall wait no more.
	Over bool
}

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the namespace alone until the next event.
	Rest struct{}
	// Mark notes which certificates a workload has, and restarts nothing.
	Mark struct {
		Workload Workload
		Seen     map[string]string
	}
	// Wait lets a workload finish its rollout, at most for a time.
	Wait struct {
		Workload Workload
		For      time.Duration
	}
	// Skip stops waiting for a workload.
	Skip struct{ Workload Workload }
	// Restart has a workload replace its pods.
	Restart struct {
		Workload Workload
		Seen     map[string]string
		// Secrets are those with a new certificate.
		Secrets []string
	}
)

func (Rest) step()    {}
func (Mark) step()    {}
func (Wait) step()    {}
func (Skip) step()    {}
func (Restart) step() {}

// patience is how long a rollout is waited for: what Kubernetes gives a
// Deployment for a step of its own (spec.progressDeadlineSeconds). A rollout
// never takes down more than its strategy allows, so that going on is safe,
// and a certificate near its end is not.
const patience = 10 * time.Minute

// Next decides on the one step to take.
func Next(o Observed, now time.Time) Step {
	for _, w := range o.Workloads {
		if w.unmarked(o.Have) {
			return Mark{w, w.mark(o.Have, false)}
		}
	}
	next := -1
	for i, w := range o.Workloads {
		if w.Meta.DeletionTimestamp == nil && len(w.outdated(o.Have)) > 0 {
			next = i
			break
		}
	}
	if next < 0 {
		return Rest{}
	}
	if s := turn(o, now); s != nil {
		return s
	}
	w := o.Workloads[next]
	return Restart{w, w.mark(o.Have, true), w.outdated(o.Have)}
}

// turn is the step while a workload that was restarted is not done; nil when
// the next may be.
func turn(o Observed, now time.Time) Step {
	for _, w := range o.Workloads {
		mine, known := o.Turns[w.Meta.UID]
		behind := mine.behind(w)
		if w.Held || mine.Over || !behind && (!w.Rolling || len(w.outdated(o.Have)) > 0) {
			continue
		}
		if !known {
			mine.Since = now
		}
		if left := mine.Since.Add(patience).Sub(now); left > 0 {
			return Wait{w, left}
		}
		return Skip{w}
	}
	return nil
}

// behind reports a cache that does not show the restart yet.
func (t Turn) behind(w Workload) bool { return w.Meta.Generation < t.Generation }
