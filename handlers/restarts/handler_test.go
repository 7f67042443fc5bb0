package restarts

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// world is a namespace with workloads, as the handler sees it.
type world struct {
	t       *testing.T
	client  *fake.Clientset
	clock   *clocktesting.FakePassiveClock
	handler *Handler
	secrets map[string]*corev1.Secret
	stale   bool // the cache shows what it showed
	shown   map[string][]runtime.Object

	writes, events []string
}

func newWorld(t *testing.T) *world {
	w := &world{t: t, client: fake.NewSimpleClientset(), clock: clocktesting.NewFakePassiveClock(now), secrets: map[string]*corev1.Secret{}, shown: map[string][]runtime.Object{}}
	w.client.PrependReactor("patch", "*", func(a clienttesting.Action) (bool, runtime.Object, error) {
		p := a.(clienttesting.PatchAction)
		what := "mark "
		if strings.Contains(string(p.GetPatch()), `"template"`) {
			what = "restart "
		}
		w.writes = append(w.writes, what+p.GetName())
		_, o, err := clienttesting.ObjectReaction(w.client.Tracker())(a)
		if d, ok := o.(*appsv1.Deployment); ok && what == "restart " { // as an API server does
			d.Generation++
			w.must(w.client.Tracker().Update(a.GetResource(), d, "shop"))
		}
		return true, o, err
	})
	w.restart()
	return w
}

func (w *world) restart() {
	w.handler = &Handler{Cache: w, Client: w.client.AppsV1(), Events: w, Clock: w.clock}
}

func (w *world) secret(name, certificate string) {
	w.secrets[name] = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: map[string]string{"cert-manager.io/certificate-name": name}},
		Data:       map[string][]byte{"tls.crt": []byte(certificate)}}
}

func meta(name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Namespace: "shop", Name: name, UID: types.UID("uid-of-" + name), Generation: 1,
		Annotations: map[string]string{"certwright.dev/restart-on-renewal": "true"}}
}

func template(secrets ...string) corev1.PodTemplateSpec {
	var t corev1.PodTemplateSpec
	for _, s := range secrets {
		t.Spec.Volumes = append(t.Spec.Volumes, corev1.Volume{Name: s, VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: s}}})
	}
	return t
}

func (w *world) deployment(name string, secrets ...string) {
	d := &appsv1.Deployment{ObjectMeta: meta(name), Spec: appsv1.DeploymentSpec{Template: template(secrets...)}}
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 1, UpdatedReplicas: 1, AvailableReplicas: 1}
	w.must(w.client.Tracker().Add(d))
}

