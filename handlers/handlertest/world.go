package handlertest

import (
	"slices"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clocktesting "k8s.io/utils/clock/testing"
)

// Now is when every world begins: between two seconds, as real clocks are,
// while the API keeps whole ones.
var Now = time.Date(2026, time.March, 1, 12, 0, 0, 400_000_000, time.UTC)

// World is a cluster as handlers see it.
type World struct {
	Core        *kubefake.Clientset
	CertManager *cmfake.Clientset
	Cache       *Cache
	Clock       *clocktesting.FakePassiveClock

	// Writes are those that handlers made, in order, as in
	// "update certificates/status web", with the reason behind a colon when
	// the API server refused it.
	Writes []string
	// Reads are those that went past the cache, as in "get secrets web-tls".
	Reads []string
	// Events are those that handlers told, in order, as in
	// "Certificate/web Normal Issuing: message".
	Events []string

	t      testing.TB
	server *server
	fate   func(count int) Fate
	after  func(count int)
	count  int
	unseen bool
}

// New makes a world in which objects exist, and whose cache shows them.
func New(t testing.TB, objects ...runtime.Object) *World {
	t.Helper()
	fields, err := newFields()
	if err != nil {
		t.Fatal(err)
	}
	w := &World{
		Core: kubefake.NewSimpleClientset(), CertManager: cmfake.NewSimpleClientset(),
		Clock: clocktesting.NewFakePassiveClock(Now), t: t,
	}
	w.server = &server{clock: w.Clock, core: w.Core.Tracker(), certManager: w.CertManager.Tracker(), fields: fields}
	w.Core.PrependReactor("*", "*", w.react)
	w.CertManager.PrependReactor("*", "*", w.react)
	w.Cache = &Cache{
		world: w, shown: map[schema.GroupVersionResource][]object{}, kept: map[object]object{}, read: map[string]*corev1.Secret{},
	}
	w.Create(objects...)
	t.Cleanup(w.Cache.verifyAll)
	return w
}

// Wait lets time pass.
func (w *World) Wait(d time.Duration) { w.Clock.SetTime(w.Clock.Now().Add(d)) }

// Create has somebody else make objects. One with a UID is stored as it is,
// with its status and times.
func (w *World) Create(objects ...runtime.Object) {
	w.t.Helper()
	for _, o := range objects {
		if _, err := w.server.create(resourceOf(o), o.(object), "test"); err != nil {
			w.t.Fatalf("create %T %q: %v", o, o.(object).GetName(), err)
		}
	}
	w.Refresh()
}

// Edit has somebody else change an object, but for its status.
func Edit[T object](w *World, name string, edit func(T)) { change(w, name, "", edit) }

// EditStatus has somebody else change the status of an object.
func EditStatus[T object](w *World, name string, edit func(T)) { change(w, name, "status", edit) }

func change[T object](w *World, name, subresource string, edit func(T)) {
	w.t.Helper()
	var example T
	r := resourceOf(example)
	o, err := w.server.get(r, namespaceOf(r), name)
	if err != nil {
		w.t.Fatalf("edit: %v", err)
	}
	edit(o.(T))
	if _, err := w.server.update(r, o, subresource, "kubectl-edit"); err != nil {
		w.t.Fatalf("edit %s %q: %v", r.Resource, name, err)
	}
	w.Refresh()
}

// Delete has somebody else delete an object.
func Delete[T object](w *World, name string) {
	w.t.Helper()
	var example T
	r := resourceOf(example)
	if err := w.server.remove(r, namespaceOf(r), name, nil); err != nil {
		w.t.Fatalf("delete: %v", err)
	}
	w.Refresh()
}

// CollectGarbage deletes what a controller owns that is gone.
func (w *World) CollectGarbage() {
	w.t.Helper()
	alive := map[string]bool{}
	for _, crt := range w.list(certificatesResource) {
		alive[string(crt.GetUID())] = true
	}
	for _, r := range []schema.GroupVersionResource{requestsResource, secretsResource} {
		for _, o := range w.list(r) {
			owner := metav1.GetControllerOf(o)
			if owner == nil || alive[string(owner.UID)] {
				continue
			}
			if err := w.server.remove(r, o.GetNamespace(), o.GetName(), nil); err != nil {
				w.t.Fatalf("collect garbage: %v", err)
			}
		}
	}
	w.Refresh()
}

// Get returns an object as it is stored, past the cache; nil when it does
// not exist.
func Get[T object](w *World, name string) T {
	w.t.Helper()
	var none T
	r := resourceOf(none)
	o, err := w.server.get(r, namespaceOf(r), name)
	if apierrors.IsNotFound(err) {
		return none
	}
	if err != nil {
		w.t.Fatalf("get %s %q: %v", r.Resource, name, err)
	}
	return o.(T)
}

// Certificate returns a stored Certificate.
func (w *World) Certificate(name string) *cmapi.Certificate {
	return Get[*cmapi.Certificate](w, name)
}

// Request returns a stored CertificateRequest.
func (w *World) Request(name string) *cmapi.CertificateRequest {
	return Get[*cmapi.CertificateRequest](w, name)
}

// Secret returns a stored Secret of [Namespace].
func (w *World) Secret(name string) *corev1.Secret { return Get[*corev1.Secret](w, name) }

// Requests names the stored CertificateRequests, sorted.
func (w *World) Requests() []string { return names(w.list(requestsResource)) }

// Secrets names the stored Secrets, sorted.
func (w *World) Secrets() []string { return names(w.list(secretsResource)) }

func names(objects []object) []string {
	var all []string
	for _, o := range objects {
		all = append(all, o.GetName())
	}
	slices.Sort(all)
	return all
}

// namespaceOf is where the objects of a test are.
func namespaceOf(r schema.GroupVersionResource) string {
	if r == clusterIssuersResource {
		return ""
	}
	return Namespace
}

func resourceOf(o runtime.Object) schema.GroupVersionResource {
	switch o.(type) {
	case *corev1.Secret:
		return secretsResource
	case *cmapi.Certificate:
		return certificatesResource
	case *cmapi.CertificateRequest:
		return requestsResource
	case *cmapi.Issuer:
		return issuersResource
	case *cmapi.ClusterIssuer:
		return clusterIssuersResource
	case *cmacme.Order:
		return ordersResource
	case *cmacme.Challenge:
		return challengesResource
	}
	return schema.GroupVersionResource{}
}
