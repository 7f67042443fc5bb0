// Package shards decides how replicas share out the shards of the key space.
// It is pure: it is told what the Leases say, and says what to do.
//
// # The Leases
//
//	leader        shard 0; cert-manager's own Lease, or that of one certwright
//	LEADER-shard-I    shard I, from 1 on
//	LEADER-replica-S  seat S: a replica that is there, whatever it holds
//
// A replica takes a seat, and holds its Lease as long as it lives. [Place] says,
// from the seats taken alone, which of them each shard is meant for; so all
// replicas agree without speaking with each other, as soon as they see the same
// seats. Who sits is not who works: on a shard only the holder of its Lease
// works, for which replicas contend as for any Lease.
//
//	              meant for me, and free or expired
//	not mine ───────────────────────────────────────▶ held ──▶ at work
//	   ▲                                               │  with a permit
//	   │  handed to whom it is meant for               │
//	   └───────── all calls have ended ◀── give ◀──────┘  meant for another
//
// # The permit
//
// Nobody works on any shard unless the leader's Lease is held by a fellow: a
// replica of the same number of shards, which its identity tells. So while
// cert-manager holds that Lease, or a certwright without shards, or one with
// another number of them, all fellows stand by; and they never let it go among
// themselves: it is handed from one to the next by one write, and never free
// before the last of them has gone.
//
// When its holder dies, somebody else may take it a lease duration after it was
// renewed last. The others stop before: a permit lasts for a renew deadline from
// the last look at the Lease that still showed it as it was before it was
// renewed, which cannot have been later than the renewal ([Sightings]).
//
// The other way round, no fellow works while a shard's Lease is held by somebody
// who is none. Who wins a Lease looks at the others' again before it works:
// of two that win one each at the same moment, at least one sees the other.
package shards
