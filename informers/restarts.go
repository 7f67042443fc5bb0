package informers

import (
	"maps"
	"slices"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	appsv1 "k8s.io/api/apps/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// Workloads are watched when those are restarted whose certificate is renewed.
// Only of the ones that ask for it more is kept than that they are there.

const (
	byRestart       = "restart"        // workloads that ask to be restarted: their namespace
	byRestartSecret = "restart-secret" // the same: the Secrets that their pods use
)

// workloads are the stores of what has a pod template; nil is not watched.
type workloads struct {
	deployments  *store[*appsv1.Deployment]
	statefulSets *store[*appsv1.StatefulSet]
	daemonSets   *store[*appsv1.DaemonSet]
}

func (s *Set) newWorkloads(namespaces []string) workloads {
	if !s.options.Restarts {
		return workloads{}
	}
	return workloads{
		deployments: newStore(namespaces, spec[*appsv1.Deployment, *appsv1.DeploymentList]{
			resource: appsv1.SchemeGroupVersion.WithResource("deployments"), example: &appsv1.Deployment{}, client: s.options.Core, transform: trimDeployment,
			typed:    func(ns string) listWatcher[*appsv1.DeploymentList] { return s.options.Core.AppsV1().Deployments(ns) },
			indexers: restartIndexers(func(d *appsv1.Deployment) *corev1.PodSpec { return &d.Spec.Template.Spec }),
		}),
		statefulSets: newStore(namespaces, spec[*appsv1.StatefulSet, *appsv1.StatefulSetList]{
			resource: appsv1.SchemeGroupVersion.WithResource("statefulsets"), example: &appsv1.StatefulSet{}, client: s.options.Core, transform: trimStatefulSet,
			typed:    func(ns string) listWatcher[*appsv1.StatefulSetList] { return s.options.Core.AppsV1().StatefulSets(ns) },
			indexers: restartIndexers(func(d *appsv1.StatefulSet) *corev1.PodSpec { return &d.Spec.Template.Spec }),
		}),
		daemonSets: newStore(namespaces, spec[*appsv1.DaemonSet, *appsv1.DaemonSetList]{
			resource: appsv1.SchemeGroupVersion.WithResource("daemonsets"), example: &appsv1.DaemonSet{}, client: s.options.Core, transform: trimDaemonSet,
			typed:    func(ns string) listWatcher[*appsv1.DaemonSetList] { return s.options.Core.AppsV1().DaemonSets(ns) },
			indexers: restartIndexers(func(d *appsv1.DaemonSet) *corev1.PodSpec { return &d.Spec.Template.Spec }),
		}),
	}
}

func restartIndexers[T object](pod func(T) *corev1.PodSpec) cache.Indexers {
	return cache.Indexers{
		byRestart: indexBy(func(o T) []string {
			if !restarted(o) {
				return nil
			}
			return []string{o.GetNamespace()}
		}),
		byRestartSecret: indexBy(func(o T) []string {
			if !restarted(o) {
				return nil
			}
			var names []string
			for _, secret := range api.PodSecrets(pod(o)) {
				names = append(names, cacheKey(o.GetNamespace(), secret))
			}
			return names
		}),
	}
}

func restarted(o metav1.Object) bool { return o.GetAnnotations()[api.RestartAnnotation] == "true" }

func trimDeployment(obj any) (any, error) {
	d, ok := obj.(*appsv1.Deployment)
	if !ok {
		return obj, nil
	}
	kept := &appsv1.Deployment{ObjectMeta: trimmedWorkload(&d.ObjectMeta)}
	if restarted(d) {
		kept.Spec = appsv1.DeploymentSpec{Replicas: d.Spec.Replicas, Paused: d.Spec.Paused, Template: trimmedTemplate(&d.Spec.Template)}
		kept.Status = d.Status
		kept.Status.Conditions = nil
	}
	return kept, nil
}

func trimStatefulSet(obj any) (any, error) {
	d, ok := obj.(*appsv1.StatefulSet)
	if !ok {
		return obj, nil
	}
	kept := &appsv1.StatefulSet{ObjectMeta: trimmedWorkload(&d.ObjectMeta)}
	if restarted(d) {
		kept.Spec = appsv1.StatefulSetSpec{Replicas: d.Spec.Replicas, UpdateStrategy: d.Spec.UpdateStrategy, Template: trimmedTemplate(&d.Spec.Template)}
		kept.Status = d.Status
		kept.Status.Conditions = nil
	}
	return kept, nil
}

func trimDaemonSet(obj any) (any, error) {
	d, ok := obj.(*appsv1.DaemonSet)
	if !ok {
		return obj, nil
	}
	kept := &appsv1.DaemonSet{ObjectMeta: trimmedWorkload(&d.ObjectMeta)}
	if restarted(d) {
		kept.Spec = appsv1.DaemonSetSpec{UpdateStrategy: d.Spec.UpdateStrategy, Template: trimmedTemplate(&d.Spec.Template)}
		kept.Status = d.Status
		kept.Status.Conditions = nil
	}
	return kept, nil
}

func trimmedWorkload(m *metav1.ObjectMeta) metav1.ObjectMeta {
	kept := metav1.ObjectMeta{Namespace: m.Namespace, Name: m.Name, UID: m.UID, ResourceVersion: m.ResourceVersion}
	if restarted(m) {
		kept.Generation, kept.DeletionTimestamp = m.Generation, m.DeletionTimestamp
		kept.Annotations = maps.Clone(m.Annotations)
		delete(kept.Annotations, lastApplied)
	}
	return kept
}

// trimmedTemplate keeps which Secrets the pods use, as volumes that name them.
func trimmedTemplate(t *corev1.PodTemplateSpec) corev1.PodTemplateSpec {
	var kept corev1.PodTemplateSpec
	for _, name := range api.PodSecrets(&t.Spec) {
		kept.Spec.Volumes = append(kept.Spec.Volumes, corev1.Volume{VolumeSource: corev1.VolumeSource{
			Secret: &corev1.SecretVolumeSource{SecretName: name}}})
	}
	return kept
}

// RestartsSynced reports whether all workloads are in the cache. It is apart
// from Synced, so that who may not watch them goes on with all else.
func (s *Set) RestartsSynced() bool {
	return s.deployments != nil && s.deployments.hasSynced() && s.statefulSets.hasSynced() && s.daemonSets.hasSynced()
}

func (s *Set) isWorkload(st watched) bool {
	return st == watched(s.deployments) || st == watched(s.statefulSets) || st == watched(s.daemonSets)
}

// RestartedDeployments returns those of a namespace that ask to be restarted.
// The cache has not all of them.
func (s *Set) RestartedDeployments(namespace string) []*appsv1.Deployment {
	return s.deployments.by(byRestart, namespace, namespace)
}

// RestartedStatefulSets is the same for StatefulSets.
func (s *Set) RestartedStatefulSets(namespace string) []*appsv1.StatefulSet {
	return s.statefulSets.by(byRestart, namespace, namespace)
}

// RestartedDaemonSets is the same for DaemonSets.
func (s *Set) RestartedDaemonSets(namespace string) []*appsv1.DaemonSet {
	return s.daemonSets.by(byRestart, namespace, namespace)
}

// OwnSecret returns a Secret that certwright keeps, or nil.
func (s *Set) OwnSecret(namespace, name string) *corev1.Secret {
	secret, _ := s.secrets.own.get(namespace, name)
	return secret
}

// restartsOfWorkload wakes the namespace of a workload that asks for restarts.
func restartsOfWorkload(_ *Set, o metav1.Object) []queue.Key {
	if !restarted(o) {
		return nil
	}
	return []queue.Key{queue.RestartsIn(o.GetNamespace())}
}

// restartsOfSecret wakes the namespace of a Secret that such a workload uses.
func restartsOfSecret(s *Set, o metav1.Object) []queue.Key {
	if s.deployments == nil {
		return nil
	}
	value := cacheKey(o.GetNamespace(), o.GetName())
	users := len(s.deployments.by(byRestartSecret, o.GetNamespace(), value)) +
		len(s.statefulSets.by(byRestartSecret, o.GetNamespace(), value)) + len(s.daemonSets.by(byRestartSecret, o.GetNamespace(), value))
	if users == 0 {
		return nil
	}
	return []queue.Key{queue.RestartsIn(o.GetNamespace())}
}

// restartKeys are the keys of the namespaces with such workloads, for a sweep.
func (s *Set) restartKeys() []queue.Key {
	if s.deployments == nil {
		return nil
	}
	namespaces := map[string]bool{}
	mark := func(o metav1.Object) {
		if restarted(o) {
			namespaces[o.GetNamespace()] = true
		}
	}
	for _, d := range s.deployments.list() {
		mark(d)
	}
	for _, d := range s.statefulSets.list() {
		mark(d)
	}
	for _, d := range s.daemonSets.list() {
		mark(d)
	}
	var all []queue.Key
	for _, ns := range slices.Sorted(maps.Keys(namespaces)) {
		all = append(all, queue.RestartsIn(ns))
	}
	return all
}

func (s *Set) workloadRoutes() []route {
	if s.deployments == nil {
		return nil
	}
	to := []target{restartsOfWorkload}
	return []route{{s.deployments, to}, {s.statefulSets, to}, {s.daemonSets, to}}
}
