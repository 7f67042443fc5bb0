package challenges

import (
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// Proof is what no two challenges may be at work on at the same time. A
// wildcard and its parent name are one: spec.dnsName comes without "*.".
type Proof struct {
	DNSName string
	Type    cmacme.ACMEChallengeType
}

// Mode is how a challenge stands to the places.
type Mode int

// The modes.
const (
	Waiting Mode = iota // for a place
	Holding             // one: status.processing
	Over                // it takes none any more
)

// Sight is a challenge as somebody saw it, at one resourceVersion.
type Sight struct {
	UID             types.UID
	Namespace, Name string
	Version         string
	Created         time.Time
	Proof           Proof
	Mode            Mode
	// Tried is true once it has had a turn.
	Tried bool
	// Ending is true when it needs no further turn: it has a final state, or is
	// being deleted.
	Ending bool
}

// Book keeps who has a place and who waits for one, and says who is next. It
// is pure, and not safe for concurrent use: equal keys never run twice at
// once. What it is told of costs O(log n), for n challenges that wait.
//
// A challenge counts as holding a place from the moment its admission is
// decided on until the API server has certainly stored something else: an
// admission whose fate is unknown is written again over the same version,
// until an answer comes. A write over a version can be stored once at most, so
// neither a late one nor a lagging cache can make one place too many.
type Book struct {
	places   int
	known    map[types.UID]*entry
	contests map[Proof]*contest
	holding  []*entry
	fresh    round // those that had no turn yet, or few
	tried    round // those that had several
	streak   int   // fresh ones admitted in a row while a tried one waited
	resting  entries
}

// entry is what the book keeps of a challenge.
type entry struct {
	Sight
	since time.Time // it waits since then: since it was made, or had rested from its turn
	turns int       // that it had and gave away; one, of those before this process

	held      bool
	began     time.Time // its turn
	phase     Phase
	ruling    Ruling // the write that is decided on and not answered
	doubtful  bool   // an earlier try at it may still be stored
	unsettled bool   // a write met another version, which is still to be seen

	at, inLine, inRound, inRest int // where it is in its slices
}

// NewBook makes an empty book of that many places.
func NewBook(places int) *Book {
	return &Book{places: places, known: map[types.UID]*entry{}, contests: map[Proof]*contest{},
		fresh: newRound(), tried: newRound(), resting: entries{index: restIndex}}
}

// See tells of a challenge. What is not newer than what is known is passed
// over, so that a lagging cache takes nothing back.
func (b *Book) See(s Sight, now time.Time) {
	e, ok := b.known[s.UID]
	switch {
	case ok && !newer(s.Version, e.Version):
		return
	case s.Mode == Over:
		b.Gone(s.UID)
		return
	case !ok:
		e = &entry{Sight: s, since: s.Created, at: -1, inLine: -1, inRound: -1, inRest: -1}
		b.known[s.UID] = e
	}
	// A write over the version before can no longer be stored.
	e.ruling, e.doubtful, e.unsettled = none, false, false
	if !e.held && e.inLine >= 0 {
		b.leave(e)
	}
	e.Sight = s
	e.turns = max(e.turns, count(s.Tried))
	switch {
	case s.Mode == Holding:
		b.rouse(e)
		b.hold(e, now)
	case e.held:
		b.release(e, now)
	case e.inRest < 0:
		b.enter(e)
	}
}

// Gone tells of a challenge that exists no more, or will never need a place.
func (b *Book) Gone(uid types.UID) {
	e, ok := b.known[uid]
	if !ok {
		return
	}
	delete(b.known, uid)
	b.rouse(e)
	if e.held {
		b.vacate(e)
	} else if e.inLine >= 0 {
		b.leave(e)
	}
}

// Tell tells how far the turn of a challenge has come.
func (b *Book) Tell(uid types.UID, p Phase) {
	if e, ok := b.known[uid]; ok && e.held {
		e.phase = p
	}
}

// hold gives e a place, if it has none.
func (b *Book) hold(e *entry, now time.Time) {
	if e.held {
		return
	}
	e.held, e.began, e.phase = true, now, Working
	e.at = len(b.holding)
	b.holding = append(b.holding, e)
	c := b.contest(e.Proof)
	c.holders++
	b.show(c)
}

// vacate takes the place of e away.
func (b *Book) vacate(e *entry) {
	last := b.holding[len(b.holding)-1]
	b.holding[e.at], last.at = last, e.at
	b.holding[len(b.holding)-1] = nil
	b.holding = b.holding[:len(b.holding)-1]
	e.held, e.at, e.ruling, e.doubtful, e.unsettled = false, -1, none, false, false
	c := b.contest(e.Proof)
	c.holders--
	b.show(c)
	b.forget(c, e.Proof)
}

// release has e wait again: if it had a turn, after a rest.
func (b *Book) release(e *entry, now time.Time) {
	b.vacate(e)
	if e.Tried {
		b.rest(e, now)
	} else {
		b.enter(e)
	}
}

// newer tells whether version a came after b: numbers that the API server
// promises to grow. Of what is no number, all that differs counts as newer.
func newer(a, b string) bool {
	order, err := resourceversion.CompareResourceVersion(a, b)
	if err != nil {
		return a != b
	}
	return order > 0
}
