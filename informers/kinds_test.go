package informers

import (
	"bytes"
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/runtime"
	clienttesting "k8s.io/client-go/testing"
	"k8s.io/klog/v2"
	"k8s.io/klog/v2/textlogger"
)

// elsewhere are the kinds that no event of a Set wakes.
var elsewhere = map[queue.Kind]string{
	queue.SolverServices: "a cron entry looks at what is left over (daemon/responder.go)",
	queue.SecretFiles:    "the daemon that writes files watches its Secrets alone (daemon/files.go)",
}

// Every kind of key is woken by an event, or said to be woken elsewhere. That
// each has a handler is daemon's to show.
func TestEveryKindIsWoken(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set := New(everything(c))
		woken := recorderOf(set)
		c.put(certificate("shop", "web", "tls"), request("shop", "web-1", "Issuer", "ca"), issuer("shop", "ca", "ca-tls"),
			clusterIssuer("public", "ca-tls"), signingRequestOf("csr", shopSigner), validatingHook("shop", nil))
		c.put(order("shop", "web-1-77", "Issuer", "le"), challenge("shop", "proof", "Issuer", "le"))
		c.put(ingressOf("web", "web"), gatewayOf("gw", "gw"), listenerSetOf("set", "gw", "set"), deploymentOf("web", true))
		for _, kind := range allInjectables {
			c.put(annotated(kind, "injected", "inject-ca-from", "shop/web"))
		}
		c.run(set)
		var got, want []queue.Kind
		for _, k := range woken.Keys() {
			got = append(got, k.Kind)
		}
		for _, k := range queue.Kinds() {
			if elsewhere[k] == "" {
				want = append(want, k)
			}
		}
		if diff := cmp.Diff(want, slices.Compact(got)); diff != "" {
			t.Errorf("kinds woken (-want +got):\n%s", diff)
		}
	})
}

// everything are the options of a Set with all parts on.
func everything(c *cluster) Options {
	o := c.options()
	signing(&o)
	twoSets(&o)
	injecting(&o)
	withACME(&o)
	c.withShims(&o)
	withRestarts(&o)
	return o
}

// A watch that is refused says what to do; one that is not says what happened.
func TestARefusedWatchIsToldWithItsRemedy(t *testing.T) {
	certificates := cmapi.SchemeGroupVersion.WithResource("certificates")
	for _, row := range []struct {
		name string
		err  error
		want string
	}{
		{"forbidden", apierrors.NewForbidden(certificates.GroupResource(), "", errors.New("no")),
			`May not watch; grant get, list and watch (kubectl apply -k deploy/rbac)`},
		{"not found", apierrors.NewGenericServerResponse(http.StatusNotFound, "get", certificates.GroupResource(), "", "", 0, true),
			`API is gone; install it (kubectl apply -k deploy/crds)`},
		{"broken", errors.New("connection refused"), "Failed to watch"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				c := newCluster(t)
				c.cm.PrependReactor("list", "certificates", func(clienttesting.Action) (bool, runtime.Object, error) {
					return true, nil, row.err
				})
				set := New(c.options())
				recorderOf(set)
				var told bytes.Buffer // of one goroutine
				logger := textlogger.NewLogger(textlogger.NewConfig(textlogger.Output(&told)))
				ctx, cancel := context.WithTimeout(klog.NewContext(t.Context(), logger), time.Minute)
				defer cancel()
				set.Run(ctx)
				if set.Synced() {
					t.Error("synced")
				}
				if !strings.Contains(told.String(), row.want) {
					t.Errorf("not told %q in:\n%s", row.want, &told)
				}
			})
		})
	}
}
