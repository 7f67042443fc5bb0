package migration

import (
	"context"
	"errors"
	"testing"
	"time"

	cmfake "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/fake"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	autoscalingv1 "k8s.io/api/autoscaling/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	dynamicfake "k8s.io/client-go/dynamic/fake"
	"k8s.io/client-go/kubernetes/fake"
	ktesting "k8s.io/client-go/testing"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// The holders of the Lease.
const (
	theirHolder = "pod-1-external-cert-manager-controller"
	ourHolder   = "certwright-7d"
)

// world is a cluster with cert-manager as its chart installs it, and certwright
// installed beside it. Pods come and go at once, and take and free the Lease.
type world struct {
	kube    *fake.Clientset
	certs   *cmfake.Clientset
	dynamic *dynamicfake.FakeDynamicClient

	did      []string // what was written, in order
	cutAfter int      // writes, after which nothing is answered any more; 0: never
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{certs: cmfake.NewSimpleClientset()}
	w.kube = fake.NewClientset(
		deployment("cert-manager", "controller", "quay.io/jetstack/cert-manager-controller:v1.21.2", 2,
			"--v=2", "--cluster-resource-namespace=$(POD_NAMESPACE)", "--leader-election-namespace=kube-system", "--max-concurrent-challenges=60",
			"--dns01-recursive-nameservers=192.0.2.53:53", "--feature-gates=ACMEUseARI=true"),
		deployment("cert-manager-cainjector", "cainjector", "quay.io/jetstack/cert-manager-cainjector:v1.21.2", 1),
		deployment("cert-manager-webhook", "webhook", "registry.example.com:5000/mirror/cert-manager-webhook@sha256:00", 3),
		deployment("certwright", "daemon", "certwright/certwright:v1.0.0", 0),
		hooks("cert-manager-webhook", "cert-manager-webhook"), hooks("somebody-elses", "other"), mutating("cert-manager-webhook"),
		lease(theirHolder),
	)
	w.kube.PrependReactor("update", "deployments", w.scale(t))
	w.kube.PrependReactor("*", "*", w.note)
	var definitions []runtime.Object
	for _, name := range Definitions {
		definitions = append(definitions, crd(name))
	}
	w.dynamic = dynamicfake.NewSimpleDynamicClientWithCustomListKinds(runtime.NewScheme(),
		map[schema.GroupVersionResource]string{definitionsOf: "CustomResourceDefinitionList"}, definitions...)
	return w
}

func deployment(name, component, image string, replicas int32, args ...string) *appsv1.Deployment {
	labels := map[string]string{"app.kubernetes.io/component": component}
	return &appsv1.Deployment{
		ObjectMeta: metav1.ObjectMeta{Namespace: "cert-manager", Name: name, Labels: labels, Generation: 1},
		Spec: appsv1.DeploymentSpec{Replicas: &replicas, Template: corev1.PodTemplateSpec{Spec: corev1.PodSpec{Containers: []corev1.Container{{
			Image: image, Args: args,
			Env: []corev1.EnvVar{{Name: "POD_NAMESPACE", ValueFrom: &corev1.EnvVarSource{FieldRef: &corev1.ObjectFieldSelector{FieldPath: "metadata.namespace"}}}},
		}}}}},
		Status: appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: replicas, ReadyReplicas: replicas},
	}
}

func hooks(name, service string) *admissionv1.ValidatingWebhookConfiguration {
	fail := admissionv1.Fail
	return &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid", ResourceVersion: "7", Annotations: map[string]string{"cert-manager.io/inject-ca-from-secret": "cert-manager/cert-manager-webhook-ca"}},
		Webhooks: []admissionv1.ValidatingWebhook{{Name: service + ".example.com", FailurePolicy: &fail,
			ClientConfig: admissionv1.WebhookClientConfig{CABundle: []byte("bundle"), Service: &admissionv1.ServiceReference{Namespace: "cert-manager", Name: service}}}},
	}
}

func mutating(name string) *admissionv1.MutatingWebhookConfiguration {
	return &admissionv1.MutatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: name},
		Webhooks: []admissionv1.MutatingWebhook{{Name: "webhook.cert-manager.io",
			ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: "cert-manager", Name: "cert-manager-webhook"}}}},
	}
}

