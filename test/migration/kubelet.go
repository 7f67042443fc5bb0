package main

import (
	"context"
	"fmt"
	"sync"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// systemNamespace is where both are installed.
const systemNamespace = "cert-manager"

// kubelet stands in for a node: where a Deployment has a pod, its process runs
// here. The reference is ended as by a power cut, certwright in good order.
type kubelet struct {
	*scene
	mu      sync.Mutex
	running map[string]bool
	fault   error
}

// deployed are the Deployments, by name; those without a process are none of
// the proof's business but to come and go.
var deployed = map[string]string{
	"cert-manager": "quay.io/jetstack/cert-manager-controller:v1.21.2", "cert-manager-cainjector": "quay.io/jetstack/cert-manager-cainjector:v1.21.2",
	"cert-manager-webhook": "quay.io/jetstack/cert-manager-webhook:v1.21.2", "certwright": "certwright/certwright:v0",
}

// install makes the Deployments, as their charts do, and certwright's at rest.
func (s *scene) install(ctx context.Context) error {
	if err := s.EnsureNamespace(ctx, systemNamespace); err != nil {
		return err
	}
	for name, image := range deployed {
		replicas := ptr.To[int32](1)
		if name == "certwright" {
			replicas = ptr.To[int32](0)
		}
		labels := map[string]string{"app": name}
		_, err := s.Kube.AppsV1().Deployments(systemNamespace).Create(ctx, &appsv1.Deployment{
			ObjectMeta: metav1.ObjectMeta{Name: name},
			Spec: appsv1.DeploymentSpec{Replicas: replicas, Selector: &metav1.LabelSelector{MatchLabels: labels}, Template: corev1.PodTemplateSpec{
				ObjectMeta: metav1.ObjectMeta{Labels: labels},
				Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "main", Image: image, Args: []string{"--v=2"}}}}}},
		}, metav1.CreateOptions{})
		if err != nil {
			return err
		}
	}
	return nil
}

// hook puts cert-manager's webhook in the way, whose pods answer nothing.
func (s *scene) hook(ctx context.Context) error {
	_, err := s.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().Create(ctx, &admissionv1.ValidatingWebhookConfiguration{
		ObjectMeta: metav1.ObjectMeta{Name: hookName},
		Webhooks: []admissionv1.ValidatingWebhook{{
			Name: "webhook.cert-manager.io", SideEffects: ptr.To(admissionv1.SideEffectClassNone), AdmissionReviewVersions: []string{"v1"},
			FailurePolicy: ptr.To(admissionv1.Fail), ClientConfig: admissionv1.WebhookClientConfig{Service: &admissionv1.ServiceReference{Namespace: systemNamespace, Name: "cert-manager-webhook"}},
			Rules: []admissionv1.RuleWithOperations{{Operations: []admissionv1.OperationType{admissionv1.Create, admissionv1.Update},
				Rule: admissionv1.Rule{APIGroups: []string{"cert-manager.io", "acme.cert-manager.io"}, APIVersions: []string{"v1"}, Resources: []string{"*/*"}}}},
		}},
	}, metav1.CreateOptions{})
	return err
}

const hookName = "cert-manager-webhook"

// unhook takes it away again: nobody answers for it here.
func (s *scene) unhook(ctx context.Context) error {
	return s.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().Delete(ctx, hookName, metav1.DeleteOptions{})
}

// run keeps the processes as the pods are, until ctx ends.
func (k *kubelet) run(ctx context.Context) {
	for ctx.Err() == nil {
		for name := range deployed {
			if err := k.follow(ctx, name); err != nil && ctx.Err() == nil {
				k.mu.Lock()
				k.fault = fmt.Errorf("run %s: %w", name, err)
				k.mu.Unlock()
				return
			}
		}
		select {
		case <-ctx.Done():
		case <-time.After(200 * time.Millisecond):
		}
	}
}

// err is what went wrong.
func (k *kubelet) err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.fault
}

func (k *kubelet) follow(ctx context.Context, name string) error {
	pods, err := k.Kube.CoreV1().Pods(systemNamespace).List(ctx, metav1.ListOptions{LabelSelector: "app=" + name})
	if err != nil {
		return err
	}
	switch wanted := len(pods.Items) > 0; {
	case wanted && !k.running[name]:
		err = k.begin(ctx, name)
	case !wanted && k.running[name]:
		err = k.finish(ctx, name)
	}
	k.running[name] = len(pods.Items) > 0
	for _, pod := range pods.Items {
		k.ready(ctx, pod)
	}
	return err
}

func (k *kubelet) begin(ctx context.Context, name string) error {
	switch name {
	case "cert-manager":
		return k.startReference()
	case "certwright":
		return k.startDaemon(ctx)
	}
	return nil
}

func (k *kubelet) finish(ctx context.Context, name string) error {
	switch name {
	case "cert-manager":
		k.reference.Stop()
		return k.freeLease(ctx)
	case "certwright":
		return k.daemon.Stop(ctx)
	}
	return nil
}

// ready says of a pod what a kubelet would; one that is gone needs nothing.
func (k *kubelet) ready(ctx context.Context, pod corev1.Pod) {
	if pod.Status.Phase == corev1.PodRunning || pod.DeletionTimestamp != nil {
		return
	}
	pod.Status.Phase = corev1.PodRunning
	pod.Status.Conditions = []corev1.PodCondition{{Type: corev1.PodReady, Status: corev1.ConditionTrue, LastTransitionTime: metav1.Now()}}
	_, _ = k.Kube.CoreV1().Pods(pod.Namespace).UpdateStatus(ctx, &pod, metav1.UpdateOptions{}) // it is tried again
}
