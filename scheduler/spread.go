package scheduler

import (
	"math/bits"
	"time"

	"github.com/certwright/certwright/queue"
)

// Spread gives the key's place in a window: at least 0 and less than the
// window, the same for the same key in every process, and evenly spread over
// keys, even if they differ in one digit only. A window that is not positive
// has one place, 0.
func Spread(key queue.Key, window time.Duration) time.Duration {
	if window <= 0 {
		return 0
	}
	// hash / 2^64 is a fraction in [0, 1); its product with the window is the
	// upper half of the 128-bit product, without the slant of a modulo.
	high, _ := bits.Mul64(hash(key), uint64(window))
	return time.Duration(high)
}

// FNV-1a, 64 bit. The standard library's would make the strings
// escape; here a sweep of a hundred thousand keys allocates nothing.
const (
	fnvOffset = 0xcbf29ce484222325
	fnvPrime  = 0x100000001b3
)

// hash is FNV-1a over kind/namespace/name, by the kind's name and not by its
// number, which changes when a kind is added. The last bytes hardly reach the
// upper bits of an FNV hash, which are those Spread uses, so that web-1 and
// web-2 would be neighbours: mix finishes it.
func hash(key queue.Key) uint64 {
	h := add(fnvOffset, key.Kind.String())
	h = add(h, "/")
	h = add(h, key.Namespace)
	h = add(h, "/")
	h = add(h, key.Name)
	return mix(h)
}

func add(h uint64, s string) uint64 {
	for i := range len(s) {
		h = (h ^ uint64(s[i])) * fnvPrime
	}
	return h
}

// mix makes every bit out depend on every bit in (the finalizer of MurmurHash3).
func mix(h uint64) uint64 {
	h ^= h >> 33
	h *= 0xff51afd7ed558ccd
	h ^= h >> 33
	h *= 0xc4ceb9fe1a85ec53
	return h ^ h>>33
}
