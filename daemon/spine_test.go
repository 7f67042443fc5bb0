package daemon

import (
	"slices"
	"strconv"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// A root by SelfSigned, a CA issuer with it, and what that signs, all put
// there at once: each waits for what it needs.
func TestARootACAAndALeaf(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		w.create(certificate("web", "ca"), issuer("ca", caOf("root-tls")), root(), issuer("selfsigned", selfSigned()))
		w.rest()
		w.expectReady("root")
		if leaf := w.expectReady("web"); leaf.Issuer.CommonName != "Example Root" {
			t.Errorf("the leaf was issued by %s", leaf.Issuer)
		}
		w.expectTidy()
	})
}

// Four writes for a first issuance by a CA issuer, and the three Events that a
// user would want to see.
func TestWritesOfAFirstIssuance(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		r.take(work)
		w.create(certificate("web", "ca"))
		w.rest()
		w.expectReady("web")
		w.expectWrites(r,
			"create certificaterequests shop",
			"update certificaterequests/status shop/web-1",
			"patch secrets shop/web-tls",
			"update certificates/status shop/web")
		if diff := cmp.Diff([]string{"Issuing", "CertificateIssued", "Issuing"}, w.eventsOf("web", "web-1")); diff != "" {
			t.Errorf("events (-want +got):\n%s", diff)
		}
	})
}

// Five for a renewal: the request of the revision before goes.
func TestWritesOfARenewal(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start(rareSweeps)
		w.withCA()
		w.create(certificate("web", "ca"))
		w.rest()
		due := w.certificate("web").Status.RenewalTime.Time
		r.take(work)
		w.wait(time.Until(due) + 15*time.Minute)
		w.expectReady("web")
		w.expectWrites(r,
			"create certificaterequests shop",
			"update certificaterequests/status shop/web-2",
			"patch secrets shop/web-tls",
			"update certificates/status shop/web",
			"delete certificaterequests shop/web-1")
	})
}

// A SelfSigned issuer must read the key, which is two writes more: it is put
// in a Secret, and taken out again.
func TestWritesOfASelfSignedIssuance(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.create(issuer("selfsigned", selfSigned()))
		w.rest()
		r.take(work)
		w.create(root())
		w.rest()
		w.expectReady("root")
		// It is gone by now, but the request names it still.
		key := w.request("root-1").Annotations["cert-manager.io/private-key-secret-name"]
		w.expectWrites(r,
			"create secrets shop",
			"create certificaterequests shop",
			"update certificaterequests/status shop/root-1",
			"patch secrets shop/root-tls",
			"update certificates/status shop/root",
			"delete secrets shop/"+key)
	})
}

func (w *world) expectWrites(r *replica, want ...string) {
	w.Helper()
	if diff := cmp.Diff(want, r.take(work), cmpopts.EquateEmpty()); diff != "" {
		w.Errorf("writes (-want +got):\n%s", diff)
	}
}

// At rest for a day the lease is renewed and nothing else is written or read;
// a daemon that starts anew finds nothing to do either.
func TestNothingIsWrittenAtRest(t *testing.T) {
	bubble(t, func(w *world) {
		first := w.start(withLease)
		w.withCA()
		w.create(certificate("web", "ca"), certificate("api", "ca"))
		w.rest()
		first.take(work)
		began := time.Now()
		w.wait(24 * time.Hour)
		calls := first.take(func(c call) bool { return c.at.After(began) })
		for _, c := range calls {
			if c != "update leases kube-system/cert-manager-controller" {
				t.Errorf("at rest: %s", c)
			}
		}
		if got, want := len(calls), int(24*time.Hour/config.Default().LeaderElectionRetryPeriod); got < want-2 || got > want {
			t.Errorf("the lease was renewed %d times, want about %d", got, want)
		}

		if err := first.stop(); err != nil {
			t.Fatal(err)
		}
		second := w.start()
		w.wait(24 * time.Hour)
		w.expectWrites(second)
	})
}

func withLease(cfg *config.Config) { cfg.LeaderElect = true }

// eventsOf gives the reasons of the Events about objects, in order.
func (w *world) eventsOf(names ...string) []string {
	w.Helper()
	list, err := w.user.Core.CoreV1().Events(ns).List(w.ctx, metav1.ListOptions{})
	w.must(err)
	slices.SortFunc(list.Items, func(a, b corev1.Event) int { return versionOf(&a) - versionOf(&b) })
	var reasons []string
	for _, e := range list.Items {
		if slices.Contains(names, e.InvolvedObject.Name) {
			reasons = append(reasons, e.Reason)
		}
	}
	return reasons
}

func versionOf(o metav1.Object) int {
	n, err := strconv.Atoi(o.GetResourceVersion())
	if err != nil {
		panic(err)
	}
	return n
}
