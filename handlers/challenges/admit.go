package challenges

import (
	"cmp"
	"slices"
	"time"

	"k8s.io/apimachinery/pkg/types"
)

// Ruling is what is to be written of a challenge's place.
type Ruling int

// The rulings.
const (
	none Ruling = iota
	// Admit gives it a place: status.processing becomes true.
	Admit
	// Yield takes its place away before it has come to an end.
	Yield
)

// Move is a ruling on one challenge, over the version that it names.
type Move struct {
	Ruling
	Sight
}

// Phase is how far the turn of a challenge has come.
type Phase int

// The phases.
const (
	// Working: it is being presented, or looked at for the first time.
	Working Phase = iota
	// Stuck: it waits for something that may never come.
	Stuck
	// Validating: the server looks at it.
	Validating
)

const (
	// fewTurns is how many turns a challenge has had that may well be proved in
	// the next: what it presents is often seen only some seconds later, when its
	// first turn is over because others wait. Such turns are short, so that the
	// hopeless ones among them keep nobody waiting.
	fewTurns = 3
	// freshPerTried is how many that had few turns go before one that had more:
	// a few hopeless ones must not take a tenth of all turns from the others,
	// nor may those others, however many come, shut them out.
	freshPerTried = 8
	// hangs is how long a turn without any result lasts while others wait that
	// had few: the contract gives a self check ten seconds.
	hangs = 10 * time.Second
	// quantum is how long a turn lasts while only such wait as had several:
	// three self checks and some more.
	quantum = 30 * time.Second
	// validation is how long a server may take before its challenge gives way.
	validation = 2 * time.Minute
)

// Moves says what to write now, and after which time to ask again if nothing
// happens until then (0: only when something does). Each move must be answered
// by one of [Book.Stored], [Book.Refused], [Book.Overtaken], [Book.Unheard] or
// [Book.Gone] before the next call.
func (b *Book) Moves(now time.Time) (moves []Move, again time.Duration) {
	rested := b.awaken(now)
	for _, e := range b.holding {
		if e.ruling != none { // nobody knows what became of it
			moves = append(moves, Move{e.ruling, e.Sight})
		}
	}
	for len(b.holding) < b.places {
		e := b.choose()
		if e == nil && b.hasten() {
			e = b.choose()
		}
		if e == nil {
			break
		}
		b.leave(e)
		b.hold(e, now)
		e.ruling = Admit
		moves = append(moves, Move{Admit, e.Sight})
	}
	moves, again = b.yields(moves, now)
	if rested > 0 {
		again = sooner(again, rested)
	}
	return moves, again
}

// choose takes the next one's turn; nil when nobody is ready.
func (b *Book) choose() *entry {
	r := &b.fresh
	switch {
	case b.tried.length == 0:
		b.streak = 0
	case b.fresh.length == 0 || b.streak >= freshPerTried:
		r, b.streak = &b.tried, 0
	default:
		b.streak++
	}
	e := r.next()
	if e != nil {
		r.pass()
	}
	return e
}

// yields adds the moves of those that give way to who waits: for a place, or
// for the same name. Nobody does while nobody waits.
func (b *Book) yields(moves []Move, now time.Time) ([]Move, time.Duration) {
	needed := b.fresh.length + b.tried.length + max(0, len(b.holding)-b.places)
	if len(b.holding) < b.places || b.fresh.length+b.tried.length == 0 {
		needed = 0
	}
	var again time.Duration
	for _, e := range b.byAge() {
		if e.ruling == Yield {
			needed--
			continue
		}
		due, wanted := b.due(e, needed > 0)
		switch {
		case !wanted || e.ruling != none || e.unsettled:
		case now.Before(due):
			again = sooner(again, due.Sub(now))
		default:
			needed--
			e.ruling = Yield
			moves = append(moves, Move{Yield, e.Sight})
		}
	}
	return moves, again
}

// byAge is those with a place, the longest turn first.
func (b *Book) byAge() []*entry {
	if len(b.known) == len(b.holding) {
		return nil // nobody waits
	}
	sorted := slices.Clone(b.holding)
	slices.SortFunc(sorted, func(x, y *entry) int {
		return cmp.Or(x.began.Compare(y.began), cmp.Compare(x.UID, y.UID))
	})
	return sorted
}

// due is from when e has to give way, and whether anybody wants it to.
func (b *Book) due(e *entry, place bool) (time.Time, bool) {
	c := b.contest(e.Proof)
	if !place && len(c.lines) == 0 {
		return time.Time{}, false
	}
	fresh := c.fresh > 0 || place && b.fresh.length > 0
	return e.began.Add(turn(e.phase, fresh)), true
}

// turn is how long a turn lasts at most, for who is waited for.
func turn(p Phase, fresh bool) time.Duration {
	switch {
	case p == Validating:
		return validation
	case !fresh:
		return quantum
	case p == Stuck:
		return 0
	default:
		return hangs
	}
}

func sooner(a, b time.Duration) time.Duration {
	if a == 0 {
		return b
	}
	return min(a, b)
}

// Stored tells that a move was stored, as the given version.
func (b *Book) Stored(m Move, version string, now time.Time) {
	e, ok := b.known[m.UID]
	if !ok {
		return
	}
	e.Version = version
	if m.Ruling == Admit {
		e.ruling, e.doubtful, e.Mode, e.began = none, false, Holding, now
		return
	}
	if e.Ending {
		b.Gone(m.UID)
		return
	}
	e.Mode, e.Tried = Waiting, true
	e.turns++
	b.release(e, now)
}

// isFresh reports whether e may well be proved in its next turn.
func (e *entry) isFresh() bool { return e.turns < fewTurns }

// Refused tells that a move was certainly not stored, nor ever will be. Of an
// earlier try that nobody has heard of it tells nothing.
func (b *Book) Refused(m Move) {
	e, ok := b.known[m.UID]
	if !ok || e.doubtful {
		return
	}
	e.ruling = none
	if m.Ruling == Admit {
		b.vacate(e)
		b.enter(e)
	}
}

// Overtaken tells that a move met another version. The challenge keeps its
// place until that version is seen: it may be our own earlier write, or that
// of another leader.
func (b *Book) Overtaken(m Move) {
	if e, ok := b.known[m.UID]; ok {
		e.ruling, e.doubtful, e.unsettled = none, false, true
	}
}

// Unheard tells that nobody knows whether a move was stored, or will be. It is
// made again: an answer to the second tells of the first.
func (b *Book) Unheard(m Move) {
	if e, ok := b.known[m.UID]; ok {
		e.doubtful = true
	}
}

// Counts tells how many places are taken, and how many challenges wait.
func (b *Book) Counts() (taken, waiting int) {
	return len(b.holding), len(b.known) - len(b.holding)
}

// Holds reports whether a challenge counts as having a place.
func (b *Book) Holds(uid types.UID) bool {
	e, ok := b.known[uid]
	return ok && e.held
}
