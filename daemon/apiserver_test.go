package daemon

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"sync"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

// apiServer is an API server in memory, for a synctest bubble. The daemon's
// real clients talk to it through a http.RoundTripper (actor_test.go), so that
// nothing of theirs is replaced; and unlike fake clientsets it has the
// properties that a daemon relies on or suffers from:
//
//   - metadata: UID, one line of resourceVersions, generation, creationTimestamp
//   - a status subresource that takes the status only, a main resource that
//     takes all but it; writes that change nothing make no new version
//   - optimistic locking, preconditions of deletions, garbage collection
//   - server-side apply of Secrets, with managed fields (apiapply_test.go)
//   - watches that heed selectors, go on from a version, stream lists, and may
//     lag or break (apiwatch_test.go)
type apiServer struct {
	mu       sync.Mutex
	version  int64
	uids     int
	objects  map[string]map[string]*object // by resource, then namespace/name
	history  []change                      // what watches go on from
	watchers map[*watcher]bool
	missing  map[string]bool // resources that are not served
	skew     time.Duration   // of this server's clock

	// onCommit is called for each change, under the lock.
	onCommit func(by string, k kind, before, after *object)
}

// kind is a resource that the server knows.
type kind struct {
	schema.GroupVersionKind
	plural     string
	namespaced bool
	status     bool // it has a status subresource, and a generation
	watched    bool // changes are kept for watches
}

// kinds are the resources, by plural.
var kinds = byPlural(
	builtIn("", "Secret", "secrets").inNamespaces(),
	builtIn("", "Event", "events").inNamespaces().unwatched(),
	builtIn("coordination.k8s.io", "Lease", "leases").inNamespaces().unwatched(),
	builtIn("", "Service", "services").inNamespaces(),
	builtIn("", "Pod", "pods").inNamespaces(),
	builtIn("discovery.k8s.io", "EndpointSlice", "endpointslices").inNamespaces(),
	builtIn("certificates.k8s.io", "CertificateSigningRequest", "certificatesigningrequests").withStatus(),
	builtIn("admissionregistration.k8s.io", "MutatingWebhookConfiguration", "mutatingwebhookconfigurations"),
	builtIn("admissionregistration.k8s.io", "ValidatingWebhookConfiguration", "validatingwebhookconfigurations"),
	builtIn("apiregistration.k8s.io", "APIService", "apiservices"),
	builtIn("apiextensions.k8s.io", "CustomResourceDefinition", "customresourcedefinitions"),
	builtIn("networking.k8s.io", "Ingress", "ingresses").inNamespaces(),
	builtIn("acme.cert-manager.io", "Order", "orders").inNamespaces().withStatus(),
	builtIn("acme.cert-manager.io", "Challenge", "challenges").inNamespaces().withStatus(),
	builtIn("gateway.networking.k8s.io", "Gateway", "gateways").inNamespaces(),
	builtIn("gateway.networking.k8s.io", "ListenerSet", "listenersets").inNamespaces(),
	builtIn("gateway.networking.k8s.io", "HTTPRoute", "httproutes").inNamespaces(),
	builtIn("apps", "Deployment", "deployments").inNamespaces().withStatus(),
	builtIn("apps", "StatefulSet", "statefulsets").inNamespaces().withStatus(),
	builtIn("apps", "DaemonSet", "daemonsets").inNamespaces().withStatus(),
	builtIn("cert-manager.io", "Certificate", "certificates").inNamespaces().withStatus(),
	builtIn("cert-manager.io", "CertificateRequest", "certificaterequests").inNamespaces().withStatus(),
	builtIn("cert-manager.io", "Issuer", "issuers").inNamespaces().withStatus(),
	builtIn("cert-manager.io", "ClusterIssuer", "clusterissuers").withStatus(),
)

func byPlural(all ...kind) map[string]kind {
	kinds := map[string]kind{}
	for _, k := range all {
		kinds[k.plural] = k
	}
	return kinds
}

// builtIn is a kind of a version 1, as all of them are.
func builtIn(group, name, plural string) kind {
	return kind{GroupVersionKind: schema.GroupVersionKind{Group: group, Version: "v1", Kind: name}, plural: plural, watched: true}
}

func (k kind) inNamespaces() kind { k.namespaced = true; return k }
func (k kind) withStatus() kind   { k.status = true; return k }
func (k kind) unwatched() kind    { k.watched = false; return k }

func (k kind) group() schema.GroupResource {
	return schema.GroupResource{Group: k.Group, Resource: k.plural}
}

