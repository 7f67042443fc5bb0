package shards

import (
	"cmp"
	"hash/fnv"
	"slices"
)

// Most is how many shards there can be, and how many replicas have a seat: their
// Leases have names that a Role can list.
const Most = 16

// Place says which seat each of n shards is meant for: nil when there are no
// seats. The seats are numbers, each once, in any order.
//
// The shares differ by one at most. Of a seat that is added or goes, few shards
// move: each pair of a shard and a seat has a weight that is a hash of the two
// (rendezvous hashing), and the heaviest pairs come about, as long as the seat
// has not had its share.
func Place(seats []int, n int) []int {
	if len(seats) == 0 {
		return nil
	}
	share, more := n/len(seats), n%len(seats) // each has its share, and some one more
	placed, left := make([]int, n), n
	for shard := range placed {
		placed[shard] = none
	}
	has := map[int]int{}
	for _, p := range pairs(seats, n) {
		full := has[p.seat] > share || has[p.seat] == share && more == 0
		if placed[p.shard] != none || full {
			continue
		}
		if has[p.seat] == share {
			more--
		}
		placed[p.shard] = p.seat
		has[p.seat]++
		if left--; left == 0 {
			break
		}
	}
	return placed
}

// none is no seat.
const none = -1

type pair struct {
	shard, seat int
	weight      uint32
}

// pairs are all there are, the heaviest first.
func pairs(seats []int, n int) []pair {
	all := make([]pair, 0, n*len(seats))
	for shard := range n {
		for _, seat := range seats {
			all = append(all, pair{shard, seat, weight(shard, seat)})
		}
	}
	slices.SortFunc(all, func(a, b pair) int {
		return cmp.Or(cmp.Compare(b.weight, a.weight), cmp.Compare(a.shard, b.shard), cmp.Compare(a.seat, b.seat))
	})
	return all
}

// weight is of no meaning, but everywhere the same. FNV alone hardly tells two
// short inputs apart in its upper bits; the rest spreads them.
func weight(shard, seat int) uint32 {
	h := fnv.New32a()
	_, _ = h.Write([]byte{byte(shard), byte(seat)}) // a hash takes everything
	w := h.Sum32()
	w ^= w >> 16
	w *= 0x85ebca6b
	w ^= w >> 13
	w *= 0xc2b2ae35
	return w ^ w>>16
}
