package informers

import (
	"context"
	"os"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue/queuetest"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
	utilruntime "k8s.io/apimachinery/pkg/util/runtime"
	"k8s.io/apimachinery/pkg/watch"
	kubefake "k8s.io/client-go/kubernetes/fake"
	"k8s.io/client-go/metadata/fake"
	clienttesting "k8s.io/client-go/testing"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
	gwfake "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned/fake"
)

// TestMain takes away the last of apimachinery's error handlers. It sleeps until
// a millisecond after the error before, of the whole process: in a bubble, which
// begins in the year 2000, that is for decades.
func TestMain(m *testing.M) {
	utilruntime.ErrorHandlers = utilruntime.ErrorHandlers[:1]
	os.Exit(m.Run())
}

// cluster is an API server made of three fake clientsets: a Secret put into it
// is seen by the one for Secrets and the one for metadata alike, objects get a
// new resourceVersion with each change, and watches heed label selectors and
// never drop an event, all of which the fakes alone do not do.
type cluster struct {
	t        *testing.T
	core     *kubefake.Clientset
	cm       *cmfake.Clientset
	metadata *fake.FakeMetadataClient
	gateway  *gwfake.Clientset

	mu      sync.Mutex
	version int
	streams []*stream
}

func newCluster(t *testing.T) *cluster {
	scheme := fake.NewTestScheme()
	if err := metav1.AddMetaToScheme(scheme); err != nil {
		t.Fatal(err)
	}
	c := &cluster{
		t: t, core: kubefake.NewSimpleClientset(), cm: cmfake.NewSimpleClientset(), metadata: fake.NewSimpleMetadataClient(scheme), gateway: gwfake.NewSimpleClientset()}
	for _, f := range []*clienttesting.Fake{&c.core.Fake, &c.cm.Fake, &c.gateway.Fake} {
		f.PrependWatchReactor("*", c.watch(false))
	}
	c.metadata.PrependWatchReactor("*", c.watch(true))
	return c
}

// put creates or changes an object and tells the watches.
func (c *cluster) put(objs ...object) {
	c.t.Helper()
	for _, o := range objs {
		c.tell(watch.Added, c.store(o))
	}
}

// store creates or changes an object without telling anybody: what happens
// while a watch is interrupted.
func (c *cluster) store(o object) object {
	c.t.Helper()
	c.mu.Lock()
	c.version++
	version := strconv.Itoa(c.version)
	c.mu.Unlock()
	o = o.DeepCopyObject().(object)
	o.SetResourceVersion(version)
	r, tracker := c.home(o)
	must(c.upsert(r, tracker, o))
	if s, ok := o.(*corev1.Secret); ok {
		must(c.upsert(r, c.metadata.Tracker(), metadataOf(s)))
	}
	return o
}

func (c *cluster) upsert(r schema.GroupVersionResource, tracker clienttesting.ObjectTracker, o object) error {
	err := tracker.Update(r, o, o.GetNamespace())
	if apierrors.IsNotFound(err) {
		err = tracker.Create(r, o, o.GetNamespace())
	}
	return err
}

// remove deletes an object and tells the watches.
func (c *cluster) remove(o object) { c.tell(watch.Deleted, c.erase(o)) }

// erase deletes an object without telling anybody.
func (c *cluster) erase(o object) object {
	c.t.Helper()
	r, tracker := c.home(o)
	stored, err := tracker.Get(r, o.GetNamespace(), o.GetName())
	must(err)
	must(tracker.Delete(r, o.GetNamespace(), o.GetName()))
	if r == secretResource {
		must(c.metadata.Tracker().Delete(r, o.GetNamespace(), o.GetName()))
	}
	return stored.(object)
}

// stored is what the API server has of an object.
func (c *cluster) stored(o object) object {
	c.t.Helper()
	r, tracker := c.home(o)
	got, err := tracker.Get(r, o.GetNamespace(), o.GetName())
	must(err)
	return got.(object)
}

