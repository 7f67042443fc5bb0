package handlertest

import (
	"context"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/apply"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// Cache answers the handlers' questions as the informers do, from what was
// stored at the last refresh. What it returns is shared: a handler that
// changes it fails the test.
type Cache struct {
	world *World
	shown map[schema.GroupVersionResource][]object
	kept  map[object]object         // copies of what is shown, to see whether anybody changed it
	read  map[string]*corev1.Secret // foreign Secrets read so far
}

var allResources = []schema.GroupVersionResource{
	certificatesResource, requestsResource, issuersResource, clusterIssuersResource, secretsResource,
	ordersResource, challengesResource,
}

// Refresh has the cache show all that is stored.
func (w *World) Refresh() {
	for _, r := range allResources {
		w.refresh(r)
	}
}

// Unseen does something of which the cache does not show anything yet.
func (w *World) Unseen(do func()) {
	w.unseen = true
	defer func() { w.unseen = false }()
	do()
}

// RefreshOnly has the cache show what is stored of the resource of an example,
// as when one informer is ahead of the others.
func (w *World) RefreshOnly(examples ...runtime.Object) {
	for _, e := range examples {
		w.refresh(resourceOf(e))
	}
}

func (w *World) refresh(r schema.GroupVersionResource) {
	w.t.Helper()
	if w.unseen {
		return
	}
	w.Cache.show(r, w.list(r))
}

// show replaces what the cache shows of a resource. What has not changed stays
// the very same object, as in an informer.
func (c *Cache) show(r schema.GroupVersionResource, objects []object) {
	c.world.t.Helper()
	gone := map[types.UID]object{}
	for _, o := range c.shown[r] {
		gone[o.GetUID()] = o
	}
	for i, o := range objects {
		if was := gone[o.GetUID()]; was != nil && was.GetResourceVersion() == o.GetResourceVersion() {
			objects[i] = was
			delete(gone, o.GetUID())
			continue
		}
		trim(o)
		c.kept[o] = o.DeepCopyObject().(object)
	}
	for _, o := range gone {
		c.verify(o)
	}
	c.shown[r] = objects
}

// list returns copies of everything stored of a resource.
func (w *World) list(r schema.GroupVersionResource) []object {
	w.t.Helper()
	kind := map[schema.GroupVersionResource]string{
		certificatesResource: cmapi.CertificateKind, requestsResource: cmapi.CertificateRequestKind,
		issuersResource: cmapi.IssuerKind, clusterIssuersResource: cmapi.ClusterIssuerKind, secretsResource: "Secret",
		ordersResource: cmacme.OrderKind, challengesResource: cmacme.ChallengeKind,
	}[r]
	list, err := w.server.tracker(r).List(r, r.GroupVersion().WithKind(kind), "")
	if err != nil {
		w.t.Fatalf("list %s: %v", r.Resource, err)
	}
	switch list := list.(type) {
	case *cmapi.CertificateList:
		return pointers(list.Items)
	case *cmapi.CertificateRequestList:
		return pointers(list.Items)
	case *cmapi.IssuerList:
		return pointers(list.Items)
	case *cmapi.ClusterIssuerList:
		return pointers(list.Items)
	case *corev1.SecretList:
		return pointers(list.Items)
	case *cmacme.OrderList:
		return pointers(list.Items)
	case *cmacme.ChallengeList:
		return pointers(list.Items)
	}
	return nil
}

func pointers[T any](items []T) []object {
	all := make([]object, len(items))
	for i := range items {
		all[i] = any(&items[i]).(object)
	}
	return all
}

// trim leaves out what the informers do not keep.
func trim(o object) {
	var ours []metav1.ManagedFieldsEntry
	if _, ok := o.(*corev1.Secret); ok {
		for _, e := range o.GetManagedFields() {
			if apply.Ours(e) {
				ours = append(ours, e)
			}
		}
	}
	o.SetManagedFields(ours)
}

// verify fails the test when somebody changed an object that the cache shows.
func (c *Cache) verify(o object) {
	c.world.t.Helper()
	if !equality.Semantic.DeepEqual(c.kept[o], o) {
		c.world.t.Errorf("a handler changed %s %q in the cache", kindOf(o), o.GetName())
	}
	delete(c.kept, o)
}

func (c *Cache) verifyAll() {
	c.world.t.Helper()
	for o := range c.kept {
		c.verify(o)
	}
}

func find[T object](c *Cache, namespace, name string) T {
	var none T
	for _, o := range c.shown[resourceOf(none)] {
		if o.GetNamespace() == namespace && o.GetName() == name {
			return o.(T)
		}
	}
	return none
}

// Certificate returns a Certificate, or nil.
func (c *Cache) Certificate(namespace, name string) *cmapi.Certificate {
	return find[*cmapi.Certificate](c, namespace, name)
}

// CertificatesBySecret returns the Certificates whose target is a Secret.
func (c *Cache) CertificatesBySecret(namespace, secretName string) []*cmapi.Certificate {
	return choose(c, func(crt *cmapi.Certificate) bool {
		return crt.Namespace == namespace && crt.Spec.SecretName == secretName
	})
}

// Request returns a CertificateRequest, or nil.
func (c *Cache) Request(namespace, name string) *cmapi.CertificateRequest {
	return find[*cmapi.CertificateRequest](c, namespace, name)
}

// RequestsOf returns the CertificateRequests a Certificate controls.
func (c *Cache) RequestsOf(crt *cmapi.Certificate) []*cmapi.CertificateRequest {
	return choose(c, func(cr *cmapi.CertificateRequest) bool { return controls(crt, cr) })
}

// KeySecretsOf returns the next-private-key Secrets a Certificate controls.
func (c *Cache) KeySecretsOf(crt *cmapi.Certificate) []*corev1.Secret {
	return choose(c, func(s *corev1.Secret) bool {
		return own(s) && s.Labels[cmapi.IsNextPrivateKeySecretLabelKey] == "true" && controls(crt, s)
	})
}

func controls(crt *cmapi.Certificate, o object) bool {
	owner := metav1.GetControllerOf(o)
	return owner != nil && owner.UID == crt.UID && o.GetNamespace() == crt.Namespace
}

func choose[T object](c *Cache, want func(T) bool) []T {
	var example T
	var chosen []T
	for _, o := range c.shown[resourceOf(example)] {
		if want(o.(T)) {
			chosen = append(chosen, o.(T))
		}
	}
	return chosen
}

// Issuer returns an Issuer, or nil.
func (c *Cache) Issuer(namespace, name string) *cmapi.Issuer {
	return find[*cmapi.Issuer](c, namespace, name)
}

// ClusterIssuer returns a ClusterIssuer, or nil.
func (c *Cache) ClusterIssuer(name string) *cmapi.ClusterIssuer {
	return find[*cmapi.ClusterIssuer](c, "", name)
}

// IssuerFor resolves a reference to our own group, or returns nil.
func (c *Cache) IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer {
	switch ref = api.IssuerRef(ref); {
	case !api.OwnGroup(ref):
	case ref.Kind == cmapi.IssuerKind:
		if i := c.Issuer(namespace, ref.Name); i != nil {
			return i
		}
	case ref.Kind == cmapi.ClusterIssuerKind:
		if i := c.ClusterIssuer(ref.Name); i != nil {
			return i
		}
	}
	return nil
}

// own Secrets are cached in full; of others only the resourceVersion is known.
func own(s *corev1.Secret) bool {
	return s.Labels[cmapi.PartOfCertManagerControllerLabelKey] == "true"
}

// Secret returns a Secret: of ours what the cache shows, of others what is
// stored, read once for each resourceVersion that the cache shows.
func (c *Cache) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	shown := find[*corev1.Secret](c, namespace, name)
	switch {
	case shown == nil:
		return nil, apierrors.NewNotFound(secretsResource.GroupResource(), name)
	case own(shown):
		return shown, nil
	}
	k := namespace + "/" + name
	if memo := c.read[k]; memo != nil && memo.ResourceVersion == shown.ResourceVersion {
		return memo, nil
	}
	live, err := c.LiveSecret(ctx, namespace, name)
	if err == nil {
		c.read[k] = live
	}
	return live, err
}

// LiveSecret reads a Secret past the cache.
func (c *Cache) LiveSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	s, err := c.world.Core.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	s = s.DeepCopy()
	trim(s)
	return s, nil
}
