package shards

import "strconv"

// Lease is a shard's Lease, as it is seen.
type Lease struct {
	Holder string // "" is nobody
	// Expired is true when it was not renewed for as long as it lasts.
	Expired bool
}

// free reports whether anybody may take it.
func (l Lease) free() bool { return l.Holder == "" || l.Expired }

// Member is a replica that has a seat and lives.
type Member struct {
	Seat     int
	Identity string
	// Leaving is true once it has been told to stop.
	Leaving bool
}

// View is all that is known at a time.
type View struct {
	Me     string // my identity
	Shards int    // how many there are
	// Leaving is true when I have been told to stop, and the others can see it.
	Leaving bool
	// Members are those who live, whatever their number of shards.
	Members []Member
	// Leases are those of all shards that there can be, by their numbers.
	Leases []Lease
	// Fresh is true while the leader's Lease was certainly renewed a short
	// time ago.
	Fresh bool
	// Held are the shards whose Leases I hold and renew.
	Held map[int]bool
}

// Plan is what to do now.
type Plan struct {
	// Permit is true when the shards held may be worked on.
	Permit bool
	// Wait says who else may be at work, which is waited for; empty: nobody is,
	// and a permit comes as soon as a fellow is seen to lead. It is stable.
	Wait string
	// Run are the shards whose Leases to contend for, or go on holding.
	Run []int
	// Give are the shards held that are another's: to whom, once all calls
	// have ended. An empty identity is nobody's.
	Give map[int]string
	// Pass are Leases in my name that I do not hold: to whom they go at once.
	Pass map[int]string
}

// Next decides what to do.
func Next(v View) Plan {
	p := Plan{Give: map[int]string{}, Pass: map[int]string{}}
	p.Wait = v.obstacle()
	p.Permit = p.Wait == "" && v.led() && v.Fresh
	meant := v.meant()
	for shard := range v.Shards {
		l := v.Leases[shard]
		switch to := meant(shard); {
		case v.Held[shard] && shard > 0 && !v.Leases[0].free() && !v.led():
			p.Give[shard] = "" // somebody else leads, and may wait for it
		case v.Held[shard] && (to == v.Me || to == "" && !v.Leaving):
			p.Run = append(p.Run, shard)
		case v.Held[shard]:
			p.Give[shard] = to
		case l.Holder == v.Me && to == v.Me:
			p.Run = append(p.Run, shard)
		case l.Holder == v.Me:
			p.Pass[shard] = to
		case to == v.Me && l.free() && (shard == 0 || p.Permit):
			p.Run = append(p.Run, shard)
		}
	}
	return p
}

// led reports whether the leader's Lease is a fellow's. One that has expired is
// nobody's.
func (v View) led() bool {
	return !v.Leases[0].free() && Fellow(v.Leases[0].Holder, v.Shards)
}

// obstacle is who else may be at work; empty: nobody is.
func (v View) obstacle() string {
	for shard, l := range v.Leases {
		if l.free() || Fellow(l.Holder, v.Shards) {
			continue
		}
		switch n := CountOf(l.Holder); {
		case n > 0:
			return "replicas with --shards=" + strconv.Itoa(n) + " are at work; this one has " + strconv.Itoa(v.Shards)
		case shard == 0:
			return "the Lease is held by cert-manager, or by a certwright without shards"
		default:
			return "the Lease of a shard is held by somebody else"
		}
	}
	return ""
}

// meant tells whom a shard is meant for; "" when it is for nobody who is there.
func (v View) meant() func(shard int) string {
	var seats []int
	by := map[int]string{}
	for _, m := range v.Members {
		if Fellow(m.Identity, v.Shards) && !m.Leaving && !(v.Leaving && m.Identity == v.Me) {
			seats = append(seats, m.Seat)
			by[m.Seat] = m.Identity
		}
	}
	placed := Place(seats, v.Shards)
	return func(shard int) string {
		if placed == nil {
			return ""
		}
		return by[placed[shard]]
	}
}
