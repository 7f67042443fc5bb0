package informers

import (
	"testing"
	"testing/synctest"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/queue/queuetest"

	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var allInjectables = []queue.Kind{queue.MutatingWebhook, queue.ValidatingWebhook, queue.APIService, queue.CustomResource}

func injecting(o *Options) { o.Injectables = allInjectables }

// annotated is an object that a CA bundle may be injected into.
func annotated(kind queue.Kind, name, annotation, value string) *metav1.PartialObjectMetadata {
	gvk := api.InjectableKind(kind.String())
	m := &metav1.PartialObjectMetadata{ObjectMeta: named("", name)}
	m.SetGroupVersionKind(gvk)
	m.Annotations = map[string]string{"example.com/other": "x"}
	if annotation != "" {
		m.Annotations["cert-manager.io/"+annotation] = value
	}
	return m
}

func TestRoutesOfInjectables(t *testing.T) {
	there := []object{
		certificate("shop", "web", "web-tls"), certificate("bank", "web", "web-tls"),
		annotated(queue.MutatingWebhook, "hook", "inject-ca-from", "shop/web"),
		annotated(queue.ValidatingWebhook, "hook", "inject-ca-from", "shop/web"),
		annotated(queue.APIService, "v1.shop", "inject-ca-from-secret", "shop/web-tls"),
		annotated(queue.CustomResource, "toys", "inject-ca-from-secret", "shop/other"),
		annotated(queue.CustomResource, "cats", "inject-ca-from", "bank/web"),
		annotated(queue.CustomResource, "dogs", "inject-apiserver-ca", "true"),
		annotated(queue.CustomResource, "cows", "", ""),
		annotated(queue.CustomResource, "pigs", "inject-ca-from", "nonsense"),
	}
	hooks := []queue.Key{{Kind: queue.MutatingWebhook, Name: "hook"}, {Kind: queue.ValidatingWebhook, Name: "hook"}}
	toys := queue.Key{Kind: queue.CustomResource, Name: "toys"}
	ofSecret := append([]queue.Key{certificateKey("web"), {Kind: queue.APIService, Name: "v1.shop"}}, hooks...)
	testRoutes(t, []routeRow{
		{"a Certificate", there, put(certificate("shop", "web", "web-tls")), append([]queue.Key{certificateKey("web")}, hooks...)},
		{"a Certificate goes", there, remove(certificate("shop", "web", "web-tls")), append([]queue.Key{certificateKey("web")}, hooks...)},
		{"a Certificate nobody injects", there, put(certificate("shop", "api", "api-tls")), []queue.Key{certificateKey("api")}},
		{"a Secret of ours", there, put(ownSecret("shop", "web-tls")), ofSecret},
		{"a foreign Secret", there, put(foreignSecret("shop", "web-tls")), ofSecret},
		{"a Secret by its name alone", there, put(foreignSecret("shop", "other")), []queue.Key{toys}},
		{"a Secret nobody injects", there, put(foreignSecret("bank", "other")), nil},
		{"an object", there, put(annotated(queue.CustomResource, "dogs", "inject-apiserver-ca", "true")), []queue.Key{{Kind: queue.CustomResource, Name: "dogs"}}},
		{"an object that asks no more", there, put(annotated(queue.CustomResource, "toys", "", "")), []queue.Key{toys}},
		{"an object that asks now", there, put(annotated(queue.CustomResource, "cows", "inject-ca-from", "shop/web")), []queue.Key{{Kind: queue.CustomResource, Name: "cows"}}},
		{"an object that asks for nonsense", there, put(annotated(queue.CustomResource, "pigs", "inject-ca-from", "nonsense")), []queue.Key{{Kind: queue.CustomResource, Name: "pigs"}}},
		{"an object that asks for nothing", there, put(annotated(queue.CustomResource, "cows", "", "")), nil},
		{"an object goes", there, remove(annotated(queue.CustomResource, "toys", "inject-ca-from-secret", "shop/other")), []queue.Key{toys}},
	}, injecting)
}

// Of all these objects the cache holds the annotations that count, and no more.
func TestInjectablesAreTrimmed(t *testing.T) {
	t.Parallel()
	m := annotated(queue.CustomResource, "toys", "inject-ca-from", "shop/web")
	m.ManagedFields = []metav1.ManagedFieldsEntry{{Manager: "kubectl"}}
	m.Labels = map[string]string{"a": "b"}
	got, err := trimInjectable(m)
	want := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: "toys", UID: m.UID, Annotations: map[string]string{"cert-manager.io/inject-ca-from": "shop/web"}}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v, kept (-want +got):\n%s", err, diff)
	}
}

func TestConfinedDaemonsInjectNothing(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		set, _ := c.watched(injecting, func(o *Options) { o.Namespaces = []string{"shop"} })
		if len(set.injectables) > 0 || set.Injectable(queue.APIService, "v1.shop") != nil {
			t.Error("cluster-scoped objects are watched")
		}
	})
}

func TestChosenSecrets(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		c.put(foreignSecret("shop", "web-tls"))
		key := queue.Key{Kind: queue.SecretFiles, Namespace: "shop", Name: "web-tls"}
		missing := queue.Key{Kind: queue.SecretFiles, Namespace: "shop", Name: "missing"}
		woken := &queuetest.Recorder{}
		chosen := NewChosen(c.core, woken, []queue.Key{key, missing})
		go chosen.Run(t.Context())
		synctest.Wait()
		if !chosen.Synced() || chosen.Secret("shop", "web-tls") == nil || chosen.Secret("shop", "missing") != nil || chosen.Secret("bank", "web-tls") != nil {
			t.Error("the chosen Secret is not there, or others are")
		}
		chosen.WakeAll()
		if diff := woken.DiffKeys(key, missing); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}
