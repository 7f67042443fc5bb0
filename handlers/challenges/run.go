package challenges

import (
	"time"
)

// Verb is what a solver can be asked to do.
type Verb int

// The verbs, as in [Solver].
const (
	Present Verb = iota
	Visible
	Remove

	verbs
)

// String is the verb as traces name it.
func (v Verb) String() string { return [verbs]string{"present", "self check", "remove"}[v] }

// Run is a solver's work as it is known now.
type Run struct {
	Running bool
	// Began is when it was begun last.
	Began time.Time
	// Ended is when it came to an end last; zero: never.
	Ended time.Time
	// Err is what came of it then.
	Err error
	// Failed is how many times in a row it came to nothing.
	Failed int
}

// never reports a run that was not begun.
func (r Run) never() bool { return !r.Running && r.Ended.IsZero() }

// done reports a run that came to a good end.
func (r Run) done() bool { return !r.Running && !r.Ended.IsZero() && r.Err == nil }

// failed reports a run that came to nothing.
func (r Run) failed() bool { return !r.Running && r.Err != nil }

// again is when a run that failed is to be made again: after the pause that
// belongs to its failures in a row, the last of which stands for all further.
func (r Run) again(pauses []time.Duration) time.Time {
	i := min(max(r.Failed, 1), len(pauses)) - 1
	return r.Ended.Add(pauses[i])
}

// limits is how long one run may take: a provider's API may be slow, while a
// look that takes half a minute sees nothing.
var limits = [verbs]time.Duration{Present: 2 * time.Minute, Visible: 30 * time.Second, Remove: 2 * time.Minute}
