package challenges

import (
	"fmt"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// storm proves many names whose proofs are seen three seconds after they were
// presented first, beside some that never are, and tells how long the many take.
func storm(t *testing.T, many, hopeless int) (took time.Duration) {
	bubbleNow(t, func(w *world) {
		w.max = 6
		w.start()
		began := time.Now()
		first := map[string]time.Time{}
		w.change(func() {
			w.solver.takes[Present] = 50 * time.Millisecond
			w.solver.blind = func(ch *cmacme.Challenge) bool {
				if first[ch.Name].IsZero() {
					first[ch.Name] = time.Now()
				}
				return ch.Name[0] == 'h' || time.Since(first[ch.Name]) < 3*time.Second
			}
		})
		for i := range max(many, hopeless) {
			if i < hopeless {
				w.put(fmt.Sprintf("h%d", i))
			}
			if i < many {
				w.put(fmt.Sprintf("g%d", i))
			}
		}
		for done := 0; done < many; took = time.Since(began) {
			w.wait(100 * time.Millisecond)
			if done = 0; time.Since(began) > time.Hour {
				t.Fatal("they are never done")
			}
			for i := range many {
				done += count(w.status(fmt.Sprintf("g%d", i)).State == cmacme.Valid)
			}
		}
	})
	return took
}

// Those that can never pass cost the others next to nothing.
func TestHopelessOnesCostTheOthersLittle(t *testing.T) {
	alone, beside := storm(t, 80, 0), storm(t, 80, 20)
	if beside > alone*13/10 {
		t.Errorf("80 alone took %s, beside 20 hopeless ones %s", alone, beside)
	}
	t.Logf("80 alone took %s, beside 20 hopeless ones %s", alone, beside)
}
