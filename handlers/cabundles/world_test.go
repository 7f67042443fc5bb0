package cabundles

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	clocktesting "k8s.io/utils/clock/testing"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// world is a cluster with one object, as the handler sees it.
type world struct {
	t       *testing.T
	key     queue.Key
	object  map[string]any // as the API server has it
	seen    *metav1.PartialObjectMetadata
	crts    map[string]*cmapi.Certificate
	secrets map[string]*corev1.Secret
	ownCA   []byte
	set     string
	refuse  error // what the next patch is answered with
	failing error // of reading a Secret
	clock   *clocktesting.FakePassiveClock
	handler *Handler

	reads, writes int
	events        []string
}

func newWorld(t *testing.T, kind queue.Kind, object string, annotations map[string]string) *world {
	t.Helper()
	w := &world{t: t, key: queue.Key{Kind: kind, Name: "web"}, crts: map[string]*cmapi.Certificate{},
		secrets: map[string]*corev1.Secret{}, clock: clocktesting.NewFakePassiveClock(now)}
	if err := json.Unmarshal([]byte(object), &w.object); err != nil {
		t.Fatal(err)
	}
	w.object["metadata"] = map[string]any{"name": "web", "uid": "uid-web", "resourceVersion": "1", "annotations": annotations}
	w.restart()
	w.show()
	return w
}

func (w *world) restart() {
	w.handler = &Handler{Cache: w, Objects: w, APIServerCA: func() ([]byte, error) { return w.ownCA, nil }, Events: w, Clock: w.clock}
}

// show brings the cache up to date.
func (w *world) show() {
	text, _ := json.Marshal(w.object)
	w.seen = &metav1.PartialObjectMetadata{}
	_ = json.Unmarshal(text, w.seen)
}

// change has somebody else change the object.
func (w *world) change(edit func(object map[string]any)) {
	edit(w.object)
	w.bump()
	w.show()
}

func (w *world) bump() {
	meta := w.object["metadata"].(map[string]any)
	n, _ := strconv.Atoi(meta["resourceVersion"].(string))
	meta["resourceVersion"] = strconv.Itoa(n + 1)
}

func (w *world) handle() queue.Result {
	w.t.Helper()
	result, err := w.handler.Handle(context.Background(), w.key)
	if err != nil {
		w.t.Fatal(err)
	}
	w.show()
	return result
}

// expect compares what was done since the last time.
func (w *world) expect(reads, writes int, events ...string) {
	w.t.Helper()
	if w.reads != reads || w.writes != writes {
		w.t.Errorf("%d reads and %d writes, want %d and %d", w.reads, w.writes, reads, writes)
	}
	if diff := cmp.Diff(events, w.events); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
	w.reads, w.writes, w.events = 0, 0, nil
}

// rest handles twice more, the second time in a new process, which must make
// no write.
func (w *world) rest() {
	w.t.Helper()
	w.handle()
	w.expect(0, 0)
	w.restart()
	w.handle()
	if w.writes > 0 {
		w.t.Error("a new process writes again")
	}
	w.reads, w.writes, w.events = 0, 0, nil
}

// bundles are those of the stored object.
func (w *world) bundles() (all []string) {
	w.t.Helper()
	text, _ := json.Marshal(w.object)
	target, err := parse(w.key.Kind, text)
	if err != nil {
		w.t.Fatal(err)
	}
	for _, b := range target.Bundles {
		all = append(all, string(b.PEM))
	}
	return all
}

// certificate makes a Certificate and its Secret with a CA.
func (w *world) certificate(ca []byte) {
	w.crts["shop/web"] = &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "web"}, Spec: cmapi.CertificateSpec{SecretName: "web-tls"}}
	w.secret("web-tls", ca, map[string]string{"cert-manager.io/certificate-name": "web"})
}

func (w *world) secret(name string, ca []byte, annotations map[string]string) {
	w.secrets["shop/"+name] = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, Annotations: annotations},
		Data:       map[string][]byte{"ca.crt": ca},
	}
}

func (w *world) Injectable(queue.Kind, string) *metav1.PartialObjectMetadata { return w.seen }

func (w *world) Certificate(namespace, name string) *cmapi.Certificate {
	return w.crts[namespace+"/"+name]
}

func (w *world) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	if s := w.secrets[namespace+"/"+name]; s != nil || w.failing != nil {
		return s, w.failing
	}
	return nil, apierrors.NewNotFound(corev1.Resource("secrets"), name)
}

func (w *world) SetOfWebhook(kind string, _ metav1.Object) string {
	if want := api.InjectableKind(w.key.Kind.String()).Kind; kind != want {
		w.t.Errorf("asked for a set of kind %q, want %q", kind, want)
	}
	return w.set
}

func (w *world) Get(context.Context, queue.Kind, string) ([]byte, error) {
	w.reads++
	if w.object == nil {
		return nil, apierrors.NewNotFound(schema.GroupResource{}, "web")
	}
	return json.Marshal(w.object)
}

// Patch does what the API server does with a patch of adds and replaces.
func (w *world) Patch(_ context.Context, _ queue.Kind, _ string, patch []byte) ([]byte, error) {
	w.writes++
	if err := w.refuse; err != nil {
		w.refuse = nil
		return nil, err
	}
	var operations []operation
	if err := json.Unmarshal(patch, &operations); err != nil {
		return nil, err
	}
	for _, o := range operations {
		set(w.object, o.Path, o.Value)
	}
	w.bump()
	return json.Marshal(map[string]any{"metadata": w.object["metadata"]})
}

func (w *world) Event(o runtime.Object, kind, reason, message string) {
	ref := o.(*corev1.ObjectReference)
	if ref.Name != "web" || ref.UID != "uid-web" || ref.APIVersion == "" || ref.Kind == "" {
		w.t.Errorf("an event about %+v", ref)
	}
	w.events = append(w.events, kind+" "+reason+": "+message)
}

func (w *world) Eventf(o runtime.Object, kind, reason, format string, args ...any) {
	w.Event(o, kind, reason, fmt.Sprintf(format, args...))
}

func (w *world) AnnotatedEventf(o runtime.Object, _ map[string]string, kind, reason, format string, args ...any) {
	w.Eventf(o, kind, reason, format, args...)
}
