package daemon

import (
	"crypto/tls"
	"encoding/json"
	"strconv"
	"strings"

	"github.com/certwright/certwright/internal/apply"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// What must be true of every world, whatever happens in it.

// onChange has f look at each change from now on too, under the server's lock.
func (w *world) onChange(f func(by string, k kind, before, after *object)) {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	others := w.api.onCommit
	w.api.onCommit = func(by string, k kind, before, after *object) {
		others(by, k, before, after)
		f(by, k, before, after)
	}
}

// commit is a change, and whose it was.
type commit struct {
	by   string
	kind kind
}

// guard looks at each change that a daemon makes: no target Secret is ever
// half written, and no private key gets into anything but a Secret.
func (w *world) guard(by string, k kind, _, after *object) {
	w.commits = append(w.commits, commit{by, k})
	if after == nil || !strings.HasPrefix(by, "daemon") {
		return
	}
	if k.plural != "secrets" {
		if holdsKey(after.raw) {
			w.Errorf("%s put a private key into %s %s", by, k.plural, after.GetName())
		}
		return
	}
	s := asSecret(after.Unstructured)
	if s.Labels[cmapi.IsNextPrivateKeySecretLabelKey] == "true" || s.Labels["app.kubernetes.io/managed-by"] == "cert-manager" {
		return // a key without a certificate is what it is for; the other label is that of ACME accounts
	}
	if s.Name == "ca-server-cert" { // a webhook CA, which has keys of its own
		return
	}
	if _, err := tls.X509KeyPair(s.Data[corev1.TLSCertKey], s.Data[corev1.TLSPrivateKeyKey]); err != nil {
		w.Errorf("%s wrote half a Secret, %s: %v", by, s.Name, err)
	}
}

// holdsKey finds "PRIVATE KEY-----", in the clear and in base64 at each of the
// three places that it can have in a group.
func holdsKey(raw []byte) bool {
	for _, mark := range []string{"PRIVATE KEY-----", "UFJJVkFURSBLRVkt", "BSSVZBVEUgS0VZLS", "QUklWQVRFIEtFWS0t"} {
		if strings.Contains(string(raw), mark) {
			return true
		}
	}
	return false
}

// stored gives all objects of a resource.
func (w *world) stored(plural string) []*object {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	return w.api.list(target{kind: kinds[plural]}, labels.Everything())
}

// expectTidy checks that nothing is left over from issuing: each Certificate
// has the request of its revision and no other, and there is no Secret with a
// next private key.
func (w *world) expectTidy() {
	w.Helper()
	for _, o := range w.strays() {
		w.Errorf("left over: %s %s", o.GetKind(), o.GetName())
	}
}

// strays are what should not be there at rest.
func (w *world) strays() []*object {
	revisions := map[string]int64{}
	for _, o := range w.stored("certificates") {
		revisions[string(o.GetUID())], _, _ = unstructured.NestedInt64(o.Object, "status", "revision")
	}
	var found []*object
	for _, o := range w.stored("certificaterequests") {
		owner := metav1.GetControllerOf(o)
		if owner != nil && revisionOf(o) != revisions[string(owner.UID)] {
			found = append(found, o)
		}
	}
	for _, o := range w.stored("secrets") {
		if o.GetLabels()[cmapi.IsNextPrivateKeySecretLabelKey] == "true" {
			found = append(found, o)
		}
	}
	return found
}

func revisionOf(o *object) int64 {
	n, err := strconv.ParseInt(o.GetAnnotations()[cmapi.CertificateRequestRevisionAnnotationKey], 10, 64)
	if err != nil {
		return -1
	}
	return n
}

// checkCaches compares, at rest, what is in a daemon's caches with what is
// stored: a handler that changes a cached object is found out.
func (w *world) checkCaches(r *replica) {
	w.Helper()
	set := r.daemon.set
	for _, crt := range set.Certificates() {
		compareCached(w, crt, &cmapi.Certificate{}, "certificates")
	}
	for _, i := range set.Issuers() {
		compareCached(w, i, &cmapi.Issuer{}, "issuers")
	}
	for _, i := range set.ClusterIssuers() {
		compareCached(w, i, &cmapi.ClusterIssuer{}, "clusterissuers")
	}
	for _, o := range w.stored("certificaterequests") {
		if cr := set.Request(o.GetNamespace(), o.GetName()); cr != nil {
			compareCached(w, cr, &cmapi.CertificateRequest{}, "certificaterequests")
		}
	}
	for _, o := range w.stored("secrets") {
		if s, err := set.Secret(w.ctx, o.GetNamespace(), o.GetName()); err == nil {
			compareCached(w, s, &corev1.Secret{}, "secrets")
		}
	}
}

func compareCached[T metav1.Object](w *world, cached, stored T, plural string) {
	w.Helper()
	w.api.mu.Lock()
	o, err := w.api.get(target{kind: kinds[plural], namespace: cached.GetNamespace(), name: cached.GetName()})
	w.api.mu.Unlock()
	if err != nil {
		w.Errorf("%s %s is cached, and not there any more", plural, cached.GetName())
		return
	}
	if err := json.Unmarshal(o.raw, stored); err != nil {
		w.Fatalf("%v", err)
	}
	if diff := cmp.Diff(plain(stored), plain(cached)); diff != "" {
		w.Errorf("%s %s: somebody changed the cached object (-stored +cached):\n%s", plural, cached.GetName(), diff)
	}
}

// plain is an object without what caches and clients leave out.
func plain(o metav1.Object) map[string]any {
	var fields map[string]any
	if err := json.Unmarshal(encode(o), &fields); err != nil {
		panic(err)
	}
	delete(fields, "apiVersion")
	delete(fields, "kind")
	meta := fields["metadata"].(map[string]any)
	var ours []metav1.ManagedFieldsEntry
	for _, e := range o.GetManagedFields() {
		if apply.Ours(e) {
			ours = append(ours, e)
		}
	}
	delete(meta, "managedFields")
	if len(ours) > 0 {
		meta["managedFields"] = string(encode(ours))
	}
	return fields
}
