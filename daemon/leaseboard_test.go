package daemon

import (
	"testing"

	"github.com/certwright/certwright/daemon/webpage"
	"github.com/certwright/certwright/internal/shards"

	"github.com/google/go-cmp/cmp"
)

// What a replica sees of the Leases is what people are shown: whoever let his
// run out holds nothing.
func TestOnBoard(t *testing.T) {
	l := &shardLeases{leader: "certwright", me: "me"}
	got := onBoard(l, []shards.Lease{{Holder: "me"}, {Holder: "other"}, {Holder: "me", Expired: true}, {}})
	want := []webpage.Shard{
		{Lease: shards.LeaseName("certwright", 0), Holder: "me", Mine: true}, {Lease: shards.LeaseName("certwright", 1), Holder: "other"},
		{Lease: shards.LeaseName("certwright", 2)}, {Lease: shards.LeaseName("certwright", 3)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	var b leaseBoard
	b.post("me", got)
	b.seen()[0].Holder = "changed by who was shown it"
	if b.identity() != "me" || b.seen()[0].Holder != "me" {
		t.Errorf("%s %v", b.identity(), b.seen())
	}
}
