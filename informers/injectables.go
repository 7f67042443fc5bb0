package informers

import (
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// What CA bundles are injected into is watched as metadata alone, and of that
// only the annotations that ask for it are kept: one CustomResourceDefinition
// can take a megabyte, and a cluster has hundreds. The handler reads an object
// by name when there may be something to do.

// byInjection files injectable objects under the source they name.
const byInjection = "injection"

type injectables map[queue.Kind]*store[*metav1.PartialObjectMetadata]

func (s *Set) newInjectables(kinds []queue.Kind) injectables {
	all := injectables{}
	if len(s.options.Namespaces) > 0 {
		return all // they lie outside all namespaces
	}
	for _, k := range kinds {
		all[k] = newStore([]string{metav1.NamespaceAll}, s.injectableSpec(k))
	}
	return all
}

func (s *Set) injectableSpec(k queue.Kind) spec[*metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList] {
	resource := api.InjectableResource(k.String())
	return spec[*metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList]{
		resource: resource, example: &metav1.PartialObjectMetadata{}, client: s.options.Metadata, transform: trimInjectable,
		typed: func(string) listWatcher[*metav1.PartialObjectMetadataList] {
			return s.options.Metadata.Resource(resource)
		},
		indexers: cache.Indexers{byInjection: indexBy(injectionSource)},
	}
}

// trimInjectable keeps what tells one state from the next, and what is asked for.
func trimInjectable(obj any) (any, error) {
	m, ok := obj.(*metav1.PartialObjectMetadata)
	if !ok {
		return obj, nil
	}
	kept := &metav1.PartialObjectMetadata{ObjectMeta: metav1.ObjectMeta{
		Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion, DeletionTimestamp: m.DeletionTimestamp,
	}}
	for _, key := range api.InjectionAnnotations() {
		if value, ok := m.Annotations[key]; ok {
			metav1.SetMetaDataAnnotation(&kept.ObjectMeta, key, value)
		}
	}
	return kept, nil
}

func injectionSource(m *metav1.PartialObjectMetadata) []string {
	i := api.ParseInjection(m.Annotations)
	if i.Name == "" {
		return nil // nothing of the cluster wakes it
	}
	return []string{injectionValue(i.From, i.Namespace, i.Name)}
}

func injectionValue(from api.InjectFrom, namespace, name string) string {
	if from == api.InjectFromSecret {
		return "secret/" + cacheKey(namespace, name)
	}
	return "certificate/" + cacheKey(namespace, name)
}

func (s *Set) injectableRoutes() []route {
	var table []route
	for _, k := range queue.Kinds() { // a map has no order
		if st, ok := s.injectables[k]; ok {
			table = append(table, route{st, []target{injectable(k)}})
		}
	}
	return table
}

// isInjectable tells the stores that nobody waits for: each of their objects is
// decided on by itself, and who may not watch them goes on with all else.
func (s *Set) isInjectable(st watched) bool {
	for _, i := range s.injectables {
		if st == watched(i) {
			return true
		}
	}
	return false
}

// injectable wakes the object's own key if it asks for a bundle: most do not.
func injectable(kind queue.Kind) target {
	return func(_ *Set, o metav1.Object) []queue.Key {
		if api.ParseInjection(o.GetAnnotations()).From == api.InjectNothing {
			return nil
		}
		return []queue.Key{key(kind, o)}
	}
}

// injectedFromCertificate wakes what a Certificate's CA is injected into.
func injectedFromCertificate(s *Set, o metav1.Object) []queue.Key {
	return s.injected(api.InjectFromCertificate, o.GetNamespace(), o.GetName())
}

// injectedFromSecret wakes what a Secret's CA is injected into, by its own
// name or by that of a Certificate it belongs to.
func injectedFromSecret(s *Set, o metav1.Object) []queue.Key {
	if len(s.injectables) == 0 {
		return nil
	}
	woken := s.injected(api.InjectFromSecret, o.GetNamespace(), o.GetName())
	for _, crt := range s.CertificatesBySecret(o.GetNamespace(), o.GetName()) {
		woken = append(woken, injectedFromCertificate(s, crt)...)
	}
	return woken
}

func (s *Set) injected(from api.InjectFrom, namespace, name string) []queue.Key {
	var woken []queue.Key
	for k, st := range s.injectables {
		woken = append(woken, keys(k, st.byAnywhere(byInjection, injectionValue(from, namespace, name)))...)
	}
	return woken
}

// Injectable returns the metadata of an object that CA bundles may be injected
// into, or nil.
func (s *Set) Injectable(kind queue.Kind, name string) *metav1.PartialObjectMetadata {
	st, ok := s.injectables[kind]
	if !ok {
		return nil
	}
	m, _ := st.get("", name)
	return m
}

// SetOfWebhook returns the name of the set of webhook certificates that keeps
// the bundles of a webhook configuration, or "".
func (s *Set) SetOfWebhook(kind string, o metav1.Object) string {
	if set := s.ownerOf(kind, o); set != nil {
		return set.Name
	}
	return ""
}
