package queue

import "hash/fnv"

// Shard is the part of the key space that a key is in, when there are n of
// them: from 0 to n-1. It follows from the namespace and the name alone, not
// from the kind, so that what has the same name is worked on in one place, and
// it is the same in every version and on every machine: replicas share out work
// by it.
//
// What is gathered is in shard 0, whatever its name.
func (k Key) Shard(n int) int {
	if n <= 1 || k.Kind.gathered() {
		return 0
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(k.Namespace)) // a hash takes everything
	_, _ = h.Write([]byte{'/'})
	_, _ = h.Write([]byte(k.Name))
	return int(h.Sum32() % uint32(n))
}

// gathered tells the kinds whose keys are worked on together: what speaks with
// ACME servers. A server's pause is for an account, an order may be given out
// twice for one set of names, and the places of challenges and what they share
// (a TXT record, a Service) are for all of them: one process has to know of all.
// Spreading them would gain nothing, for they wait for the server; and how much
// of them goes on at a time is bounded by it, and by the places. Issuers tell
// what those meet.
func (k Kind) gathered() bool {
	switch k {
	case Issuer, ClusterIssuer, Order, Challenge, ChallengePlaces, SolverServices:
		return true
	}
	return false
}
