package informers

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"k8s.io/apimachinery/pkg/types"
)

func TestWhichChallengesHaveChanged(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		a, b := challenge("shop", "a", "Issuer", "le"), challenge("shop", "b", "Issuer", "le")
		c.put(a, b)
		set, _ := c.watched(withACME)
		changed := func(when string, want ...object) {
			t.Helper()
			wanted := map[types.UID]types.NamespacedName{}
			for _, o := range want {
				wanted[o.GetUID()] = nameOf(o)
			}
			if diff := cmp.Diff(wanted, set.ChangedChallenges(), cmpopts.EquateEmpty()); diff != "" {
				t.Errorf("%s (-want +got):\n%s", when, diff)
			}
		}
		changed("at first, all there are", a, b)
		changed("and then nothing")
		again := challenge("shop", "a", "Issuer", "le")
		again.Labels = map[string]string{"changed": "yes"}
		c.put(again)
		c.remove(b)
		changed("what changed and what has gone, after neither was noted before it was asked for", a, b)
		changed("and then nothing")
	})
}
