package handlertest_test

import (
	"errors"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
)

func requests(w *handlertest.World) cmclient.CertificateRequestInterface {
	return w.CertManager.CertmanagerV1().CertificateRequests(handlertest.Namespace)
}

func secrets(w *handlertest.World) corev1client.SecretInterface {
	return w.Core.CoreV1().Secrets(handlertest.Namespace)
}

func newRequest() *cmapi.CertificateRequest {
	cr := &cmapi.CertificateRequest{ObjectMeta: metav1.ObjectMeta{Name: "r", Namespace: handlertest.Namespace}}
	cr.Spec.IssuerRef.Name = "ca"
	return cr
}

// What the tests of the handlers rely on is what an API server does.
func TestWhatAServerAdds(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t)
	cr := newRequest()
	cr.Status.Certificate = []byte("x")
	got, err := requests(w).Create(t.Context(), cr, metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.UID == "" || got.ResourceVersion == "" || got.Generation != 1 {
		t.Errorf("created: got UID %q, resourceVersion %q, generation %d", got.UID, got.ResourceVersion, got.Generation)
	}
	if !got.CreationTimestamp.Time.Equal(handlertest.Now.Truncate(time.Second)) {
		t.Errorf("created: got %s, want Now in whole seconds", got.CreationTimestamp)
	}
	if len(got.Status.Certificate) > 0 {
		t.Error("a create stored a status")
	}
	if _, err := requests(w).Create(t.Context(), cr, metav1.CreateOptions{}); !apierrors.IsAlreadyExists(err) {
		t.Errorf("created twice: got %v", err)
	}
}

func TestUpdatesOfTheStatus(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t)
	first, err := requests(w).Create(t.Context(), newRequest(), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	edited := first.DeepCopy()
	edited.Spec.IssuerRef.Name, edited.Status.FailureTime = "other", &metav1.Time{Time: handlertest.Now}
	got, err := requests(w).UpdateStatus(t.Context(), edited, metav1.UpdateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if got.Spec.IssuerRef.Name != "ca" || !got.Status.FailureTime.Time.Equal(handlertest.Now.Truncate(time.Second)) || got.Generation != 1 {
		t.Errorf("got issuer %q, failureTime %s, generation %d: the status alone counts, in whole seconds",
			got.Spec.IssuerRef.Name, got.Status.FailureTime, got.Generation)
	}
	if _, err := requests(w).UpdateStatus(t.Context(), edited, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
		t.Errorf("an update of what has changed since: got %v, want a conflict", err)
	}
	again, err := requests(w).UpdateStatus(t.Context(), got, metav1.UpdateOptions{})
	if err != nil || again.ResourceVersion != got.ResourceVersion {
		t.Errorf("an update of nothing: got resourceVersion %s after %s, %v", again.ResourceVersion, got.ResourceVersion, err)
	}
	handlertest.Edit(w, "r", func(cr *cmapi.CertificateRequest) { cr.Spec.IsCA = true })
	if got := w.Request("r"); got.Generation != 2 || got.Status.FailureTime == nil {
		t.Errorf("an edit of the spec: got generation %d, status %+v", got.Generation, got.Status)
	}
	w.Wrote("create certificaterequests r", "update certificaterequests/status r",
		"update certificaterequests/status r: Conflict", "update certificaterequests/status r")
}

func TestPreconditionsOfADeletion(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t)
	cr, err := requests(w).Create(t.Context(), newRequest(), metav1.CreateOptions{})
	if err != nil {
		t.Fatal(err)
	}
	only := func(uid types.UID) metav1.DeleteOptions {
		return metav1.DeleteOptions{Preconditions: &metav1.Preconditions{UID: &uid}}
	}
	if err := requests(w).Delete(t.Context(), "r", only("another")); !apierrors.IsConflict(err) {
		t.Errorf("of another UID: got %v, want a conflict", err)
	}
	if err := requests(w).Delete(t.Context(), "r", only(cr.UID)); err != nil {
		t.Error(err)
	}
	if err := requests(w).Delete(t.Context(), "r", only(cr.UID)); !apierrors.IsNotFound(err) {
		t.Errorf("of what is gone: got %v, want NotFound", err)
	}
}