func (c *cluster) home(o object) (schema.GroupVersionResource, clienttesting.ObjectTracker) {
	switch o := o.(type) {
	case *metav1.PartialObjectMetadata:
		return api.InjectableResource(strings.ToLower(o.Kind)), c.metadata.Tracker()
	case *corev1.Secret:
		return secretResource, c.core.Tracker()
	case *cmapi.Certificate:
		return cmapi.SchemeGroupVersion.WithResource("certificates"), c.cm.Tracker()
	case *cmapi.CertificateRequest:
		return cmapi.SchemeGroupVersion.WithResource("certificaterequests"), c.cm.Tracker()
	case *cmapi.Issuer:
		return cmapi.SchemeGroupVersion.WithResource("issuers"), c.cm.Tracker()
	case *cmacme.Order:
		return cmacme.SchemeGroupVersion.WithResource("orders"), c.cm.Tracker()
	case *cmacme.Challenge:
		return cmacme.SchemeGroupVersion.WithResource("challenges"), c.cm.Tracker()
	case *cmapi.ClusterIssuer:
		return cmapi.SchemeGroupVersion.WithResource("clusterissuers"), c.cm.Tracker()
	case *admissionv1.MutatingWebhookConfiguration:
		return admissionv1.SchemeGroupVersion.WithResource("mutatingwebhookconfigurations"), c.core.Tracker()
	case *admissionv1.ValidatingWebhookConfiguration:
		return admissionv1.SchemeGroupVersion.WithResource("validatingwebhookconfigurations"), c.core.Tracker()
	case *networkingv1.Ingress:
		return networkingv1.SchemeGroupVersion.WithResource("ingresses"), c.core.Tracker()
	case *gatewayv1.Gateway:
		return gatewayAPI.WithResource("gateways"), c.gateway.Tracker()
	case *gatewayv1.ListenerSet:
		return gatewayAPI.WithResource("listenersets"), c.gateway.Tracker()
	case *gatewayv1.HTTPRoute:
		return gatewayAPI.WithResource("httproutes"), c.gateway.Tracker()
	case *appsv1.Deployment:
		return appsv1.SchemeGroupVersion.WithResource("deployments"), c.core.Tracker()
	case *appsv1.StatefulSet:
		return appsv1.SchemeGroupVersion.WithResource("statefulsets"), c.core.Tracker()
	case *appsv1.DaemonSet:
		return appsv1.SchemeGroupVersion.WithResource("daemonsets"), c.core.Tracker()
	case *certificatesv1.CertificateSigningRequest:
		return certificatesv1.SchemeGroupVersion.WithResource("certificatesigningrequests"), c.core.Tracker()
	}
	c.t.Fatalf("no home for a %T", o)
	return schema.GroupVersionResource{}, nil
}

func metadataOf(s *corev1.Secret) *metav1.PartialObjectMetadata {
	return &metav1.PartialObjectMetadata{
		TypeMeta: metav1.TypeMeta{APIVersion: "v1", Kind: "Secret"}, ObjectMeta: *s.ObjectMeta.DeepCopy()}
}

// stream is one watch.
type stream struct {
	resource  schema.GroupVersionResource
	namespace string
	selector  labels.Selector
	metadata  bool
	events    chan watch.Event
	once      sync.Once
}

func (s *stream) ResultChan() <-chan watch.Event { return s.events }
func (s *stream) Stop()                          { s.once.Do(func() { close(s.events) }) }

func (c *cluster) watch(metadata bool) clienttesting.WatchReactionFunc {
	return func(a clienttesting.Action) (bool, watch.Interface, error) {
		selector := a.(clienttesting.WatchAction).GetWatchRestrictions().Labels
		s := &stream{
			resource: a.GetResource(), namespace: a.GetNamespace(), selector: selector,
			metadata: metadata, events: make(chan watch.Event, 1000)}
		c.mu.Lock()
		defer c.mu.Unlock()
		c.streams = append(c.streams, s)
		return true, s, nil
	}
}

// tell sends an event to the watches. As an API server does, it reports an
// object that a selector no longer matches as deleted; an informer ignores
// such news of an object it never had, and takes any other for what it is.
func (c *cluster) tell(kind watch.EventType, o object) {
	r, _ := c.home(o)
	for _, s := range c.of(r) {
		c.tellOne(s, kind, o)
	}
}

func (c *cluster) tellOne(s *stream, kind watch.EventType, o object) {
	if s.namespace != "" && s.namespace != o.GetNamespace() {
		return
	}
	e := watch.Event{Type: kind, Object: o.DeepCopyObject()}
	if s.metadata {
		if secret, ok := o.(*corev1.Secret); ok {
			e.Object = metadataOf(secret)
		}
	}
	if !s.selector.Matches(labels.Set(o.GetLabels())) {
		e.Type = watch.Deleted
	}
	s.events <- e
	synctest.Wait()
}

func (c *cluster) of(r schema.GroupVersionResource) []*stream {
	c.mu.Lock()
	defer c.mu.Unlock()
	var found []*stream
	for _, s := range c.streams {
		if s.resource == r {
			found = append(found, s)
		}
	}
	return found
}

// interrupt ends the watches of a resource as an API server does that no
// longer knows what happened since: the informers have to list anew.
func (c *cluster) interrupt(r schema.GroupVersionResource) {
	gone := apierrors.NewResourceExpired("too old resource version").ErrStatus
	for _, s := range c.of(r) {
		s.events <- watch.Event{Type: watch.Error, Object: &gone}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.streams = nil
}

// options are those of a Set over this cluster.
func (c *cluster) options() Options {
	return Options{Core: c.core, CertManager: c.cm, Metadata: c.metadata, ClusterNamespace: "kube-system"}
}

// watched starts a Set in a synctest bubble. When it returns, the caches hold
// what is in the cluster and the recorder is empty.
func (c *cluster) watched(change ...func(*Options)) (*Set, *queuetest.Recorder) {
	c.t.Helper()
	o := c.options()
	for _, f := range change {
		f(&o)
	}
	set, woken := New(o), &queuetest.Recorder{}
	set.Wake(woken)
	c.run(set)
	if !set.Synced() {
		c.t.Fatalf("not synced; missing: %v", set.Missing())
	}
	woken.Take()
	return set, woken
}

// run runs the Set until the test ends.
func (c *cluster) run(set *Set) {
	ctx, cancel := context.WithCancel(c.t.Context())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		set.Run(ctx)
	}()
	c.t.Cleanup(func() {
		cancel()
		<-stopped
	})
	synctest.Wait()
}
