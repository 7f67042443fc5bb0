package daemon

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"time"

	"github.com/certwright/certwright/internal/api"

	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/restmapper"
)

// externalTTL is how long what an external issuer said is taken for true: many
// Certificates may wait for one.
const externalTTL = 30 * time.Second

// external reads objects of kinds that nobody knows beforehand.
func external(d discovery.DiscoveryInterface, c dynamic.Interface) func(context.Context, schema.GroupKind, string, string) (*unstructured.Unstructured, error) {
	return func(ctx context.Context, kind schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error) {
		known, err := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d)).RESTMapping(kind)
		if err != nil {
			return nil, err
		}
		if known.Scope.Name() == meta.RESTScopeNameRoot {
			return c.Resource(known.Resource).Get(ctx, name, metav1.GetOptions{})
		}
		return c.Resource(known.Resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	}
}

// externalIssuers tells what an issuer of another group lacks. certwright has
// no right of its own to read such issuers, whose groups nobody knows; where it
// was given none, nothing is told.
func externalIssuers(read func(context.Context, schema.GroupKind, string, string) (*unstructured.Unstructured, error)) func(context.Context, string, cmmeta.IssuerReference) string {
	if read == nil {
		return nil
	}
	type key struct{ group, kind, namespace, name string }
	type entry struct {
		words string
		until time.Time
	}
	var mu sync.Mutex
	known := map[key]entry{}
	return func(ctx context.Context, namespace string, ref cmmeta.IssuerReference) string {
		k := key{ref.Group, ref.Kind, namespace, ref.Name}
		mu.Lock()
		e, ok := known[k]
		mu.Unlock()
		if ok && time.Now().Before(e.until) {
			return e.words
		}
		object, err := read(ctx, schema.GroupKind{Group: ref.Group, Kind: ref.Kind}, namespace, ref.Name)
		e = entry{lacks(ref, object, err), time.Now().Add(externalTTL)}
		mu.Lock()
		defer mu.Unlock()
		if len(known) > 1024 {
			clear(known)
		}
		known[k] = e
		return e.words
	}
}

// lacks puts it into words; empty: nothing, or nobody knows.
func lacks(ref cmmeta.IssuerReference, object *unstructured.Unstructured, err error) string {
	switch {
	case meta.IsNoMatchError(err):
		return fmt.Sprintf("spec.issuerRef: the API server does not know the kind %s of group %s: install its issuer, or correct the reference", ref.Kind, ref.Group)
	case apierrors.IsNotFound(err):
		return fmt.Sprintf("spec.issuerRef: %s does not exist: create it, or correct the reference", api.DescribeIssuer(ref))
	case err != nil:
		return ""
	}
	conditions, _, err := unstructured.NestedSlice(object.Object, "status", "conditions")
	if err != nil {
		return "" // it has a form of its own
	}
	for _, c := range conditions {
		condition, _ := c.(map[string]any)
		if condition["type"] != "Ready" || condition["status"] == "True" {
			continue
		}
		message, _ := condition["message"].(string)
		return strings.TrimSuffix(fmt.Sprintf("spec.issuerRef: %s is not ready: %s", api.DescribeIssuer(ref), message), ": ")
	}
	return ""
}
