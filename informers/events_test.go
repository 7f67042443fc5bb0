package informers

import (
	"testing"
	"time"

	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/queue/queuetest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/client-go/tools/cache"
)

func recorderOf(set *Set) *queuetest.Recorder {
	woken := &queuetest.Recorder{}
	set.Wake(woken)
	return woken
}

// certificateWaker is the event handler of Certificates, over empty caches.
func certificateWaker(t *testing.T) (waker, *queuetest.Recorder) {
	woken := &queuetest.Recorder{}
	set := New(newCluster(t).options())
	return waker{set: set, to: []target{self(queue.Certificate), rivals}, q: woken}, woken
}

func atVersion(crt *cmapi.Certificate, version string) *cmapi.Certificate {
	crt = crt.DeepCopy()
	crt.ResourceVersion = version
	return crt
}

func TestAnUpdateWakesForOldAndNew(t *testing.T) {
	t.Parallel()
	w, woken := certificateWaker(t)
	// In a cache a name does not change. Here it does, to tell the two apart.
	w.OnUpdate(atVersion(certificate("shop", "before", "tls"), "1"), atVersion(certificate("shop", "after", "tls"), "2"))
	want := []queuetest.Added{{Key: certificateKey("before")}, {Key: certificateKey("after")}}
	if diff := woken.Diff(want...); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestAResyncTellsNothingNew(t *testing.T) {
	t.Parallel()
	w, woken := certificateWaker(t)
	crt := atVersion(certificate("shop", "web", "tls"), "7")
	w.OnUpdate(crt, crt.DeepCopy())
	if diff := woken.DiffKeys(); diff != "" {
		t.Errorf("an equal resourceVersion woke somebody (-want +got):\n%s", diff)
	}
	unversioned := atVersion(crt, "")
	w.OnUpdate(unversioned, unversioned.DeepCopy())
	if diff := woken.DiffKeys(certificateKey("web")); diff != "" {
		t.Errorf("without a resourceVersion nothing is known to be equal (-want +got):\n%s", diff)
	}
}

func TestTombstonesAreUnwrapped(t *testing.T) {
	t.Parallel()
	w, woken := certificateWaker(t)
	w.OnDelete(cache.DeletedFinalStateUnknown{Key: "shop/web", Obj: certificate("shop", "web", "tls")})
	if diff := woken.DiffKeys(certificateKey("web")); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

func TestWhatIsNoObjectWakesNobody(t *testing.T) {
	t.Parallel()
	w, woken := certificateWaker(t)
	w.OnAdd(nil, false)
	w.OnUpdate("before", "after")
	w.OnDelete(cache.DeletedFinalStateUnknown{Key: "shop/web"})
	if diff := woken.DiffKeys(); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
}

// What happens while a watch is interrupted is found by the list after it.
func TestAnInterruptedWatchLosesNothing(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		web, api := certificate("shop", "web", "web-tls"), certificate("shop", "api", "api-tls")
		quiet := certificate("shop", "quiet", "quiet-tls")
		c.put(web, api, quiet)
		set, woken := c.watched()

		c.erase(web)
		c.store(certificate("shop", "api", "new-tls"))
		c.store(certificate("shop", "new", "new-tls"))
		c.interrupt(cmapi.SchemeGroupVersion.WithResource("certificates"))
		time.Sleep(time.Minute)

		if diff := woken.DiffKeys(certificateKey("web"), certificateKey("api"), certificateKey("new")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if set.Certificate("shop", "web") != nil {
			t.Error("a deleted Certificate is still in the cache")
		}
		woken.Take()
		c.put(web)
		if diff := woken.DiffKeys(certificateKey("web")); diff != "" {
			t.Errorf("after the interruption nothing is watched any more (-want +got):\n%s", diff)
		}
	})
}

// One waits for the first list only: a later interruption takes nothing back.
func TestASetStaysSynced(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, _ := c.watched()
		c.interrupt(secretResource)
		if !set.Synced() {
			t.Error("not synced while a watch is interrupted")
		}
	})
}
