package queue

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// TestTurns holds turns against a plain model: a list per kind, and a kind that
// is never passed over twice.
func TestTurns(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		order := &turns{metrics: newMetrics(newRunning())}
		model := map[Kind][]Key{}
		passed := map[Kind]int{}
		n := 0
		t.Repeat(map[string]func(*rapid.T){
			"push": func(t *rapid.T) {
				key := Key{Kind: rapid.SampledFrom(Kinds()).Draw(t, "kind"), Name: fmt.Sprint(n)}
				n++
				order.Push(key)
				model[key.Kind] = append(model[key.Kind], key)
			},
			"pop": func(t *rapid.T) {
				if order.Len() == 0 {
					t.Skip("empty")
				}
				key := order.Pop()
				if key != model[key.Kind][0] {
					t.Fatalf("popped %s, want %s", key, model[key.Kind][0])
				}
				model[key.Kind] = model[key.Kind][1:]
				passed[key.Kind] = 0
				for kind, line := range model {
					if kind == key.Kind || len(line) == 0 {
						continue
					}
					if passed[kind]++; passed[kind] >= len(Kinds()) {
						t.Fatalf("%s was passed over %d times", kind, passed[kind])
					}
				}
			},
			"": func(t *rapid.T) {
				want := 0
				for _, line := range model {
					want += len(line)
				}
				if order.Len() != want {
					t.Fatalf("length %d, want %d", order.Len(), want)
				}
			},
		})
	})
}

func TestLineUsesItsArrayAgain(t *testing.T) {
	var l line
	for i := range 100 {
		l.push(waiting{key: Key{Name: fmt.Sprint(i)}})
	}
	// Never empty, always a hundred long: the array must stay about that size.
	for i := range 100_000 {
		l.push(waiting{key: Key{Name: fmt.Sprint(100 + i)}})
		if got, want := l.pop().key.Name, fmt.Sprint(i); got != want {
			t.Fatalf("popped %s, want %s", got, want)
		}
	}
	if cap(l.items) > 1000 {
		t.Errorf("the array has grown to %d", cap(l.items))
	}
}

func TestLineGivesABigArrayBack(t *testing.T) {
	var l line
	for range 2 * keepCap {
		l.push(waiting{})
	}
	for !l.empty() {
		l.pop()
	}
	if cap(l.items) != 0 {
		t.Errorf("an empty line holds an array of %d", cap(l.items))
	}
}

func TestKindsTableIsComplete(t *testing.T) {
	nouns, controllers := map[string]bool{}, map[string]bool{}
	for _, k := range Kinds() {
		row := kinds[k]
		if row.noun == "" || row.controller == "" || row.lane >= laneCount {
			t.Errorf("kind %d has an incomplete row: %+v", k, row)
		}
		if nouns[row.noun] || controllers[row.controller] {
			t.Errorf("kind %d shares a name with another: %+v", k, row)
		}
		if row.backoff.base <= 0 || row.backoff.limit < row.backoff.base {
			t.Errorf("%s has no sound back-off: %+v", k, row.backoff)
		}
		nouns[row.noun], controllers[row.controller] = true, true
	}
	if k := Kind(0); k.String() != "kind(0)" || slices.Contains(Kinds(), k) {
		t.Error("the zero Kind must be nobody's")
	}
}

func TestKeyStringAndOrder(t *testing.T) {
	sorted := []Key{
		{Certificate, "a", "y"}, {Certificate, "b", "x"}, {Certificate, "b", "y"}, {ClusterIssuer, "", "x"},
	}
	want := []string{"certificate a/y", "certificate b/x", "certificate b/y", "clusterissuer x"}
	for i, key := range sorted {
		if key.String() != want[i] {
			t.Errorf("got %q, want %q", key, want[i])
		}
	}
	if !slices.IsSortedFunc(sorted, Key.Compare) {
		t.Error("not in order")
	}
}

func TestWorkBegunGoesBeforeFreshWork(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		order := &turns{metrics: newMetrics(newRunning())}
		name := func(i int) Key { return Key{Certificate, "a", fmt.Sprint(i)} }
		for i := range 8 {
			order.Push(name(i))
		}
		var taken []string
		take := func() { taken = append(taken, order.Pop().Name) }
		for range 4 { // 0 to 3 are begun, and come back
			take()
		}
		for i := range 4 {
			order.Push(name(i))
		}
		for order.Len() > 0 {
			take()
		}
		// Three of the begun, one fresh, and so on.
		if diff := cmp.Diff(strings.Fields("0 1 2 3  0 1 2 4 3 5 6 7"), taken); diff != "" {
			t.Error(diff)
		}
		time.Sleep(2 * recentFor) // in the bubble: it is not recent any more
		order.Push(name(9))
		order.Push(name(0))
		if k := order.Pop(); k != name(9) {
			t.Errorf("took %s first, but nothing was begun of late", k)
		}
	})
}
