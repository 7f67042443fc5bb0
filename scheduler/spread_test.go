package scheduler

import (
	"fmt"
	"hash/fnv"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/certwright/certwright/queue"
)

func certificate(namespace, name string) queue.Key {
	return queue.Key{Kind: queue.Certificate, Namespace: namespace, Name: name}
}

// TestSpreadIsPinned holds a few places still: they must be the same after a
// restart, an upgrade and on every replica.
func TestSpreadIsPinned(t *testing.T) {
	for key, want := range map[queue.Key]time.Duration{
		certificate("team-a", "web"):                     13_036_801_212,
		certificate("team-a", "web-1"):                   2_189_874_893_318,
		{Kind: queue.ClusterIssuer, Name: "letsencrypt"}: 607_256_866_594,
	} {
		if got := Spread(key, time.Hour); got != want {
			t.Errorf("%s is at %d, want %d", key, got, want)
		}
	}
}

func TestSpreadStaysInItsWindow(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		key := queue.Key{
			Kind:      rapid.SampledFrom(queue.Kinds()).Draw(t, "kind"),
			Namespace: rapid.String().Draw(t, "namespace"),
			Name:      rapid.String().Draw(t, "name"),
		}
		window := time.Duration(rapid.Int64().Draw(t, "window"))
		got := Spread(key, window)
		if got < 0 || got >= max(window, 1) {
			t.Fatalf("%s in %s is at %s", key, window, got)
		}
		if again := Spread(key, window); again != got {
			t.Fatalf("%s in %s is at %s, then at %s", key, window, got, again)
		}
	})
}

// TestSpreadIsUniform counts how many of 60,000 keys fall into each of 60
// minutes. With 1,000 wanted, chance strays by 32; a quarter more is a slant.
func TestSpreadIsUniform(t *testing.T) {
	names := map[string]func(i int) queue.Key{
		"counted names":      func(i int) queue.Key { return certificate("team-a", fmt.Sprintf("web-%d", i)) },
		"counted namespaces": func(i int) queue.Key { return certificate(fmt.Sprintf("team-%05d", i), "web") },
		"one digit apart":    func(i int) queue.Key { return certificate(fmt.Sprintf("%d", i/10), fmt.Sprintf("web-%d", i%10)) },
	}
	const minutes, each = 60, 1000
	for name, key := range names {
		t.Run(name, func(t *testing.T) {
			var in [minutes]int
			for i := range minutes * each {
				in[Spread(key(i), time.Hour)/time.Minute]++
			}
			square := 0.0
			for minute, n := range in {
				if n < each*3/4 || n > each*5/4 {
					t.Errorf("minute %d gets %d keys", minute, n)
				}
				square += float64((n-each)*(n-each)) / each
			}
			// Chi-square with 59 degrees of freedom: over 107 once in 10,000.
			if square > 107 {
				t.Errorf("chi-square is %.1f: not uniform", square)
			}
		})
	}
}

func TestHashIsFNV1aMixed(t *testing.T) {
	h := fnv.New64a()
	h.Write([]byte("certificate/team-a/web"))
	if got := hash(certificate("team-a", "web")); got != mix(h.Sum64()) {
		t.Errorf("got %#x", got)
	}
}

func TestSpreadAllocatesNothing(t *testing.T) {
	key := certificate("team-a", "web")
	if n := testing.AllocsPerRun(100, func() { Spread(key, time.Hour) }); n != 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkSpread(b *testing.B) {
	key := certificate("team-a", "a-certificate-with-a-name-of-usual-length")
	b.ReportAllocs()
	for b.Loop() {
		Spread(key, time.Hour)
	}
}
