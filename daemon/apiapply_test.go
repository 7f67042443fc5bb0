package daemon

import (
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/managedfields"
	"k8s.io/client-go/applyconfigurations"
	"k8s.io/client-go/kubernetes/scheme"
)

func uidOf(n int) types.UID { return types.UID(fmt.Sprintf("00000000-0000-4000-8000-%012d", n)) }

// fieldManager merges what is applied to Secrets: the real API server's.
var fieldManager = newFieldManager()

func newFieldManager() *managedfields.FieldManager {
	gvk := corev1.SchemeGroupVersion.WithKind("Secret")
	m, err := managedfields.NewDefaultFieldManager(applyconfigurations.NewTypeConverter(scheme.Scheme),
		scheme.Scheme, noDefaults{}, scheme.Scheme, gvk, gvk.GroupVersion(), "", nil)
	if err != nil {
		panic(err)
	}
	return m
}

type noDefaults struct{}

func (noDefaults) Default(runtime.Object) {}

// managed keeps account of who set which field of a Secret.
func (a *apiServer) managed(k kind, before *object, next unstructured.Unstructured, manager string) (unstructured.Unstructured, error) {
	if k.Kind != "Secret" {
		return next, nil
	}
	if manager == "" {
		manager = "unknown"
	}
	after, err := fieldManager.Update(typedSecret(before), asSecret(next), manager)
	if err != nil {
		return next, err
	}
	return untyped(after), nil
}

// apply is server-side apply.
func (a *apiServer) apply(by string, t target, body map[string]any, manager string, force bool) (*object, error) {
	before, err := a.get(t)
	if apierrors.IsNotFound(err) {
		before = nil
	}
	applied := &unstructured.Unstructured{Object: body}
	after, err := fieldManager.Apply(typedSecret(before), applied, manager, force)
	if err != nil {
		return nil, err
	}
	next := untyped(after)
	if before == nil {
		a.uids++
		next.SetUID(uidOf(a.uids))
		next.SetNamespace(t.namespace)
		unstructured.RemoveNestedField(next.Object, "metadata", "creationTimestamp")
		next.Object["metadata"].(map[string]any)["creationTimestamp"] = a.now().UTC().Format("2006-01-02T15:04:05Z")
	}
	return a.commit(by, t, before, next), nil
}

// typedSecret is a Secret as the field manager wants it; an empty one for none.
func typedSecret(o *object) runtime.Object {
	if o == nil {
		s := &corev1.Secret{}
		s.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
		return s
	}
	return asSecret(o.Unstructured)
}

func asSecret(o unstructured.Unstructured) *corev1.Secret {
	s := &corev1.Secret{}
	if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, s); err != nil {
		panic(err)
	}
	s.SetGroupVersionKind(corev1.SchemeGroupVersion.WithKind("Secret"))
	return s
}

func untyped(o runtime.Object) unstructured.Unstructured {
	content, err := runtime.DefaultUnstructuredConverter.ToUnstructured(o)
	if err != nil {
		panic(err)
	}
	return unstructured.Unstructured{Object: content}
}
