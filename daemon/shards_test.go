package daemon

import (
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/shards"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Replicas come and go, and the work goes on: shared evenly, each key worked on
// by one, handed over at once, and after a crash within the lease's time.
func TestReplicasShareTheWork(t *testing.T) {
	bubble(t, func(w *world) {
		s := newShared(w)
		first := w.start(withShards)
		w.withCA()
		w.rest()
		s.expectShares(map[string]int{"daemon-1": 12})
		s.issue("alone", 12, 10*time.Second)

		second := w.start(withShards)
		third := w.start(withShards)
		s.expectShares(map[string]int{"daemon-1": 4, "daemon-2": 4, "daemon-3": 4})
		before := map[string]int{}
		for name, n := range s.wrote {
			before[name] = n
		}
		s.issue("three", 36, 10*time.Second)
		for _, r := range []*replica{first, second, third} {
			if s.wrote[r.name] == before[r.name] {
				t.Errorf("%s has done nothing", r.name)
			}
		}

		// A clean leave hands over at once.
		if err := first.stop(); err != nil {
			t.Fatal(err)
		}
		w.wait(10 * time.Second)
		s.expectShares(map[string]int{"daemon-2": 6, "daemon-3": 6})
		s.issue("two", 12, 10*time.Second)

		// A crash costs the lease's time.
		second.kill()
		for i := range 12 {
			w.create(certificate(fmt.Sprintf("one-%d", i), "ca"))
		}
		cfg := config.Default()
		w.wait(cfg.LeaderElectionLeaseDuration + 2*cfg.LeaderElectionRetryPeriod)
		for i := range 12 {
			w.expectReady(fmt.Sprintf("one-%d", i))
		}
		s.expectShares(map[string]int{"daemon-3": 12})

		if err := third.stop(); err != nil {
			t.Fatal(err)
		}
		for _, o := range w.stored("leases") {
			if holder := holderIn(o); holder != "" && holder != s.identities["daemon-2"] {
				t.Errorf("Lease %s is still held by %s", o.GetName(), holder)
			}
		}
		w.expectTidy()
	})
}

// While cert-manager holds its Lease, replicas wait; and when they work, it
// does: at every moment of a leave, too, the Lease is somebody's.
func TestReplicasBesideCertManager(t *testing.T) {
	bubble(t, func(w *world) {
		s := newShared(w)
		lease := w.certManagersLease()
		one, two := w.launch(withShards), w.launch(withShards)
		w.create(issuer("selfsigned", selfSigned()), root(), issuer("ca", caOf("root-tls")))
		for range 8 { // it renews its Lease
			w.renewLease(lease)
			w.wait(20 * time.Second)
		}
		one.expectLog(w, "Standing by: the Lease is held by cert-manager")
		if len(one.take(work))+len(two.take(work)) > 0 {
			t.Error("they did not wait")
		}
		w.wait(2 * time.Minute) // it is gone
		s.expectShares(map[string]int{"daemon-1": 6, "daemon-2": 6})
		s.issue("web", 4, 10*time.Second)

		free := false
		w.onChange(func(_ string, k kind, _, after *object) {
			if k.plural == "leases" && after.GetName() == "cert-manager-controller" && holderIn(after) == "" {
				free = true
			}
		})
		for _, r := range []*replica{one, w.start(withShards), two} {
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
			w.wait(30 * time.Second)
			if free {
				t.Error("the Lease was free while replicas were at work")
			}
			if r != two {
				w.start(withShards)
			}
		}
	})
}

// When another program takes the leader's Lease over, all replicas stop before
// it can have: here, because the one that held it died.
func TestReplicasWhoseLeaderDies(t *testing.T) {
	bubble(t, func(w *world) {
		s := newShared(w)
		one, two, three := w.start(withShards), w.start(withShards), w.start(withShards)
		w.withCA()
		w.rest()
		w.api.mu.Lock()
		leader := s.heldNow("cert-manager-controller")
		w.api.mu.Unlock()
		for _, r := range []*replica{one, two, three} {
			if s.identities[r.name] == leader {
				r.kill()
			}
		}
		died := time.Now()
		var last time.Time
		w.onChange(func(by string, k kind, _, _ *object) {
			if strings.HasPrefix(by, "daemon") && k.plural == "certificates" {
				last = time.Now()
			}
		})
		// Somebody who knows the time at which it runs out, and is quick.
		runsOut := s.renewedAt("cert-manager-controller").Add(config.Default().LeaderElectionLeaseDuration)
		for i := 0; time.Until(runsOut) > time.Second; i++ {
			w.create(certificate(fmt.Sprintf("web-%d", i), "ca"))
			w.wait(time.Second)
		}
		w.wait(time.Until(runsOut))
		w.takeLease("cert-manager-7d_external")
		if most := config.Default().LeaderElectionRenewDeadline; last.Sub(died) > most {
			t.Errorf("something was written %s after the leader died, want at most %s", last.Sub(died), most)
		}
		w.create(certificate("late", "ca"))
		w.wait(30 * time.Second) // judge looks whether somebody works beside it
		w.wait(3 * time.Minute)  // it has died, too
		w.expectReady("late")
	})
}

// A replica whose writes of Leases are refused gives its shards up, and takes
// them up again when it may; the process goes on.
func TestAReplicaThatLosesItsLeases(t *testing.T) {
	bubble(t, func(w *world) {
		s := newShared(w)
		a := newActor(w.api, "daemon-1")
		var denied atomic.Bool
		a.fault = func(c call) fault {
			if denied.Load() && c.resource == "leases" && c.verb != "get" && c.verb != "list" {
				return fault{err: errCut}
			}
			return fault{}
		}
		one := w.launchOver(a, withShards)
		w.rest()
		w.start(withShards)
		w.withCA()
		w.rest()
		denied.Store(true)
		w.wait(3 * time.Minute)
		s.expectShares(map[string]int{"daemon-2": 12})
		one.expectLog(w, "Gave up a shard")
		if err := one.daemon.health.alive(); err != nil {
			t.Errorf("a replica without shards is alive: %v", err)
		}
		denied.Store(false)
		w.wait(2 * time.Minute)
		s.expectShares(map[string]int{"daemon-1": 6, "daemon-2": 6})
		s.issue("web", 12, 10*time.Second)
	})
}

// Replicas with another number of shards never work beside each other: while
// the number is being changed, the later ones wait until the others have gone.
func TestAnotherNumberOfShards(t *testing.T) {
	bubble(t, func(w *world) {
		newShared(w)
		one, two := w.start(withShards), w.start(withShards)
		w.withCA()
		w.rest()
		other := func(cfg *config.Config) { cfg.LeaderElect, cfg.Shards = true, 5 }
		late := w.start(other)
		late.expectLog(w, "Standing by: replicas with --shards=12 are at work; this one has 5")
		old := w.start(withLease)
		w.must(one.stop())
		w.wait(time.Minute)
		if n := len(late.take(work)) + len(old.take(work)); n > 0 {
			t.Errorf("%d writes beside the others", n)
		}
		w.must(old.stop())
		w.must(two.stop())
		w.api.mu.Lock()
		w.api.onCommit = w.guard // the rules of twelve hold no more
		w.api.mu.Unlock()
		w.rest()
		w.create(certificate("web", "ca"))
		w.wait(time.Minute)
		w.expectReady("web")
		if len(late.take(work)) == 0 {
			t.Error("it was not the later one that issued")
		}
	})
}

// The 17th replica says that there is no seat for it.
func TestTooManyReplicas(t *testing.T) {
	bubble(t, func(w *world) {
		for range shards.Most {
			w.launch(withShards)
		}
		w.rest()
		last := w.start(withShards)
		last.expectLog(w, "all 16 seats of replicas are taken")
	})
}

// In an hour at rest a replica renews its Leases, looks at the others', and does
// nothing else.
func TestLeasesAtRest(t *testing.T) {
	bubble(t, func(w *world) {
		first := w.start(withShards)
		w.withCA()
		w.create(certificate("web", "ca"))
		w.rest()
		first.take(work)
		w.wait(time.Hour)
		writes, lookups := 0, 0
		for _, c := range first.take(func(call) bool { return true }) {
			switch {
			case strings.HasPrefix(c, "update leases"):
				writes++
			case strings.HasPrefix(c, "list leases"):
				lookups++
			default:
				t.Errorf("at rest: %s", c)
			}
		}
		periods := int(time.Hour / config.Default().LeaderElectionRetryPeriod)
		if most := periods * (inShards + 1); writes > most {
			t.Errorf("%d writes of Leases, want at most %d", writes, most)
		}
		if most := periods*looks + 1; lookups > most {
			t.Errorf("looked %d times, want at most %d", lookups, most)
		}
	})
}

// The keys of ACME are in the shard of the leader's Lease, wherever the rest is.
func TestGatheredKeys(t *testing.T) {
	t.Parallel()
	spread := map[int]bool{}
	for i := range 100 {
		name := fmt.Sprint("web-", i)
		for _, kind := range queue.Kinds() {
			at := queue.Key{Kind: kind, Namespace: "shop", Name: name}.Shard(inShards)
			if gathered := slices.Contains([]queue.Kind{queue.Issuer, queue.ClusterIssuer, queue.Order, queue.Challenge, queue.ChallengePlaces, queue.SolverServices}, kind); gathered && at != 0 {
				t.Errorf("%s %s is in shard %d", kind, name, at)
			} else if !gathered {
				spread[at] = true
			}
		}
	}
	if len(spread) != inShards {
		t.Errorf("a hundred names are in %d shards", len(spread))
	}
}

// The places of challenges are kept to by replicas of which the one that has
// them is killed, and leaves: never one too many, nor two of a name.
func TestPlacesAcrossReplicas(t *testing.T) {
	bubble(t, func(w *world) {
		const places, many = 3, 12
		s := newShared(w)
		server := validating(t, w)
		w.acme = server.Transport()
		most := w.watchPlaces(places)
		few := func(c *config.Config) { c.MaxConcurrentChallenges = places }
		for range 3 {
			w.start(withShards, podsAnswer, few)
		}
		w.create(issuer("le", byHTTP(acmeAt(server))))
		w.rest()
		for i := range many {
			w.create(certificate(fmt.Sprintf("web-%d", i), "le", func(crt *cmapi.Certificate) {
				crt.Spec.DNSNames = []string{fmt.Sprintf("www-%d.example.com", i), "shared.example.com"}
			}))
		}
		w.wait(7 * time.Second)
		s.leading().kill()
		w.start(withShards, podsAnswer, few)
		w.wait(time.Minute)
		w.must(s.leading().stop())
		w.wait(30 * time.Minute)
		for i := range many {
			w.expectIssued(fmt.Sprintf("web-%d", i), server)
		}
		w.expectNoProofs()
		if *most != places {
			t.Errorf("at most %d of %d places were used", *most, places)
		}
	})
}
