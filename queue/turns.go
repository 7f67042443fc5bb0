package queue

import "time"

// turns is the order in which a lane's keys are taken: first come, first served
// within a kind, and the kinds by turns. So ten thousand certificates that a
// restart put in do not stand before the one issuer they all wait for. The
// workqueue that owns it calls it under its lock.
type turns struct {
	lines   [kindCount]line
	next    Kind
	total   int
	metrics *metrics
}

// Touch is called for a key that is in line already; it keeps its place.
func (t *turns) Touch(Key) {}

// Len says how many keys are in line.
func (t *turns) Len() int { return t.total }

// Push puts the key at the end of its kind's line.
func (t *turns) Push(key Key) {
	t.lines[key.Kind].push(waiting{key, time.Now()})
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
	t.metrics.taken(head.key.Kind, time.Since(head.since))
	return head.key
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
