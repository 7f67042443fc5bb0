// Package quarrel keeps two writers on one object from making a storm: what
// somebody else undoes is put back at once a few times, and then ever more
// slowly, until it was left alone for a while.
package quarrel

import "time"

const (
	// Prompt is how often the same is put back at once.
	Prompt = 3
	// slowest is the longest wait after that.
	slowest = 5 * time.Minute
	// calm is how long the object must have been left alone for it to be put
	// back at once again.
	calm = 10 * time.Minute
)

// Streak is what was written to an object last, and how often in a row. The
// zero value is an object that nothing was written to.
type Streak[T comparable] struct {
	what   T
	at     time.Time
	writes int
}

// Pause is how long to wait before what is written: not at all, unless the same
// was undone again and again.
func (s *Streak[T]) Pause(what T, now time.Time) time.Duration {
	if s.over(what, now) || s.writes < Prompt {
		return 0
	}
	wait := min(time.Second<<min(s.writes-Prompt+2, 20), slowest)
	return max(0, s.at.Add(wait).Sub(now))
}

// Count counts a write, and returns how many of the same there were in a row.
func (s *Streak[T]) Count(what T, now time.Time) int {
	if s.over(what, now) {
		s.writes = 0
	}
	s.what, s.at = what, now
	s.writes++
	return s.writes
}

func (s *Streak[T]) over(what T, now time.Time) bool { return s.what != what || now.Sub(s.at) > calm }
