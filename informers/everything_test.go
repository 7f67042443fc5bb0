package informers

import (
	"slices"
	"testing"

	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
)

// Everything is what the events of a start wake, and each key once.
func TestEverythingIsWhatAStartWakes(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(certificate("shop", "web", "tls"), certificate("shop", "rival", "tls"), certificate("bank", "web", "tls"),
			clusterIssuer("public", "ca-tls"))
		set, woken := c.watched() // which forgets what the start has woken
		all := slices.SortedFunc(set.Everything(), queue.Key.Compare)
		want := []queue.Key{
			{Kind: queue.Certificate, Namespace: "bank", Name: "web"},
			{Kind: queue.Certificate, Namespace: "shop", Name: "rival"},
			{Kind: queue.Certificate, Namespace: "shop", Name: "web"},
			{Kind: queue.ClusterIssuer, Name: "public"},
		}
		if diff := cmp.Diff(want, all); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if keys := woken.Keys(); len(keys) > 0 {
			t.Errorf("asking has woken %v", keys)
		}
		for range set.Everything() {
			break // who asks may stop
		}
	})
}
