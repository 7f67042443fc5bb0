package informers

import (
	"context"
	"errors"
	"slices"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/queue/queuetest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

func TestAllNamespacesAreOneInformerEach(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, _ := c.watched()
		for _, st := range []map[string]bool{
			scopes(set.certificates), scopes(set.requests), scopes(set.issuers), scopes(set.clusterIssuers),
			scopes(set.secrets.own), scopes(set.secrets.foreign),
		} {
			if diff := cmp.Diff(map[string]bool{"": true}, st); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
		}
	})
}

func TestAListOfNamespacesIsOneInformerForEach(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(certificate("shop", "web", "tls"), certificate("bank", "web", "tls"), certificate("else", "web", "tls"),
			clusterIssuer("public", "ca-tls"))
		set, woken := c.watched(func(o *Options) { o.Namespaces = []string{"shop", "bank"} })

		want := map[string]bool{"shop": true, "bank": true}
		for _, st := range []map[string]bool{
			scopes(set.certificates), scopes(set.requests), scopes(set.issuers), scopes(set.secrets.own), scopes(set.secrets.foreign),
		} {
			if diff := cmp.Diff(want, st); diff != "" {
				t.Errorf("scopes (-want +got):\n%s", diff)
			}
		}
		if len(set.Certificates()) != 2 || set.Certificate("shop", "web") == nil || set.Certificate("else", "web") != nil {
			t.Errorf("the cache holds %d Certificates, want those of two namespaces", len(set.Certificates()))
		}
		c.put(certificate("else", "web", "tls"), certificate("bank", "web", "tls"))
		if diff := woken.DiffKeys(queue.Key{Kind: queue.Certificate, Namespace: "bank", Name: "web"}); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}

// Who is confined to namespaces has no right to cluster-scoped resources.
func TestConfinedDoesNotAskForClusterScopedResources(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(clusterIssuer("public", "ca-tls"), request("shop", "waits", "ClusterIssuer", "public"))
		set, woken := c.watched(func(o *Options) { o.Namespaces = []string{"shop"} })

		c.put(clusterIssuer("public", "ca-tls"), foreignSecret("shop", "ca-tls"))
		if diff := woken.DiffKeys(); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		if set.ClusterIssuer("public") != nil || set.ClusterIssuers() != nil {
			t.Error("a ClusterIssuer is in the cache")
		}
		for _, a := range c.cm.Actions() {
			if a.GetResource().Resource == "clusterissuers" {
				t.Errorf("asked for ClusterIssuers: %s", a.GetVerb())
			}
		}
	})
}

func scopes[T object](s *store[T]) map[string]bool {
	all := map[string]bool{}
	for ns := range s.informers {
		all[ns] = true
	}
	return all
}

// A CRD that is installed after the daemon has started is watched within the
// time given, and only then is the Set in sync.
func TestAMissingAPIIsWatchedOnceItAppears(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		certificates := cmapi.SchemeGroupVersion.WithResource("certificates")
		var installed atomic.Bool
		o := c.options()
		o.Recheck = 10 * time.Second
		o.Served = func(_ context.Context, r schema.GroupVersionResource) (bool, error) {
			return r != certificates || installed.Load(), nil
		}
		c.put(issuer("shop", "ca", "ca-tls"))
		set := New(o)
		woken := recorderOf(set)
		c.run(set)

		time.Sleep(time.Hour)
		if set.Synced() {
			t.Error("synced without an API")
		}
		if diff := cmp.Diff([]schema.GroupVersionResource{certificates}, set.Missing()); diff != "" {
			t.Errorf("missing (-want +got):\n%s", diff)
		}
		if diff := woken.DiffKeys(issuerKey("ca")); diff != "" {
			t.Errorf("what is there must be watched meanwhile (-want +got):\n%s", diff)
		}
		woken.Take()

		installed.Store(true)
		c.put(certificate("shop", "web", "tls"))
		time.Sleep(10 * time.Second)
		synctest.Wait()
		if !set.Synced() || len(set.Missing()) > 0 {
			t.Errorf("synced is %t, missing are %v", set.Synced(), set.Missing())
		}
		if diff := woken.DiffKeys(certificateKey("web")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}

func TestAnAPIServerThatCannotSayIsAskedAgain(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		var asked atomic.Int32
		o := c.options()
		o.Served = func(context.Context, schema.GroupVersionResource) (bool, error) {
			if asked.Add(1) <= 6 {
				return true, errors.New("connection refused")
			}
			return true, nil
		}
		set := New(o)
		set.Wake(&queuetest.Recorder{})
		c.run(set)
		if len(set.Missing()) != 6 {
			t.Errorf("missing are %v, want all six", set.Missing())
		}
		time.Sleep(3 * time.Second) // the default
		synctest.Wait()
		if !set.Synced() {
			t.Errorf("not synced; missing: %v", set.Missing())
		}
	})
}

func TestNothingIsWatchedBeforeRun(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set := New(c.options())
		set.Wake(&queuetest.Recorder{})
		synctest.Wait()
		if set.Synced() || len(set.Missing()) != 6 {
			t.Errorf("synced is %t, missing are %v", set.Synced(), set.Missing())
		}
		if n := len(c.cm.Actions()) + len(c.core.Actions()) + len(c.metadata.Actions()); n > 0 {
			t.Errorf("%d calls were made", n)
		}
	})
}

// Run has returned only when nothing of it goes on; the bubble would not end
// otherwise. Here it is ended while it still looks for an API.
func TestRunEndsWhileAnAPIIsMissing(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		o := c.options()
		o.Served = func(_ context.Context, r schema.GroupVersionResource) (bool, error) {
			return r.Resource != "issuers", nil
		}
		set := New(o)
		set.Wake(&queuetest.Recorder{})
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		began := time.Now()
		set.Run(ctx)
		if took := time.Since(began); took != time.Minute {
			t.Errorf("Run returned after %s", took)
		}
	})
}

func TestKeysAreThoseOfAllThatIsKept(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(certificate("shop", "web", "tls"), certificate("shop", "api", "tls"), request("shop", "done", "Issuer", "ca"),
			issuer("shop", "ca", "ca-tls"), clusterIssuer("public", "ca-tls"), foreignSecret("shop", "tls"))
		want := []queue.Key{certificateKey("api"), certificateKey("web"), issuerKey("ca"), clusterIssuerKey("public")}
		set, _ := c.watched()
		if diff := cmp.Diff(want, slices.SortedFunc(set.Keys(), queue.Key.Compare)); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
		for range set.Keys() {
			break // whoever has enough may stop
		}
		confined, _ := c.watched(func(o *Options) { o.Namespaces = []string{"shop"} })
		if diff := cmp.Diff(want[:3], slices.SortedFunc(confined.Keys(), queue.Key.Compare)); diff != "" {
			t.Errorf("keys when confined (-want +got):\n%s", diff)
		}
	})
}
