package challenges

import (
	"container/heap"
	"container/list"
	"slices"
)

// contest is between all challenges about one Proof. While one of them holds a
// place the others wait; else the first of the first line is shown to all, as
// ready for a place. The lines, one for each namespace, take turns.
type contest struct {
	holders int
	lines   []*line
	shown   *entry
	fresh   int // of those in line, how many had few turns
}

// line is the challenges of one namespace about one Proof, oldest first.
type line struct {
	namespace string
	waiting   entries
}

func (b *Book) contest(p Proof) *contest {
	c, ok := b.contests[p]
	if !ok {
		c = &contest{}
		b.contests[p] = c
	}
	return c
}

// enter puts e into the line of its namespace.
func (b *Book) enter(e *entry) {
	c := b.contest(e.Proof)
	i := slices.IndexFunc(c.lines, func(l *line) bool { return l.namespace == e.Namespace })
	if i < 0 {
		i = len(c.lines)
		c.lines = append(c.lines, &line{namespace: e.Namespace, waiting: entries{index: lineIndex}})
	}
	heap.Push(&c.lines[i].waiting, e)
	c.fresh += count(e.isFresh())
	b.show(c)
}

// leave takes e out of its line, which then is the last to have a turn.
func (b *Book) leave(e *entry) {
	c := b.contest(e.Proof)
	i := slices.IndexFunc(c.lines, func(l *line) bool { return l.namespace == e.Namespace })
	l := c.lines[i]
	if c.shown == e { // while it is as it was when it was shown
		b.roundOf(e).remove(e)
		c.shown = nil
	}
	heap.Remove(&l.waiting, e.inLine)
	c.fresh -= count(e.isFresh())
	c.lines = slices.Delete(c.lines, i, i+1)
	if len(l.waiting.all) > 0 {
		c.lines = append(c.lines, l)
	}
	b.show(c)
	b.forget(c, e.Proof)
}

// show keeps the one of c that is ready in step with who holds and waits.
func (b *Book) show(c *contest) {
	var next *entry
	if c.holders == 0 && len(c.lines) > 0 {
		next = c.lines[0].waiting.all[0]
	}
	if next == c.shown {
		return
	}
	if c.shown != nil {
		b.roundOf(c.shown).remove(c.shown)
	}
	if c.shown = next; next != nil {
		b.roundOf(next).add(next)
	}
}

// forget drops a contest that nobody is in.
func (b *Book) forget(c *contest, p Proof) {
	if c.holders == 0 && len(c.lines) == 0 {
		delete(b.contests, p)
	}
}

func (b *Book) roundOf(e *entry) *round {
	if e.isFresh() {
		return &b.fresh
	}
	return &b.tried
}

// round is those who are ready, namespace by namespace: each has its turn, and
// then is the last.
type round struct {
	order  *list.List // of *quarter
	of     map[string]*list.Element
	length int // of all quarters
}

// quarter is those of one namespace who are ready, oldest first.
type quarter struct {
	namespace string
	ready     entries
}

func newRound() round { return round{order: list.New(), of: map[string]*list.Element{}} }

func (r *round) add(e *entry) {
	el, ok := r.of[e.Namespace]
	if !ok {
		el = r.order.PushBack(&quarter{namespace: e.Namespace, ready: entries{index: roundIndex}})
		r.of[e.Namespace] = el
	}
	heap.Push(&el.Value.(*quarter).ready, e)
	r.length++
}

func (r *round) remove(e *entry) {
	el := r.of[e.Namespace]
	q := el.Value.(*quarter)
	heap.Remove(&q.ready, e.inRound)
	r.length--
	if len(q.ready.all) == 0 {
		r.order.Remove(el)
		delete(r.of, q.namespace)
	}
}

// next is who is to have a place, of the namespace whose turn it is; nil when
// nobody is ready. Who takes it calls pass.
func (r *round) next() *entry {
	front := r.order.Front()
	if front == nil {
		return nil
	}
	return front.Value.(*quarter).ready.all[0]
}

// pass makes the namespace whose turn it was the last.
func (r *round) pass() {
	if front := r.order.Front(); front != nil {
		r.order.MoveToBack(front)
	}
}

// entries is a heap, oldest first. Each entry knows where it is in it.
type entries struct {
	all   []*entry
	index func(*entry) *int
}

func lineIndex(e *entry) *int  { return &e.inLine }
func roundIndex(e *entry) *int { return &e.inRound }

func (h *entries) Len() int { return len(h.all) }

func (h *entries) Less(i, j int) bool {
	a, b := h.all[i], h.all[j]
	if !a.since.Equal(b.since) {
		return a.since.Before(b.since)
	}
	return a.UID < b.UID
}

func (h *entries) Swap(i, j int) {
	h.all[i], h.all[j] = h.all[j], h.all[i]
	*h.index(h.all[i]), *h.index(h.all[j]) = i, j
}

// Push and Pop are for container/heap.
func (h *entries) Push(x any) {
	e := x.(*entry)
	*h.index(e) = len(h.all)
	h.all = append(h.all, e)
}

// Pop takes the last one away.
func (h *entries) Pop() any {
	e := h.all[len(h.all)-1]
	h.all[len(h.all)-1] = nil
	h.all = h.all[:len(h.all)-1]
	*h.index(e) = -1
	return e
}

func count(is bool) int {
	if is {
		return 1
	}
	return 0
}
