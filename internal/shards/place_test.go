package shards

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// seatsOf draws seats in any order.
func seatsOf(t *rapid.T) []int {
	return rapid.SliceOfNDistinct(rapid.IntRange(0, Most-1), 1, Most, rapid.ID[int]).Draw(t, "seats")
}

// counts is how many shards each seat has.
func counts(placed []int) map[int]int {
	has := map[int]int{}
	for _, seat := range placed {
		has[seat]++
	}
	return has
}

// Every shard is placed, on a seat that is taken, and evenly; and where, does
// not depend on the order in which the seats are told.
func TestPlaceIsTotalAndEven(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		seats, n := seatsOf(t), rapid.IntRange(1, Most).Draw(t, "n")
		placed := Place(seats, n)
		if len(placed) != n {
			t.Fatalf("placed %d of %d", len(placed), n)
		}
		has := counts(placed)
		for seat := range has {
			if !slices.Contains(seats, seat) {
				t.Fatalf("on seat %d, which is empty: %v", seat, placed)
			}
		}
		least, most := n, 0
		for _, seat := range seats {
			least, most = min(least, has[seat]), max(most, has[seat])
		}
		if most-least > 1 {
			t.Fatalf("shares from %d to %d: %v", least, most, placed)
		}
		again := slices.Clone(seats)
		slices.Reverse(again)
		if !slices.Equal(placed, Place(again, n)) {
			t.Fatalf("another order, another place: %v, %v", placed, Place(again, n))
		}
	})
}

// When one goes its shards move, which must be, and of the others' few: over all,
// not half as many; and never much more than half of what there is.
func TestFewShardsMove(t *testing.T) {
	t.Parallel()
	var moved, needed int
	rapid.Check(t, func(t *rapid.T) {
		seats, n := seatsOf(t), rapid.IntRange(1, Most).Draw(t, "n")
		if len(seats) < 2 {
			return
		}
		before, after := Place(seats, n), Place(seats[1:], n)
		must, more := 0, 0
		for shard := range before {
			switch {
			case before[shard] == seats[0]:
				must++
			case before[shard] != after[shard]:
				more++
			}
		}
		if moved, needed = moved+more, needed+must; more > must+n/2+1 {
			t.Fatalf("%d had to move, and %d did beside: %v, %v", must, more, before, after)
		}
	})
	if 2*moved > needed {
		t.Errorf("over all, %d had to move, and %d did beside", needed, moved)
	}
}

// As it has always been: replicas of two versions must agree.
func TestPlaceStays(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		seats []int
		n     int
		want  []int
	}{
		{nil, 4, nil},
		{[]int{3}, 4, []int{3, 3, 3, 3}},
		{[]int{0, 1, 2}, 12, []int{1, 1, 1, 2, 1, 0, 0, 2, 2, 0, 0, 2}},
	} {
		if got := Place(row.seats, row.n); !slices.Equal(got, row.want) {
			t.Errorf("Place(%v, %d) = %v, want %v", row.seats, row.n, got, row.want)
		}
	}
}
