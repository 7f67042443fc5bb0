package restarts

import (
	"testing"

	"github.com/google/go-cmp/cmp"
	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
)

func some[T any](v T) *T { return &v }

func TestRolling(t *testing.T) {
	t.Parallel()
	deployment := func(edit func(*appsv1.Deployment)) Workload {
		d := &appsv1.Deployment{ObjectMeta: meta("a"), Spec: appsv1.DeploymentSpec{Replicas: some[int32](2)}}
		d.Status = appsv1.DeploymentStatus{ObservedGeneration: 1, Replicas: 2, UpdatedReplicas: 2, AvailableReplicas: 2}
		edit(d)
		return FromDeployment(d)
	}
	stateful := func(edit func(*appsv1.StatefulSet)) Workload {
		d := &appsv1.StatefulSet{ObjectMeta: meta("a"), Spec: appsv1.StatefulSetSpec{Replicas: some[int32](3)}}
		d.Status = appsv1.StatefulSetStatus{ObservedGeneration: 1, Replicas: 3, UpdatedReplicas: 3, AvailableReplicas: 3}
		edit(d)
		return FromStatefulSet(d)
	}
	daemon := func(edit func(*appsv1.DaemonSet)) Workload {
		d := &appsv1.DaemonSet{ObjectMeta: meta("a")}
		d.Status = appsv1.DaemonSetStatus{ObservedGeneration: 1, DesiredNumberScheduled: 2, UpdatedNumberScheduled: 2, NumberAvailable: 2}
		edit(d)
		return FromDaemonSet(d)
	}
	for name, row := range map[string]struct {
		w             Workload
		rolling, held bool
	}{
		"Deployment at rest":       {deployment(func(*appsv1.Deployment) {}), false, false},
		"Deployment not seen yet":  {deployment(func(d *appsv1.Deployment) { d.Generation = 2 }), true, false},
		"Deployment half done":     {deployment(func(d *appsv1.Deployment) { d.Status.UpdatedReplicas = 1 }), true, false},
		"Deployment with old pods": {deployment(func(d *appsv1.Deployment) { d.Status.Replicas = 3 }), true, false},
		"Deployment not available": {deployment(func(d *appsv1.Deployment) { d.Status.AvailableReplicas = 1 }), true, false},
		"Deployment of none": {deployment(func(d *appsv1.Deployment) {
			d.Spec.Replicas, d.Status = some[int32](0), appsv1.DeploymentStatus{ObservedGeneration: 1}
		}), false, false},
		"Deployment paused":     {deployment(func(d *appsv1.Deployment) { d.Spec.Paused = true }), false, true},
		"StatefulSet at rest":   {stateful(func(*appsv1.StatefulSet) {}), false, false},
		"StatefulSet half done": {stateful(func(d *appsv1.StatefulSet) { d.Status.UpdatedReplicas = 2 }), true, false},
		"StatefulSet in parts": {stateful(func(d *appsv1.StatefulSet) {
			d.Spec.UpdateStrategy.RollingUpdate = &appsv1.RollingUpdateStatefulSetStrategy{Partition: some[int32](2)}
			d.Status.UpdatedReplicas = 1
		}), false, false},
		"StatefulSet by hand":     {stateful(func(d *appsv1.StatefulSet) { d.Spec.UpdateStrategy.Type = appsv1.OnDeleteStatefulSetStrategyType }), false, true},
		"DaemonSet at rest":       {daemon(func(*appsv1.DaemonSet) {}), false, false},
		"DaemonSet half done":     {daemon(func(d *appsv1.DaemonSet) { d.Status.UpdatedNumberScheduled = 1 }), true, false},
		"DaemonSet not available": {daemon(func(d *appsv1.DaemonSet) { d.Status.NumberAvailable = 1 }), true, false},
		"DaemonSet by hand":       {daemon(func(d *appsv1.DaemonSet) { d.Spec.UpdateStrategy.Type = appsv1.OnDeleteDaemonSetStrategyType }), false, true},
	} {
		if row.w.Rolling != row.rolling || row.w.Held != row.held {
			t.Errorf("%s: rolling %t, held %t", name, row.w.Rolling, row.w.Held)
		}
	}
}

// However a pod uses a Secret, it counts.
func TestSecretsOfPods(t *testing.T) {
	t.Parallel()
	pod := template("mounted")
	pod.Spec.Volumes = append(pod.Spec.Volumes, corev1.Volume{VolumeSource: corev1.VolumeSource{Projected: &corev1.ProjectedVolumeSource{
		Sources: []corev1.VolumeProjection{{Secret: &corev1.SecretProjection{LocalObjectReference: corev1.LocalObjectReference{Name: "projected"}}}, {}}}}}, corev1.Volume{})
	pod.Spec.InitContainers = []corev1.Container{{EnvFrom: []corev1.EnvFromSource{{SecretRef: &corev1.SecretEnvSource{LocalObjectReference: corev1.LocalObjectReference{Name: "all"}}}, {}}}}
	pod.Spec.Containers = []corev1.Container{{Env: []corev1.EnvVar{{}, {ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "one"}}}},
		{ValueFrom: &corev1.EnvVarSource{SecretKeyRef: &corev1.SecretKeySelector{LocalObjectReference: corev1.LocalObjectReference{Name: "mounted"}}}}}}}
	w := FromDeployment(&appsv1.Deployment{Spec: appsv1.DeploymentSpec{Template: pod}})
	if diff := cmp.Diff([]string{"all", "mounted", "one", "projected"}, w.Secrets); diff != "" {
		t.Errorf("Secrets (-want +got):\n%s", diff)
	}
}