func lease(holder string) *coordinationv1.Lease {
	seconds, renewed := int32(60), metav1.NewMicroTime(now.Add(-7*time.Second))
	return &coordinationv1.Lease{
		ObjectMeta: metav1.ObjectMeta{Namespace: "kube-system", Name: "cert-manager-controller"},
		Spec:       coordinationv1.LeaseSpec{HolderIdentity: &holder, LeaseDurationSeconds: &seconds, RenewTime: &renewed},
	}
}

func crd(name string) *unstructured.Unstructured {
	return &unstructured.Unstructured{Object: map[string]any{
		"apiVersion": "apiextensions.k8s.io/v1", "kind": "CustomResourceDefinition",
		"metadata": map[string]any{"name": name, "annotations": map[string]any{
			"helm.sh/resource-policy": "keep", "meta.helm.sh/release-name": "cert-manager", "meta.helm.sh/release-namespace": "cert-manager"}},
		"spec":   map[string]any{"conversion": map[string]any{"strategy": "None"}},
		"status": map[string]any{"storedVersions": []any{"v1"}},
	}}
}

// scale is the Deployment controller, the kubelet, and who runs in the pods.
func (w *world) scale(t *testing.T) ktesting.ReactionFunc {
	return func(a ktesting.Action) (bool, runtime.Object, error) {
		update, ok := a.(ktesting.UpdateActionImpl)
		if !ok || update.Subresource != "scale" {
			return false, nil, nil
		}
		scale, _ := update.Object.(*autoscalingv1.Scale)
		gvr := appsv1.SchemeGroupVersion.WithResource("deployments")
		o, err := w.kube.Tracker().Get(gvr, update.Namespace, scale.Name)
		if err != nil {
			return true, nil, err
		}
		d, _ := o.DeepCopyObject().(*appsv1.Deployment)
		d.Spec.Replicas, d.Status.Replicas, d.Status.ReadyReplicas = &scale.Spec.Replicas, scale.Spec.Replicas, scale.Spec.Replicas
		if err := w.kube.Tracker().Update(gvr, d, d.Namespace); err != nil {
			t.Error(err)
		}
		holder := map[string]string{"cert-manager": theirHolder, "certwright": ourHolder}[scale.Name]
		if holder != "" {
			if scale.Spec.Replicas == 0 {
				holder = ""
			}
			if err := w.kube.Tracker().Update(coordinationv1.SchemeGroupVersion.WithResource("leases"), lease(holder), "kube-system"); err != nil {
				t.Error(err)
			}
		}
		return true, scale, nil
	}
}

func (w *world) reader() Reader {
	return Reader{Kube: w.kube, Certs: w.certs, Dynamic: w.dynamic, LeaseName: "cert-manager-controller"}
}

func (w *world) read(t *testing.T) Cluster {
	t.Helper()
	c, err := w.reader().ReadAll(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) mover() Mover {
	return Mover{Reader: w.reader(), Now: func() time.Time { return now }, Patience: 5 * time.Second, Said: func(string) {}}
}

// move does all steps, and returns the names of those it did.
func (w *world) move(t *testing.T, steps func(Cluster) []Step) (did []string) {
	t.Helper()
	for range 20 {
		c := w.read(t)
		left := Left(steps(c))
		if len(left) == 0 {
			return did
		}
		if err := w.mover().Do(context.Background(), c, left[0], steps); err != nil {
			t.Fatal(err)
		}
		did = append(did, left[0].Name)
	}
	t.Fatal("it does not come to an end:", did)
	return nil
}

var errCut = errors.New("the line is cut")

// note keeps book of writes, and cuts the line.
func (w *world) note(a ktesting.Action) (bool, runtime.Object, error) {
	if w.cutAfter > 0 && len(w.did) >= w.cutAfter {
		return true, nil, errCut
	}
	if verb := a.GetVerb(); verb != "get" && verb != "list" {
		w.did = append(w.did, verb+" "+a.GetResource().Resource)
	}
	return false, nil, nil
}
