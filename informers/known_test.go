package informers

import "testing"

// What is in memory is known without a read: our own Secrets, and those of
// others once they were read, until they change.
func TestKnownSecrets(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ca := foreignSecret("shop", "ca")
		set, live := c.watchedSecrets(ownSecret("shop", "tls"), ca)
		known := func(name string) bool { return set.KnownSecret("shop", name) != nil }
		if !known("tls") || known("ca") || known("none") {
			t.Error("at first")
		}
		content(t, set, "ca")
		if !known("ca") {
			t.Error("it was read")
		}
		c.put(holding(ca, "new"))
		if known("ca") {
			t.Error("what is known is the one before")
		}
		live.expect(t, 1, "one read")
	})
}

// Who shows what is cached knows by the generation when to look again.
func TestGeneration(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ca := foreignSecret("shop", "ca")
		set, _ := c.watchedSecrets(ca)
		before := set.Generation()
		if before == 0 || set.Generation() != before {
			t.Errorf("nothing happened, and it is %d", before)
		}
		c.put(holding(ca, "new"))
		if set.Generation() == before {
			t.Error("a change is no change")
		}
	})
}