// object is one stored state of an object; it is never changed.
type object struct {
	unstructured.Unstructured
	raw     []byte
	version int64
}

// change is one step in the life of an object.
type change struct {
	kind          kind
	version       int64
	before, after *object // nil: none
}

func newAPIServer() *apiServer {
	return &apiServer{
		objects: map[string]map[string]*object{}, watchers: map[*watcher]bool{}, missing: map[string]bool{},
	}
}

// target is what a request is about.
type target struct {
	kind                         kind
	namespace, name, subresource string
}

func (t target) key() string { return t.namespace + "/" + t.name }

func (t target) group() schema.GroupResource { return t.kind.group() }

func (a *apiServer) get(t target) (*object, error) {
	if o, ok := a.objects[t.kind.plural][t.key()]; ok {
		return o, nil
	}
	return nil, apierrors.NewNotFound(t.group(), t.name)
}

// list gives the objects of a namespace ("" is all) that a selector matches, by name.
func (a *apiServer) list(t target, selector labels.Selector) []*object {
	all := a.objects[t.kind.plural]
	var found []*object
	for _, key := range slices.Sorted(maps.Keys(all)) {
		if o := all[key]; within(t.namespace, o) && selector.Matches(labels.Set(o.GetLabels())) {
			found = append(found, o)
		}
	}
	return found
}

func within(namespace string, o *object) bool {
	return namespace == "" || namespace == o.GetNamespace()
}

func (a *apiServer) create(by string, t target, body map[string]any, manager string) (*object, error) {
	next := unstructured.Unstructured{Object: body}
	t.name = next.GetName()
	if t.name == "" {
		return nil, apierrors.NewBadRequest("metadata.name is empty")
	}
	if o, err := a.get(t); err == nil {
		return nil, apierrors.NewAlreadyExists(t.group(), o.GetName())
	}
	next.SetGroupVersionKind(t.kind.GroupVersionKind)
	next.SetNamespace(t.namespace)
	a.uids++
	next.SetUID(uidOf(a.uids))
	next.SetCreationTimestamp(metav1.NewTime(a.now()))
	if t.kind.status {
		next.SetGeneration(1)
		delete(next.Object, "status")
	}
	next, err := a.managed(t.kind, nil, next, manager)
	if err != nil {
		return nil, err
	}
	return a.commit(by, t, nil, next), nil
}

func (a *apiServer) update(by string, t target, body map[string]any, manager string) (*object, error) {
	before, err := a.get(t)
	if err != nil {
		return nil, err
	}
	sent := unstructured.Unstructured{Object: body}
	if v := sent.GetResourceVersion(); v != "" && v != before.GetResourceVersion() {
		return nil, apierrors.NewConflict(t.group(), t.name, fmt.Errorf("the object has been modified"))
	}
	if uid := sent.GetUID(); uid != "" && uid != before.GetUID() {
		return nil, apierrors.NewConflict(t.group(), t.name, fmt.Errorf("the UID is that of another object"))
	}
	next := merged(t, before, sent)
	if next, err = a.managed(t.kind, before, next, manager); err != nil {
		return nil, err
	}
	return a.commit(by, t, before, next), nil
}

// merged is what of an update the resource or subresource takes.
func merged(t target, before *object, sent unstructured.Unstructured) unstructured.Unstructured {
	from, into := sent, before.DeepCopy()
	switch {
	case t.subresource == "status":
		set(into, "status", from.Object["status"])
		return *into
	case t.kind.status:
		set(&from, "status", into.Object["status"])
	}
	from.SetUID(before.GetUID())
	from.SetCreationTimestamp(before.GetCreationTimestamp())
	from.SetGeneration(before.GetGeneration())
	from.SetGroupVersionKind(t.kind.GroupVersionKind)
	if t.kind.status && !equality.Semantic.DeepEqual(before.Object["spec"], from.Object["spec"]) {
		from.SetGeneration(before.GetGeneration() + 1)
	}
	return from
}

func set(o *unstructured.Unstructured, field string, value any) {
	if value == nil {
		delete(o.Object, field)
		return
	}
	o.Object[field] = value
}

// merge is a JSON merge patch without deletions: all that Events need.
func (a *apiServer) merge(by string, t target, patch map[string]any) (*object, error) {
	before, err := a.get(t)
	if err != nil {
		return nil, err
	}
	next := before.DeepCopy()
	mergeInto(next.Object, patch)
	if next.GetResourceVersion() != before.GetResourceVersion() { // the patch names another one
		return nil, apierrors.NewConflict(t.group(), t.name, fmt.Errorf("the object has been modified"))
	}
	return a.commit(by, t, before, *next), nil
}