func (w *world) must(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

// roll is what the Deployment's controller does: it sees the change, and has
// so many pods of the new kind available.
func (w *world) roll(name string, available int32) {
	w.t.Helper()
	d, err := w.client.AppsV1().Deployments("shop").Get(w.t.Context(), name, metav1.GetOptions{})
	w.must(err)
	d.Status = appsv1.DeploymentStatus{ObservedGeneration: d.Generation, Replicas: 1, UpdatedReplicas: available, AvailableReplicas: available}
	w.must(w.client.Tracker().Update(appsv1.SchemeGroupVersion.WithResource("deployments"), d, "shop"))
}

// handle serves the namespace, three times so that what is done twice shows.
func (w *world) handle(want []string, events ...string) queue.Result {
	w.t.Helper()
	var last queue.Result
	for range 3 {
		result, err := w.handler.Handle(w.t.Context(), queue.RestartsIn("shop"))
		w.must(err)
		last = result
	}
	if diff := cmp.Diff(want, w.writes, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("writes (-want +got):\n%s", diff)
	}
	got := slices.Clone(w.events)
	for i := range got {
		if i < len(events) && strings.HasPrefix(got[i], events[i]) {
			got[i] = events[i]
		}
	}
	if diff := cmp.Diff(events, got, cmpopts.EquateEmpty()); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
	w.writes, w.events = nil, nil
	return last
}

func (w *world) Event(o runtime.Object, kind, reason, text string) {
	w.events = append(w.events, fmt.Sprintf("%s %s %s: %s", o.(*corev1.ObjectReference).Name, kind, reason, text))
}
func (w *world) Eventf(o runtime.Object, kind, reason, format string, args ...any) {
	w.Event(o, kind, reason, fmt.Sprintf(format, args...))
}
func (w *world) AnnotatedEventf(o runtime.Object, _ map[string]string, kind, reason, format string, args ...any) {
	w.Eventf(o, kind, reason, format, args...)
}

func (w *world) RestartsSynced() bool                    { return true }
func (w *world) OwnSecret(_, name string) *corev1.Secret { return w.secrets[name] }

func (w *world) RestartedDeployments(string) (all []*appsv1.Deployment) {
	list, err := w.client.Tracker().List(appsv1.SchemeGroupVersion.WithResource("deployments"), appsv1.SchemeGroupVersion.WithKind("Deployment"), "shop")
	w.must(err)
	for _, d := range list.(*appsv1.DeploymentList).Items {
		all = append(all, d.DeepCopy())
	}
	slices.Reverse(all) // a cache has no order
	if w.stale {
		all = nil
		for _, o := range w.shown["deployments"] {
			all = append(all, o.(*appsv1.Deployment))
		}
		return all
	}
	w.shown["deployments"] = nil
	for _, d := range all {
		w.shown["deployments"] = append(w.shown["deployments"], d)
	}
	return all
}
func (w *world) RestartedStatefulSets(string) []*appsv1.StatefulSet { return nil }
func (w *world) RestartedDaemonSets(string) []*appsv1.DaemonSet     { return nil }

func restartedFor(name, secret string) string {
	return name + " Normal RestartedForCertificate: Restarted, because the certificate in Secret " + secret + " was renewed"
}

// The first certificate restarts nothing, each one after it everything once,
// one after the other.
func TestOneAfterTheOther(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployment("api", "tls")
	w.deployment("web", "tls", "other")
	w.deployment("idle", "nothing")
	w.handle(nil)
	w.secret("tls", "first")
	w.handle([]string{"mark api", "mark web"})
	w.secret("tls", "second")
	w.handle([]string{"restart api"}, restartedFor("api", "tls"))
	w.roll("api", 0)
	if r := w.handle(nil); r.After <= 0 || r.After > patience {
		t.Errorf("comes back after %s", r.After)
	}
	w.restart() // a new process waits as well
	w.handle(nil)
	w.roll("api", 1)
	w.handle([]string{"restart web"}, restartedFor("web", "tls"))
	w.roll("web", 1)
	w.handle(nil)
	d, err := w.client.AppsV1().Deployments("shop").Get(t.Context(), "web", metav1.GetOptions{})
	w.must(err)
	if d.Spec.Template.Annotations["certwright.dev/certificates"] == "" || !strings.Contains(d.Annotations["certwright.dev/seen-certificates"], `"tls":`) {
		t.Errorf("annotations %v, of the pods %v", d.Annotations, d.Spec.Template.Annotations)
	}
	w.secret("other", "late") // the first of another Secret
	w.handle([]string{"mark web"})
	w.secrets = map[string]*corev1.Secret{}
	w.handle(nil) // a Secret that is gone is no new certificate
	w.secret("tls", "second")
	w.secret("other", "late")
	w.handle(nil)
}

// A workload is not restarted twice because the cache is late, nor is the next.
func TestALateCache(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployment("api", "tls")
	w.deployment("web", "tls")
	w.secret("tls", "first")
	w.handle([]string{"mark api", "mark web"})
	w.client.PrependReactor("patch", "deployments", func(a clienttesting.Action) (bool, runtime.Object, error) {
		w.stale = true
		d := &appsv1.Deployment{ObjectMeta: meta(a.(clienttesting.PatchAction).GetName())}
		d.Generation = 2
		w.writes = append(w.writes, "restart "+d.Name)
		return true, d, nil
	})
	w.secret("tls", "second")
	w.handle([]string{"restart api"}, restartedFor("api", "tls"))
}

// A rollout that does not end holds up the others for a time only.
func TestPatience(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, name := range []string{"a", "b", "c"} {
		w.deployment(name, "tls")
	}
	w.secret("tls", "first")
	w.handle([]string{"mark a", "mark b", "mark c"})
	w.secret("tls", "second")
	w.handle([]string{"restart a"}, restartedFor("a", "tls"))
	w.roll("a", 0)
	w.handle(nil)
	w.clock.SetTime(now.Add(patience))
	w.handle([]string{"restart b"}, "a Warning RolloutNotFinished: the restart for a renewed certificate has not finished within 10m0s", restartedFor("b", "tls"))
	w.roll("b", 0)
	w.handle(nil)
	w.clock.SetTime(now.Add(2 * patience))
	w.handle([]string{"restart c"}, "b Warning RolloutNotFinished", restartedFor("c", "tls"))
}

// Secrets of others are none of our business.
func TestForeignSecrets(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.deployment("api", "tls")
	w.secret("tls", "first")
	w.secrets["tls"].Annotations = nil
	w.handle(nil)
}

// Somebody else's text in the mark begins it anew.
func TestASpoiltMark(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	d := &appsv1.Deployment{ObjectMeta: meta("api"), Spec: appsv1.DeploymentSpec{Template: template("tls")}}
	d.Annotations[markAnnotation] = "[1"
	w.must(w.client.Tracker().Add(d))
	w.secret("tls", "first")
	w.handle([]string{"mark api"})
}
