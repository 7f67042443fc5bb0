package daemon

import (
	"errors"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/daemon/config"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// holder is the identity in the Lease, "" for none.
func (w *world) holder() string {
	w.Helper()
	lease, err := w.user.Core.CoordinationV1().Leases("kube-system").Get(w.ctx, "cert-manager-controller", metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return ""
	}
	w.must(err)
	if lease.Spec.HolderIdentity == nil {
		return ""
	}
	return *lease.Spec.HolderIdentity
}

// Of two daemons one works. The other takes over when the first is stopped:
// without delay, because the lease is given back.
func TestOneOfTwoWorks(t *testing.T) {
	bubble(t, func(w *world) {
		first, second := w.start(withLease), w.start(withLease)
		w.withCA()
		second.expectLog(w, "Standing by: another replica holds the lease")
		if writes := second.take(work); len(writes) > 0 {
			t.Errorf("the standby wrote: %v", writes)
		}
		if err := first.stop(); err != nil {
			t.Fatal(err)
		}
		if holder := w.holder(); holder != "" {
			t.Errorf("the lease was not given back by %s", holder)
		}
		w.create(certificate("web", "ca"))
		w.wait(config.Default().LeaderElectionRetryPeriod*22/10 + time.Second)
		w.expectReady("web")
		if len(second.take(work)) != 4 {
			t.Error("it was not the second that issued")
		}
		w.expectTidy()
	})
}

// When the leader is cut off, the other takes over once the lease has run out,
// and the leader gives up before that.
func TestALeaderThatIsCutOff(t *testing.T) {
	bubble(t, func(w *world) {
		first, second := w.start(withLease), w.start(withLease)
		w.withCA()
		first.cut()
		cut := time.Now()
		for first.daemon.standing.atWork.Load() > 0 {
			w.wait(time.Second)
		}
		gaveUp := time.Since(cut)
		w.create(certificate("web", "ca"))
		for len(second.take(work)) == 0 {
			w.wait(time.Second)
		}
		tookOver := time.Since(cut)
		if gaveUp > tookOver {
			t.Errorf("the first gave up after %s, the second began after %s", gaveUp, tookOver)
		}
		// A standby looks every 15 to 33 s (client-go adds up to 1.2 times the
		// period), and counts the lease's time from when it saw it renewed.
		cfg := config.Default()
		look := cfg.LeaderElectionRetryPeriod * 22 / 10
		if least, most := cfg.LeaderElectionLeaseDuration-cfg.LeaderElectionRetryPeriod, cfg.LeaderElectionLeaseDuration+2*look; tookOver < least || tookOver > most {
			t.Errorf("the second began after %s, want %s to %s", tookOver, least, most)
		}
		w.rest()
		w.expectReady("web")
	})
}

// A leader that may not write its lease any more is no leader any more, though
// all else works: it stops its work, and takes it up again when it may.
func TestALeaderThatLosesItsLease(t *testing.T) {
	bubble(t, func(w *world) {
		a := newActor(w.api, "daemon-1")
		var denied atomic.Bool
		a.fault = func(c call) fault {
			if denied.Load() && c.resource == "leases" && c.verb != "get" {
				return fault{err: apierrors.NewForbidden(kinds["leases"].group(), c.named, errors.New("no such right"))}
			}
			return fault{}
		}
		r := w.launchOver(a, withLease)
		w.rest()
		w.withCA()
		denied.Store(true)
		w.wait(config.Default().LeaderElectionLeaseDuration)
		r.take(work)
		w.create(certificate("web", "ca"))
		w.wait(time.Minute)
		if did := r.take(work); len(did) > 0 {
			t.Errorf("without the lease it did %v", did)
		}
		denied.Store(false)
		w.wait(time.Minute)
		w.expectReady("web")
		r.expectLog(w, "contending for it again")
	})
}

// A standby that is told to stop does so at once, and without the lease.
func TestAStandbyThatIsStopped(t *testing.T) {
	bubble(t, func(w *world) {
		w.start(withLease)
		second := w.start(withLease)
		holder := w.holder()
		began := time.Now()
		if err := second.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("it took %s", took)
		}
		if w.holder() != holder {
			t.Error("the lease has changed hands")
		}
	})
}

// Told to stop in the very moment in which it wins the lease, a daemon does no
// work and gives the lease back.
func TestStoppedInTheMomentOfWinning(t *testing.T) {
	bubble(t, func(w *world) {
		w.create(issuer("selfsigned", selfSigned()))
		a := newActor(w.api, "daemon-1")
		var r *replica
		a.before = func(c call) {
			if c.verb == "create" && c.resource == "leases" {
				r.end()
			}
		}
		r = w.launchOver(a, withLease)
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		synctest.Wait()
		w.expectWrites(r)
		if holder := w.holder(); holder != "" {
			t.Errorf("the lease is still held by %s", holder)
		}
	})
}

// Two daemons on one machine are told apart.
func TestIdentitiesDiffer(t *testing.T) {
	bubble(t, func(w *world) {
		var seen []string
		for range 2 {
			r := w.start(withLease)
			seen = append(seen, w.holder())
			if err := r.stop(); err != nil {
				t.Fatal(err)
			}
		}
		if seen[0] == seen[1] || strings.TrimSpace(seen[0]) == "" {
			t.Errorf("identities are %q", seen)
		}
	})
}