// An apply takes away what it no longer says, and tells of nothing new when it
// says the same again.
func TestApplies(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t)
	apply := func(labels map[string]string) *corev1.Secret {
		c := corev1ac.Secret("s", handlertest.Namespace).WithType("Opaque").WithLabels(labels)
		s, err := secrets(w).Apply(t.Context(), c, metav1.ApplyOptions{FieldManager: "m", Force: true})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	first := apply(map[string]string{"a": "1", "b": "2"})
	if again := apply(map[string]string{"a": "1", "b": "2"}); first.UID == "" || again.ResourceVersion != first.ResourceVersion {
		t.Errorf("the same again: got resourceVersion %s after %s", again.ResourceVersion, first.ResourceVersion)
	}
	handlertest.Edit(w, "s", func(s *corev1.Secret) { s.Labels["c"] = "3" })
	if diff := cmp.Diff(map[string]string{"a": "1", "c": "3"}, apply(map[string]string{"a": "1"}).Labels); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	c := corev1ac.Secret("s", handlertest.Namespace).WithType("kubernetes.io/tls")
	if _, err := secrets(w).Apply(t.Context(), c, metav1.ApplyOptions{FieldManager: "m", Force: true}); err == nil {
		t.Error("the type of a Secret was changed")
	}
}

// The cache shows what it was last told, and reads a Secret that is not ours
// once for each state of it.
func TestTheCache(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t, handlertest.PairSecret(t, "theirs", handlertest.NewAuthority(t, "CA")))
	if _, err := secrets(w).Create(t.Context(), &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Name: "late"}}, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	read := func(name string) error {
		_, err := w.Cache.Secret(t.Context(), handlertest.Namespace, name)
		return err
	}
	if err := read("late"); !apierrors.IsNotFound(err) {
		t.Errorf("before a refresh: got %v, want NotFound", err)
	}
	if _, err := w.Cache.LiveSecret(t.Context(), handlertest.Namespace, "late"); err != nil {
		t.Error(err)
	}
	w.Refresh()
	w.Forget()
	for range 3 {
		if err := errors.Join(read("late"), read("theirs")); err != nil {
			t.Error(err)
		}
	}
	if diff := cmp.Diff([]string{"get secrets late", "get secrets theirs"}, w.Reads); diff != "" {
		t.Errorf("reads (-want +got):\n%s", diff)
	}
	handlertest.Edit(w, "late", func(s *corev1.Secret) { s.Labels = map[string]string{"a": "b"} })
	if err := read("late"); err != nil || len(w.Reads) != 3 {
		t.Errorf("after an edit: got %d reads, %v, want one more", len(w.Reads), err)
	}
}

// A handler that changes what the cache shows fails its test.
func TestAChangedCacheFails(t *testing.T) {
	t.Parallel()
	watched := &watched{TB: t}
	w := handlertest.New(watched, handlertest.Web())
	w.Cache.Certificate(handlertest.Namespace, "web").Spec.SecretName = "changed"
	watched.end()
	if !watched.failed {
		t.Error("nobody noticed")
	}
}

// watched is a test that may fail.
type watched struct {
	testing.TB
	failed bool
	last   []func()
}

func (w *watched) Errorf(string, ...any) { w.failed = true }
func (w *watched) Cleanup(f func())      { w.last = append(w.last, f) }

func (w *watched) end() {
	for _, f := range w.last {
		f()
	}
}

// Faults: a write that is lost, one whose answer is, and the end of a process.
func TestFaults(t *testing.T) {
	t.Parallel()
	w := handlertest.New(t)
	w.Fail(1, handlertest.Lost)
	if _, err := requests(w).Create(t.Context(), newRequest(), metav1.CreateOptions{}); !errors.Is(err, handlertest.ErrOutOfReach) || len(w.Requests()) > 0 {
		t.Errorf("lost: got %v, requests %v", err, w.Requests())
	}
	w.Fail(1, handlertest.Unheard)
	if _, err := requests(w).Create(t.Context(), newRequest(), metav1.CreateOptions{}); !errors.Is(err, handlertest.ErrOutOfReach) || len(w.Requests()) != 1 {
		t.Errorf("unheard: got %v, requests %v", err, w.Requests())
	}
	f := handlertest.AtRest(t)
	w = handlertest.New(t, f.Issuer, f.CASecret, handlertest.Web())
	w.KillAfter(2)
	if died := w.Start(handlertest.Defaults()).Settle(); !died || len(w.Writes) != 2 {
		t.Errorf("killed after two writes: got %t, %q", died, w.Writes)
	}
	if died := w.Start(handlertest.Defaults()).Settle(); died || w.Secret("web-tls") == nil {
		t.Error("the next process did not finish")
	}
}
