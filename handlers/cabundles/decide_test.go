package cabundles

import (
	"testing"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestNext(t *testing.T) {
	t.Parallel()
	a, b := authority(t, "a", time.Hour), authority(t, "b", 2*time.Hour)
	certs, err := pki.ParseBundle(a)
	if err != nil {
		t.Fatal(err)
	}
	expired, err := pki.ParseBundle(authority(t, "old", -time.Hour))
	if err != nil {
		t.Fatal(err)
	}
	injection := api.ParseInjection(map[string]string{"cert-manager.io/inject-ca-from": "shop/web"})
	fault := Tell{Reason: "SourceNotFound", Message: "gone", Early: true}
	with := func(bundles ...Bundle) *Target { return &Target{Bundles: bundles} }
	deleted := with(Bundle{"/a", nil})
	deleted.Meta.DeletionTimestamp = &metav1.Time{Time: now}
	excluded := with(Bundle{"/a", nil})
	excluded.Excludes = "spec.x: it forbids bundles: take it out, or the annotation"
	for name, row := range map[string]struct {
		o    Observed
		want Step
	}{
		"fault":       {Observed{Fault: &fault, Target: with(Bundle{"/a", nil})}, fault},
		"expired":     {Observed{CA: expired, Target: with(Bundle{"/a", nil})}, Tell{Reason: "CAExpired", Message: "metadata.annotations[cert-manager.io/inject-ca-from]: the CA of shop/web has expired: renew it; the bundle is left as it is"}},
		"gone":        {Observed{CA: certs}, Rest{}},
		"being gone":  {Observed{CA: certs, Target: deleted}, Rest{}},
		"of a set":    {Observed{CA: certs, Target: with(Bundle{"/a", nil}), Set: "shop"}, Tell{Reason: "KeptByWebhookSet", Message: `metadata.annotations[cert-manager.io/inject-ca-from]: the set of webhook certificates "shop" keeps this object's bundles, and this is left alone: take out the annotation, or the object from the set`}},
		"excluded":    {Observed{CA: certs, Target: excluded}, Tell{Reason: "CannotCarryBundle", Message: "spec.x: it forbids bundles: take it out, or the annotation: cert-manager.io/inject-ca-from"}},
		"nothing":     {Observed{CA: certs, Target: with()}, Rest{}},
		"right":       {Observed{CA: certs, Target: with(Bundle{"/a", a})}, Rest{now.Add(time.Hour)}},
		"one of two":  {Observed{CA: certs, Target: with(Bundle{"/a", a}, Bundle{"/b", b})}, Write{Bundles: []Bundle{{"/b", append(b[:len(b):len(b)], a...)}}, Expires: now.Add(time.Hour)}},
		"both of two": {Observed{CA: certs, Target: with(Bundle{"/a", nil}, Bundle{"/b", nil})}, Write{Bundles: []Bundle{{"/a", a}, {"/b", a}}, Expires: now.Add(time.Hour)}},
		"garbage":     {Observed{CA: certs, Target: with(Bundle{"/a", []byte("x")})}, Write{Bundles: []Bundle{{"/a", a}}, Garbage: cmpopts.AnyError, Expires: now.Add(time.Hour)}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			row.o.Injection = injection
			if diff := cmp.Diff(row.want, Next(row.o, now), cmpopts.EquateErrors()); diff != "" {
				t.Errorf("step (-want +got):\n%s", diff)
			}
		})
	}
}
