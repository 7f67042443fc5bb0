package informers

import (
	"context"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/queue"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// twoSets are shop, which names a webhook configuration, and bank, which
// selects its own by label.
func twoSets(o *Options) {
	shop, bank := webhookset.Default(), webhookset.Default()
	shop.Name, shop.Namespace, shop.Validating = "shop-set", "shop", []string{"shop"}
	bank.Name, bank.Namespace, bank.Selector = "bank-set", "bank", labels.SelectorFromSet(labels.Set{"app": "bank"})
	o.WebhookSets = []webhookset.Set{shop, bank}
}

func webhookSetKey(name string) queue.Key { return queue.Key{Kind: queue.WebhookSet, Name: name} }

func validatingHook(name string, l map[string]string) *admissionv1.ValidatingWebhookConfiguration {
	return &admissionv1.ValidatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: l}}
}

func mutatingHook(name string, l map[string]string) *admissionv1.MutatingWebhookConfiguration {
	return &admissionv1.MutatingWebhookConfiguration{ObjectMeta: metav1.ObjectMeta{Name: name, Labels: l}}
}

func TestRoutesOfWebhookSets(t *testing.T) {
	ofBank := map[string]string{"app": "bank"}
	shop, bank := []queue.Key{webhookSetKey("shop-set")}, []queue.Key{webhookSetKey("bank-set")}
	testRoutes(t, []routeRow{
		{"CA Secret of a set", nil, put(foreignSecret("shop", "ca-server-cert")), shop},
		{"server Secret of a set", nil, put(foreignSecret("bank", "webhook-server-cert")), bank},
		{"server Secret goes", []object{foreignSecret("shop", "webhook-server-cert")}, remove(foreignSecret("shop", "webhook-server-cert")), shop},
		{"Secret of that name elsewhere", nil, put(foreignSecret("other", "ca-server-cert")), nil},
		{"configuration by name", nil, put(validatingHook("shop", nil)), shop},
		{"of that name, of the other kind", nil, put(mutatingHook("shop", nil)), nil},
		{"configuration by label", nil, put(mutatingHook("m", ofBank)), bank},
		{"by name before by label", nil, put(validatingHook("shop", ofBank)), shop},
		{"configuration loses its label", []object{mutatingHook("m", ofBank)}, put(mutatingHook("m", nil)), bank},
		{"configuration goes", []object{mutatingHook("m", ofBank)}, remove(mutatingHook("m", ofBank)), bank},
		{"configuration of nobody", nil, put(validatingHook("v", nil)), nil},
	}, twoSets)
}

func TestWebhooksOfSets(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		ofBank := map[string]string{"app": "bank"}
		c.put(validatingHook("shop", ofBank), validatingHook("b", ofBank), mutatingHook("m", ofBank), validatingHook("v", nil))
		s, _ := c.watched(twoSets)
		shop, bank := &s.options.WebhookSets[0], &s.options.WebhookSets[1]
		if !s.WebhooksSynced() {
			t.Error("not synced")
		}
		if got := s.ValidatingWebhooks(shop); len(got) != 1 || got[0].Name != "shop" {
			t.Errorf("validating of shop: %d", len(got))
		}
		if got := s.ValidatingWebhooks(bank); len(got) != 1 || got[0].Name != "b" {
			t.Errorf("validating of bank: %d", len(got))
		}
		if got := s.MutatingWebhooks(bank); len(got) != 1 || got[0].Name != "m" {
			t.Errorf("mutating of bank: %d", len(got))
		}
		if got := s.WebhookSetKeys(); len(got) != 2 {
			t.Errorf("keys: %v", got)
		}
	})
}

// TestTriggerComesLater has the kind of a trigger be unknown at first.
func TestTriggerComesLater(t *testing.T) {
	bubble(t, func(t *testing.T, c *cluster) {
		var known atomic.Bool
		_, woken := c.watched(twoSets, func(o *Options) {
			o.WebhookSets[0].Trigger = &webhookset.Trigger{Group: "", Version: "v1", Kind: "Secret", Name: "main"}
			o.Plural = func(_ context.Context, kind schema.GroupVersionKind) (string, error) {
				if !known.Load() {
					return "", nil
				}
				return "secrets", nil
			}
		})
		c.put(foreignSecret("shop", "main"))
		if diff := woken.DiffKeys(); diff != "" {
			t.Errorf("woken before it is known: %s", diff)
		}
		known.Store(true)
		time.Sleep(time.Minute)
		synctest.Wait()
		if diff := woken.DiffKeys(webhookSetKey("shop-set")); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}
