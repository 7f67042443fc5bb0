package shards

import (
	"fmt"
	"strconv"
	"strings"
)

// Identity is what a replica of n shards calls itself in Leases: its name, which
// is its own, and the number.
func Identity(name string, n int) string { return name + suffix(n) }

func suffix(n int) string { return fmt.Sprintf("_of-%d-shards", n) }

// Fellow reports whether an identity is of a replica with n shards.
func Fellow(identity string, n int) bool { return strings.HasSuffix(identity, suffix(n)) }

// CountOf is the number of shards that an identity tells; 0: it tells none.
func CountOf(identity string) int {
	_, tail, ok := cutLast(identity, "_of-")
	number, word, ok2 := strings.Cut(tail, "-")
	n, err := strconv.Atoi(number)
	if !ok || !ok2 || word != "shards" || err != nil {
		return 0
	}
	return n
}

func cutLast(s, sep string) (before, after string, found bool) {
	i := strings.LastIndex(s, sep)
	if i < 0 {
		return s, "", false
	}
	return s[:i], s[i+len(sep):], true
}

// LeaseName is the name of a shard's Lease, where leader is that of shard 0.
func LeaseName(leader string, shard int) string {
	if shard == 0 {
		return leader
	}
	return fmt.Sprintf("%s-shard-%d", leader, shard)
}

// SeatName is the name of a seat's Lease.
func SeatName(leader string, seat int) string { return fmt.Sprintf("%s-replica-%d", leader, seat) }
