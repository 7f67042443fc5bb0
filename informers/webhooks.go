package informers

import (
	"slices"

	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/queue"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// Webhook configurations are watched when there is a set of webhook
// certificates, also by a daemon confined to namespaces: a set names them.

func (s *Set) mutatingSpec() spec[*admissionv1.MutatingWebhookConfiguration, *admissionv1.MutatingWebhookConfigurationList] {
	return spec[*admissionv1.MutatingWebhookConfiguration, *admissionv1.MutatingWebhookConfigurationList]{
		resource: admissionv1.SchemeGroupVersion.WithResource("mutatingwebhookconfigurations"),
		example:  &admissionv1.MutatingWebhookConfiguration{}, client: s.options.Core, transform: trim,
		typed: func(string) listWatcher[*admissionv1.MutatingWebhookConfigurationList] {
			return s.options.Core.AdmissionregistrationV1().MutatingWebhookConfigurations()
		},
		indexers: cache.Indexers{},
	}
}

func (s *Set) validatingSpec() spec[*admissionv1.ValidatingWebhookConfiguration, *admissionv1.ValidatingWebhookConfigurationList] {
	return spec[*admissionv1.ValidatingWebhookConfiguration, *admissionv1.ValidatingWebhookConfigurationList]{
		resource: admissionv1.SchemeGroupVersion.WithResource("validatingwebhookconfigurations"),
		example:  &admissionv1.ValidatingWebhookConfiguration{}, client: s.options.Core, transform: trim,
		typed: func(string) listWatcher[*admissionv1.ValidatingWebhookConfigurationList] {
			return s.options.Core.AdmissionregistrationV1().ValidatingWebhookConfigurations()
		},
		indexers: cache.Indexers{},
	}
}

// setIndex files sets under the Secrets they name; it never changes.
func setIndex(sets []webhookset.Set) map[string][]queue.Key {
	index := map[string][]queue.Key{}
	for _, set := range sets {
		for _, name := range []string{set.CA.Name, set.Server.Name} {
			k := cacheKey(set.Namespace, name)
			index[k] = append(index[k], setKey(set.Name))
		}
	}
	return index
}

func setKey(name string) queue.Key { return queue.Key{Kind: queue.WebhookSet, Name: name} }

// setsOfSecret wakes the sets that name a Secret.
func setsOfSecret(s *Set, o metav1.Object) []queue.Key {
	return s.setsBySecret[cacheKey(o.GetNamespace(), o.GetName())]
}

// setOfWebhook wakes the set that a webhook configuration belongs to.
func setOfWebhook(kind string) target {
	return func(s *Set, o metav1.Object) []queue.Key {
		if set := s.ownerOf(kind, o); set != nil {
			return []queue.Key{setKey(set.Name)}
		}
		return nil
	}
}

// ownerOf returns the set that chooses a webhook configuration: one that names
// it, else the first whose selector fits, so that it never has two writers.
func (s *Set) ownerOf(kind string, o metav1.Object) *webhookset.Set {
	sets := s.options.WebhookSets
	for i := range sets {
		if sets[i].Nominates(kind, o.GetName()) {
			return &sets[i]
		}
	}
	for i := range sets {
		if sets[i].Selects(o.GetLabels()) {
			return &sets[i]
		}
	}
	return nil
}

// MutatingWebhooks returns the configurations that belong to a set, by name.
func (s *Set) MutatingWebhooks(set *webhookset.Set) []*admissionv1.MutatingWebhookConfiguration {
	return ofSet(s, s.mutating, webhookset.MutatingKind, set)
}

// ValidatingWebhooks returns the configurations that belong to a set, by name.
func (s *Set) ValidatingWebhooks(set *webhookset.Set) []*admissionv1.ValidatingWebhookConfiguration {
	return ofSet(s, s.validating, webhookset.ValidatingKind, set)
}

// ofSet looks at every configuration: a cluster has dozens.
func ofSet[T object](s *Set, from *store[T], kind string, set *webhookset.Set) []T {
	if from == nil {
		return nil
	}
	all := slices.DeleteFunc(from.list(), func(o T) bool {
		owner := s.ownerOf(kind, o)
		return owner == nil || owner.Name != set.Name
	})
	slices.SortFunc(all, func(a, b T) int {
		if a.GetName() < b.GetName() {
			return -1
		}
		return 1
	})
	return all
}

// WebhooksSynced reports whether all webhook configurations are in the cache.
// It is apart from Synced, so that a daemon that may not watch them yet goes
// on with all else.
func (s *Set) WebhooksSynced() bool {
	return s.mutating != nil && s.mutating.hasSynced() && s.validating.hasSynced()
}

// WebhookSetKeys yields the keys of all sets, for a sweep: nothing else wakes
// a set of which nothing exists yet.
func (s *Set) WebhookSetKeys() []queue.Key {
	var all []queue.Key
	for _, set := range s.options.WebhookSets {
		all = append(all, setKey(set.Name))
	}
	return all
}
