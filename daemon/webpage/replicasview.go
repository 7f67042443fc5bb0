package webpage

import "time"

type replicasPage struct {
	Elect    bool    `json:"leaderElection"`
	Identity string  `json:"identity,omitempty"`
	Shards   []Shard `json:"shards"`
}

func (p replicasPage) show(time.Time) part {
	return all(el("h1", text("Replicas")), results(p.list()))
}

func (p replicasPage) list() part {
	switch {
	case len(p.Shards) == 0 && p.Elect:
		return empty("Nobody is known to hold the Lease yet.", text("That takes seconds after a start. If it lasts, the log tells why the Lease cannot be read."))
	case len(p.Shards) == 0:
		return empty("There is one replica, and no leader election.", code("--leader-elect=false"), text(" is in effect."))
	}
	who := text("one of them")
	if p.Identity != "" {
		who = code(p.Identity)
	}
	return all(
		el("p", id("found"), class("soft"), text("You look at "), who,
			text(". Each Lease stands for a share of the work; who holds it does it, the others stand by with warm caches.")),
		table(all(class("list"), caption("Leases and who holds them")), headings("Lease", "Held by", "This replica"), each(p.Shards, Shard.row)))
}

func (s Shard) row() part {
	holder, mine := none("nobody, as far as is known"), badge("info", "stands by")
	if s.Holder != "" {
		holder = text(s.Holder)
	}
	if s.Mine {
		mine = badge("good", "at work")
	}
	return row(rowName("Lease", text(s.Lease)), cell("Held by", class("code"), holder), cell("This replica", mine))
}