func mergeInto(into, patch map[string]any) {
	for field, value := range patch {
		inner, isMap := value.(map[string]any)
		old, wasMap := into[field].(map[string]any)
		if isMap && wasMap {
			mergeInto(old, inner)
			continue
		}
		into[field] = value
	}
}

func (a *apiServer) remove(by string, t target, uid string) error {
	before, err := a.get(t)
	if err != nil {
		return err
	}
	if uid != "" && uid != string(before.GetUID()) {
		return apierrors.NewConflict(t.group(), t.name, fmt.Errorf("the UID in the precondition is that of another object"))
	}
	if len(before.GetFinalizers()) > 0 {
		a.mark(by, t, before)
		return nil
	}
	a.drop(by, t, before)
	return nil
}

// mark has an object wait for those whose finalizers it has.
func (a *apiServer) mark(by string, t target, before *object) {
	if before.GetDeletionTimestamp() != nil {
		return
	}
	next := before.DeepCopy()
	now := metav1.NewTime(time.Now().Truncate(time.Second))
	next.SetDeletionTimestamp(&now)
	a.commit(by, t, before, *next)
}

func (a *apiServer) drop(by string, t target, before *object) {
	a.version++
	delete(a.objects[t.kind.plural], t.key())
	a.record(by, change{kind: t.kind, version: a.version, before: before})
	a.collectLater()
}

// commit stores a state, unless it is the one before.
func (a *apiServer) commit(by string, t target, before *object, next unstructured.Unstructured) *object {
	if before != nil {
		next.SetResourceVersion(before.GetResourceVersion())
		if equality.Semantic.DeepEqual(before.Object, next.Object) {
			return before
		}
	}
	if before != nil && next.GetDeletionTimestamp() != nil && len(next.GetFinalizers()) == 0 {
		a.drop(by, t, before)
		return before
	}
	a.version++
	next.SetResourceVersion(strconv.FormatInt(a.version, 10))
	after := &object{Unstructured: next, raw: encode(next.Object), version: a.version}
	if a.objects[t.kind.plural] == nil {
		a.objects[t.kind.plural] = map[string]*object{}
	}
	a.objects[t.kind.plural][t.key()] = after
	a.record(by, change{kind: t.kind, version: a.version, before: before, after: after})
	if before == nil && len(after.GetOwnerReferences()) > 0 {
		a.collectLater()
	}
	return after
}

func (a *apiServer) record(by string, c change) {
	if a.onCommit != nil {
		a.onCommit(by, c.kind, c.before, c.after)
	}
	if !c.kind.watched {
		return
	}
	a.history = append(a.history, c)
	for w := range a.watchers {
		w.tell(c)
	}
}

// collectDelay is how far the garbage collector is behind.
const collectDelay = 300 * time.Millisecond

// collectLater removes what has lost its owners, after a while.
func (a *apiServer) collectLater() {
	time.AfterFunc(collectDelay, func() {
		a.mu.Lock()
		defer a.mu.Unlock()
		alive := map[string]bool{}
		for _, all := range a.objects {
			for _, o := range all {
				alive[string(o.GetUID())] = true
			}
		}
		for plural, all := range a.objects {
			for _, o := range slices.Collect(maps.Values(all)) {
				if orphaned(o, alive) {
					t := target{kind: kinds[plural], namespace: o.GetNamespace(), name: o.GetName()}
					_ = a.remove("garbage collector", t, "") // it is there: the lock is ours
				}
			}
		}
	})
}

func orphaned(o *object, alive map[string]bool) bool {
	owners := o.GetOwnerReferences()
	return len(owners) > 0 && !slices.ContainsFunc(owners, func(r metav1.OwnerReference) bool { return alive[string(r.UID)] })
}

// now is this server's clock, in the seconds that the API keeps.
func (a *apiServer) now() time.Time { return time.Now().Add(a.skew).Truncate(time.Second) }

func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// statusOf is the answer that tells of an error.
func statusOf(err error) (int, []byte) {
	status, ok := err.(apierrors.APIStatus)
	if !ok {
		status = apierrors.NewInternalError(err)
	}
	s := status.Status()
	s.TypeMeta = metav1.TypeMeta{APIVersion: "v1", Kind: "Status"}
	if s.Code == 0 {
		s.Code = http.StatusInternalServerError
	}
	return int(s.Code), encode(s)
}
