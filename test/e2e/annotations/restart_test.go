package annotations

import (
	"testing"
	"time"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/e2e/suite"
)

// deployment has no pods, since there is no node; its rollout is over at once.
func (p place) deployment(name string, annotations map[string]string) {
	p.Helper()
	labels := map[string]string{"app": name}
	d := &appsv1.Deployment{ObjectMeta: metav1.ObjectMeta{Name: name, Annotations: annotations}}
	d.Spec.Replicas, d.Spec.Selector = ptr.To[int32](0), &metav1.LabelSelector{MatchLabels: labels}
	d.Spec.Template.Labels = labels
	d.Spec.Template.Spec.Containers = []corev1.Container{{Name: "web", Image: "example.com/web:1"}}
	d.Spec.Template.Spec.Volumes = []corev1.Volume{{Name: "tls", VolumeSource: corev1.VolumeSource{Secret: &corev1.SecretVolumeSource{SecretName: "web"}}}}
	_, err := p.Kube.AppsV1().Deployments(p.Namespace).Create(p.Context(), d, metav1.CreateOptions{})
	p.Must(err)
}

func (p place) until(name string, want func(*appsv1.Deployment) bool) *appsv1.Deployment {
	p.Helper()
	ctx, cancel := p.Within()
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		d, err := p.Kube.AppsV1().Deployments(p.Namespace).Get(p.Context(), name, metav1.GetOptions{})
		p.Must(err)
		if want(d) {
			return d
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			p.Fatalf("Deployment %s: %+v, of the pods %v", name, d.ObjectMeta, d.Spec.Template.Annotations)
		}
	}
}

// A renewal restarts who asked for it, and the first certificate nobody.
func TestRestartOnRenewal(t *testing.T) {
	p := here(t)
	opted := map[string]string{"certwright.dev/restart-on-renewal": "true"}
	p.deployment("api", opted)
	p.deployment("web", opted)
	p.deployment("mute", nil)
	p.Create("web", suite.IssuerRef("ca"))
	before := p.Ready("web")
	const seen, restarted = "certwright.dev/seen-certificates", "certwright.dev/certificates"
	for _, name := range []string{"api", "web"} {
		d := p.until(name, func(d *appsv1.Deployment) bool { return d.Annotations[seen] != "" })
		if d.Spec.Template.Annotations[restarted] != "" {
			t.Errorf("%s was restarted by the first certificate", name)
		}
	}
	p.Renew("web")
	p.Reissued(before)
	for _, name := range []string{"api", "web"} {
		p.until(name, func(d *appsv1.Deployment) bool { return d.Spec.Template.Annotations[restarted] != "" })
		p.AwaitEvent(name, "RestartedForCertificate", "the certificate in Secret web was renewed")
	}
	if d := p.until("mute", func(*appsv1.Deployment) bool { return true }); len(d.Spec.Template.Annotations) > 0 || d.Annotations[seen] != "" {
		t.Errorf("one that did not ask was changed: %v", d.Annotations)
	}
}
