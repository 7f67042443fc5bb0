package shards

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

const (
	a     = "a_of-2-shards"
	b     = "b_of-2-shards"
	other = "x_of-3-shards"
	cm    = "cert-manager-7d_external-cert-manager-controller"
)

// of is the Leases of both shards, and of the others that there could be.
func of(holders ...Lease) []Lease { return append(holders, make([]Lease, Most-len(holders))...) }

func held(by string) Lease    { return Lease{Holder: by} }
func expired(by string) Lease { return Lease{Holder: by, Expired: true} }

// With two shards and the seats 0 and 1, shard 0 is meant for the first of
// these and shard 1 for the second.
func seated(t *testing.T) (first, second Member) {
	t.Helper()
	placed := Place([]int{0, 1}, 2)
	return Member{Seat: placed[0], Identity: a}, Member{Seat: placed[1], Identity: b}
}

func TestNext(t *testing.T) {
	t.Parallel()
	ma, mb := seated(t)
	alone, both := []Member{ma}, []Member{ma, mb}
	leaving := func(m Member) Member { m.Leaving = true; return m }
	all := map[int]bool{0: true, 1: true}
	for name, row := range map[string]struct {
		view View
		want Plan
	}{
		"nobody there yet: no seat, nothing to do": {
			View{Me: a, Leases: of()},
			Plan{},
		},
		"alone: the leader's Lease first": {
			View{Me: a, Members: alone, Leases: of()},
			Plan{Run: []int{0}},
		},
		"alone and leading, as seen for certain: the rest too": {
			View{Me: a, Members: alone, Leases: of(held(a)), Fresh: true, Held: map[int]bool{0: true}},
			Plan{Permit: true, Run: []int{0, 1}},
		},
		"leading, but the last look is too old": {
			View{Me: a, Members: alone, Leases: of(held(a)), Held: map[int]bool{0: true}},
			Plan{Run: []int{0}},
		},
		"another one joins: it gets its share": {
			View{Me: a, Members: both, Leases: of(held(a), held(a)), Fresh: true, Held: all},
			Plan{Permit: true, Run: []int{0}, Give: map[int]string{1: b}},
		},
		"who joins waits until its share is given": {
			View{Me: b, Members: both, Leases: of(held(a), held(a)), Fresh: true},
			Plan{Permit: true},
		},
		"and takes what is handed over": {
			View{Me: b, Members: both, Leases: of(held(a), held(b)), Fresh: true},
			Plan{Permit: true, Run: []int{1}},
		},
		"what was handed over too late goes back": {
			View{Me: b, Leaving: true, Members: []Member{ma, leaving(mb)}, Leases: of(held(a), held(b)), Fresh: true},
			Plan{Permit: true, Pass: map[int]string{1: a}},
		},
		"who leaves gives all to who stays": {
			View{Me: a, Leaving: true, Members: []Member{leaving(ma), mb}, Leases: of(held(a), held(b)), Fresh: true, Held: map[int]bool{0: true}},
			Plan{Permit: true, Give: map[int]string{0: b}},
		},
		"the last to leave gives all back": {
			View{Me: a, Leaving: true, Members: []Member{leaving(ma)}, Leases: of(held(a), held(a)), Fresh: true, Held: all},
			Plan{Permit: true, Give: map[int]string{0: "", 1: ""}},
		},
		"also without a seat": {
			View{Me: a, Leaving: true, Leases: of(held(a), held(a)), Fresh: true, Held: all},
			Plan{Permit: true, Give: map[int]string{0: "", 1: ""}},
		},
		"a fellow died: its seat and its Lease have expired": {
			View{Me: a, Members: alone, Leases: of(held(a), expired(b)), Fresh: true, Held: map[int]bool{0: true}},
			Plan{Permit: true, Run: []int{0, 1}},
		},
		"its seat has, and its Lease has not": {
			View{Me: a, Members: alone, Leases: of(held(a), held(b)), Fresh: true, Held: map[int]bool{0: true}},
			Plan{Permit: true, Run: []int{0}},
		},
		"the leader died: nobody works, nothing is let go": {
			View{Me: b, Members: []Member{mb}, Leases: of(expired(a), held(b)), Held: map[int]bool{1: true}},
			Plan{Run: []int{0, 1}},
		},
		"cert-manager leads": {
			View{Me: a, Members: alone, Leases: of(held(cm)), Fresh: true},
			Plan{Wait: "the Lease is held by cert-manager, or by a certwright without shards"},
		},
		"cert-manager has taken the Lease over": {
			View{Me: b, Members: []Member{mb}, Leases: of(held(cm), held(b)), Fresh: true, Held: map[int]bool{1: true}},
			Plan{Wait: "the Lease is held by cert-manager, or by a certwright without shards", Give: map[int]string{1: ""}},
		},
		"cert-manager is gone": {
			View{Me: a, Members: alone, Leases: of(expired(cm))},
			Plan{Run: []int{0}},
		},
		"others have another number of shards": {
			View{Me: a, Members: append(alone, Member{Seat: 5, Identity: other}), Leases: of(held(other)), Fresh: true},
			Plan{Wait: "replicas with --shards=3 are at work; this one has 2"},
		},
		"of them one is left, in a shard that we do not have": {
			View{Me: a, Members: alone, Leases: of(held(a), Lease{}, held(other)), Fresh: true, Held: map[int]bool{0: true}},
			Plan{Wait: "replicas with --shards=3 are at work; this one has 2", Run: []int{0}},
		},
		"their seats do not count": {
			View{Me: a, Members: append(alone, Member{Seat: mb.Seat, Identity: other}), Leases: of(held(a)), Fresh: true, Held: map[int]bool{0: true}},
			Plan{Permit: true, Run: []int{0, 1}},
		},
		"who lost its seat keeps what it holds while nobody else is there": {
			View{Me: a, Leases: of(held(a), held(a)), Fresh: true, Held: all},
			Plan{Permit: true, Run: []int{0, 1}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.view.Shards = 2
			if diff := cmp.Diff(row.want, Next(row.view), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestIdentity(t *testing.T) {
	t.Parallel()
	for identity, want := range map[string]int{
		Identity("host_uuid", 12): 12, Identity("a_of-3-shards", 2): 2, "host_uuid": 0, cm: 0, "": 0, "x_of-many-shards": 0, "x_of-3": 0,
	} {
		if got := CountOf(identity); got != want {
			t.Errorf("CountOf(%q) = %d, want %d", identity, got, want)
		}
		if want > 0 && (!Fellow(identity, want) || Fellow(identity, want+1) || Fellow(identity, 10+want)) {
			t.Errorf("%q is no fellow, or of too many", identity)
		}
	}
	if Fellow(Identity("x", 12), 2) {
		t.Error("12 shards are taken for 2")
	}
}

// A look shows what was so at some time between question and answer, and the
// later of the two is counted from where that is the safe side, the earlier
// where that is.
func TestSightings(t *testing.T) {
	t.Parallel()
	at := func(s int) time.Time { return time.Date(2026, 1, 1, 0, 0, s, 0, time.UTC) }
	s := Sightings{}
	if !s.Renewed("l").IsZero() || s.Expired("l", "1", time.Second, at(99)) {
		t.Error("something is known of what was never seen")
	}
	s.See("l", "1", at(0), at(1))
	s.See("l", "1", at(10), at(11))
	if !s.Renewed("l").IsZero() {
		t.Error("a Lease that was never seen to change counts as renewed")
	}
	if s.Expired("l", "1", 20*time.Second, at(21)) || !s.Expired("l", "1", 20*time.Second, at(22)) {
		t.Error("the time of a Lease is not counted from the answer that showed it first")
	}
	s.See("l", "2", at(20), at(23))
	if got := s.Renewed("l"); !got.Equal(at(10)) {
		t.Errorf("renewed at or after %s, want the last question whose answer was the old form", got)
	}
	if s.Expired("l", "1", time.Second, at(99)) {
		t.Error("another form than the one last seen has expired")
	}
}
