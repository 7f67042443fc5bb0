package queue

import "time"

// turns is the order in which a lane's keys are taken: the kinds by turns, and
// within a kind work begun before work not begun, each first come, first
// served. So ten thousand certificates that a restart put in do not stand
// before the one issuer they all wait for, and of a thousand made at once the
// first are done while the last wait, instead of all being half done together.
// The workqueue that owns it calls it under its lock.
type turns struct {
	lines   [kindCount]pair
	recent  recent
	next    Kind
	total   int
	metrics *metrics
}

// Touch is called for a key that is in line already; it keeps its place.
func (t *turns) Touch(Key) {}

// Len says how many keys are in line.
func (t *turns) Len() int { return t.total }

// Push puts the key at the end of one of its kind's lines.
func (t *turns) Push(key Key) {
	now := time.Now()
	w := waiting{key, now}
	if t.recent.has(key, now) {
		t.lines[key.Kind].begun.push(w)
	} else {
		t.lines[key.Kind].fresh.push(w)
	}
	t.total++
	t.metrics.added(key.Kind)
}

// Pop takes the key whose turn it is; there must be one.
func (t *turns) Pop() Key {
	for t.lines[t.next].empty() {
		t.next = (t.next + 1) % kindCount
	}
	head := t.lines[t.next].pop()
	t.next = (t.next + 1) % kindCount
	t.total--
	now := time.Now()
	t.recent.note(head.key, now)
	t.metrics.taken(head.key, now.Sub(head.since))
	return head.key
}

// begunTurns is how many keys of work begun are taken for each fresh one, where
// there are both: about the steps that a piece of work takes after its first.
// Keys that come back without end cannot keep the fresh ones waiting for ever.
const begunTurns = 3

// pair is the two lines of a kind.
type pair struct {
	begun, fresh line
	streak       int // keys of begun taken since the last fresh one
}

func (p *pair) empty() bool { return p.begun.empty() && p.fresh.empty() }

func (p *pair) pop() waiting {
	if !p.begun.empty() && (p.fresh.empty() || p.streak < begunTurns) {
		p.streak++
		return p.begun.pop()
	}
	p.streak = 0
	return p.fresh.pop()
}

// recentFor is how long after it was taken a key that comes back counts as
// work begun, at least; and twice that at most.
const recentFor = 5 * time.Second

// recent remembers the keys taken of late, in two generations, so that
// forgetting costs nothing.
type recent struct {
	young, old map[Key]struct{}
	born       time.Time
}

func (r *recent) note(key Key, now time.Time) {
	r.age(now)
	if r.young == nil {
		r.young = map[Key]struct{}{}
	}
	r.young[key] = struct{}{}
}

func (r *recent) has(key Key, now time.Time) bool {
	r.age(now)
	_, young := r.young[key]
	_, old := r.old[key]
	return young || old
}

// age makes room for a new generation when the young one is old enough.
func (r *recent) age(now time.Time) {
	switch gone := now.Sub(r.born); {
	case gone >= 2*recentFor:
		r.young, r.old, r.born = nil, nil, now
	case gone >= recentFor:
		r.young, r.old, r.born = nil, r.young, now
	}
}

type waiting struct {
	key   Key
	since time.Time
}

// line is a first-in-first-out list whose array is used again, so that a queue
// that is never quite empty does not allocate for ever.
type line struct {
	items []waiting
	head  int
}

// keepCap is how long an empty line's array may be to be kept: the everyday
// load stays free of allocations, the load of a start is given back.
const keepCap = 1024

func (l *line) empty() bool { return l.head == len(l.items) }

func (l *line) push(w waiting) {
	if l.head > 0 && len(l.items) == cap(l.items) && l.head >= len(l.items)/2 {
		l.compact()
	}
	l.items = append(l.items, w)
}

func (l *line) pop() waiting {
	w := l.items[l.head]
	l.items[l.head] = waiting{} // let the names go
	l.head++
	if l.empty() {
		l.reset()
	}
	return w
}

// compact moves the line to the front of its array. At least half of the array
// is free then, so the moves cost a constant per push.
func (l *line) compact() {
	n := copy(l.items, l.items[l.head:])
	clear(l.items[n:])
	l.items, l.head = l.items[:n], 0
}

func (l *line) reset() {
	l.items, l.head = l.items[:0], 0
	if cap(l.items) > keepCap {
		l.items = nil
	}
}
