package webhookcerts

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestInstall(t *testing.T) {
	c := newCluster(t, hookWith(nil))
	if after := c.second(true); after < 300*day {
		t.Errorf("it does not rest: %s", after)
	}
	if got := strings.Join(c.made, " "); got != "ca-missing server-missing" {
		t.Errorf("made: %s", got)
	}
	c.writes = 0
	c.second(true)
	if c.writes != 0 {
		t.Errorf("%d writes though nothing changed", c.writes)
	}
}

// TestRotationLosesNoCall dies after every single write of a rotation, sees
// the new certificate served or not, and holds at every second what is served
// against what API servers know.
func TestRotationLosesNoCall(t *testing.T) {
	for _, probing := range []bool{true, false} {
		for dieAt := range 9 {
			t.Run(fmt.Sprintf("probing %t, death after write %d", probing, dieAt), func(t *testing.T) {
				c := newCluster(t, hookWith(nil))
				c.install()
				c.ask("ca 1")
				c.writes, c.dieAt = 0, dieAt
				phases := map[string]bool{}
				for range 100 {
					c.second(probing)
					c.works("during the rotation")
					phases[c.phase()] = true
				}
				if len(phases) != 3 || c.phase() != "Steady" {
					t.Errorf("phases seen: %v, in the end %s", phases, c.phase())
				}
				if got := strings.Join(c.made, " "); got != "ca-forced ca-rotated" {
					t.Errorf("made: %s", got)
				}
				hook := c.ValidatingWebhooks(nil)[0]
				if n := strings.Count(string(hook.Webhooks[0].ClientConfig.CABundle), "BEGIN"); n != 1 {
					t.Errorf("%d CAs are in the bundle in the end", n)
				}
			})
		}
	}
}

// TestWithoutOverlapCallsAreLost shows that the test above can fail.
func TestWithoutOverlapCallsAreLost(t *testing.T) {
	c := newCluster(t, hookWith(nil))
	c.install()
	c.handler.NoOverlap = true
	c.ask("ca 1")
	lost := 0
	for range 100 {
		c.second(true)
		if c.admits(c.known.present) != nil {
			lost++
		}
	}
	if lost == 0 {
		t.Error("no call was lost")
	}
	if c.phase() != "Steady" {
		t.Errorf("in the end it is %s", c.phase())
	}
}

// TestTakeoverLosesNoCall has another program's bundle in place, and nothing
// of it in our Secrets: what it serves goes on being verified.
func TestTakeoverLosesNoCall(t *testing.T) {
	other := newAuthority(t)
	c := newCluster(t, hookWith(other.certPEM))
	c.served.present = other.server(t).cert
	c.known.put("other", other.certPEM, now.Add(-time.Hour))
	for range 120 {
		c.second(true)
		c.works("during the takeover")
	}
	if got := strings.Join(c.made, " "); got != "ca-missing server-missing" || c.phase() != "Steady" {
		t.Errorf("made: %s; %s", got, c.phase())
	}
}

// TestAnythingAtAnyTime spoils, asks and dies at random, short of what nobody
// could mend in time, and loses no call either.
func TestAnythingAtAnyTime(t *testing.T) {
	for seed := range uint64(3) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			random := rand.New(rand.NewPCG(seed, seed))
			c := newCluster(t, hookWith(nil))
			c.install()
			for n := range 500 {
				c.disturb(random, n)
				c.second(random.IntN(2) == 0)
				c.works(fmt.Sprintf("seed %d", seed))
			}
			for range 150 {
				c.second(true)
				c.works("at the end")
			}
			if c.phase() != "Steady" {
				t.Errorf("in the end it is %s", c.phase())
			}
		})
	}
}

// disturb does now and then what people and machines do.
func (c *cluster) disturb(random *rand.Rand, n int) {
	secrets := c.client.CoreV1().Secrets("shop")
	if c.phase() == "" || c.served.latest == "" {
		return // what is deleted cannot be spoilt
	}
	switch random.IntN(80) {
	case 0:
		c.ask(fmt.Sprintf("ca %d", n))
	case 1:
		c.ask(fmt.Sprintf("server %d", n))
	case 2:
		_ = secrets.Delete(c.t.Context(), "ca-server-cert", metav1.DeleteOptions{})
	case 3:
		_ = secrets.Delete(c.t.Context(), "webhook-server-cert", metav1.DeleteOptions{}) // it may be gone already
	case 4:
		s, err := secrets.Get(c.t.Context(), "ca-server-cert", metav1.GetOptions{})
		check(c.t, err)
		s.Data["ca.key"] = []byte("garbage")
		_, err = secrets.Update(c.t.Context(), s, metav1.UpdateOptions{})
		check(c.t, err)
	case 5, 6, 7, 8, 9:
		c.restart()
	case 10, 11, 12:
		c.writes, c.dieAt = 0, random.IntN(3)+1
	}
}
