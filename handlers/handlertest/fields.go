package handlertest

import (
	"fmt"
	"sync"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
	"sigs.k8s.io/yaml"
)

// fields keeps the managed fields of Secrets with the API server's own code,
// so that what an apply owns, takes over and takes away is real.
type fields struct{ manager *managedfields.FieldManager }

// newFields is made once: the schema of all of Kubernetes is behind it.
var newFields = sync.OnceValues(func() (*fields, error) {
	kind := corev1.SchemeGroupVersion.WithKind("Secret")
	m, err := managedfields.NewDefaultFieldManager(applyconfigurations.NewTypeConverter(scheme.Scheme),
		scheme.Scheme, undefaulted{}, scheme.Scheme, kind, kind.GroupVersion(), "", nil)
	if err != nil {
		return nil, fmt.Errorf("field manager of Secrets: %w", err)
	}
	return &fields{m}, nil
})

// undefaulted sets no defaults: a Secret's only one, its type, is always given here.
type undefaulted struct{}

func (undefaulted) Default(runtime.Object) {}

// update works out who owns what after a plain update or a create.
func (f *fields) update(old, next object, manager string) (object, error) {
	if manager == "" {
		manager = "test"
	}
	out, err := f.manager.Update(orNew(old), kinded(next), manager)
	if err != nil {
		return nil, err
	}
	return out.(object), nil
}

// apply merges an applied configuration into what is stored.
func (f *fields) apply(old object, patch []byte, manager string) (object, error) {
	applied := &unstructured.Unstructured{}
	if err := yaml.Unmarshal(patch, &applied.Object); err != nil {
		return nil, err
	}
	out, err := f.manager.Apply(orNew(old), applied, manager, true)
	if err != nil {
		return nil, err
	}
	return out.(object), nil
}

func orNew(old object) object {
	if old == nil {
		old = &corev1.Secret{}
	}
	return kinded(old)
}

func kinded(o object) object {
	o = o.DeepCopyObject().(object)
	o.GetObjectKind().SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return o
}

// withoutFields is o but for who owns what in it.
func withoutFields(o object) object {
	o = o.DeepCopyObject().(object)
	o.SetManagedFields(nil)
	if s, ok := o.(*corev1.Secret); ok {
		s.TypeMeta.Kind, s.TypeMeta.APIVersion = "", ""
	}
	return o
}

// sameFields compares who owns what, whenever they came to own it.
func sameFields(a, b object) bool {
	x, y := a.GetManagedFields(), b.GetManagedFields()
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i].Manager != y[i].Manager || x[i].Operation != y[i].Operation ||
			!equality.Semantic.DeepEqual(x[i].FieldsV1, y[i].FieldsV1) {
			return false
		}
	}
	return true
}
