package daemon

import (
	"slices"
	"sync"

	"github.com/certwright/certwright/daemon/webpage"
	"github.com/certwright/certwright/internal/shards"
)

// leaseBoard is what this replica last saw of the Leases, for people to see.
type leaseBoard struct {
	mu     sync.Mutex
	me     string
	leases []webpage.Shard
}

// post notes who this replica is and who holds what.
func (b *leaseBoard) post(me string, leases []webpage.Shard) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.me, b.leases = me, leases
}

// identity is what this replica calls itself; empty before it has looked.
func (b *leaseBoard) identity() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.me
}

// seen is what was posted last.
func (b *leaseBoard) seen() []webpage.Shard {
	b.mu.Lock()
	defer b.mu.Unlock()
	return slices.Clone(b.leases)
}

// onBoard is the Leases of all shards as people are shown them.
func onBoard(l *shardLeases, all []shards.Lease) []webpage.Shard {
	shown := make([]webpage.Shard, len(all))
	for n, lease := range all {
		shown[n] = webpage.Shard{Lease: shards.LeaseName(l.leader, n), Holder: lease.Holder, Mine: lease.Holder == l.me}
		if lease.Expired {
			shown[n].Holder, shown[n].Mine = "", false
		}
	}
	return shown
}
