package http01

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
	"k8s.io/utils/ptr"
)

// podAnnotations keep a service mesh from wrapping the pod, which answers plain
// HTTP to strangers, and from it a node from being given back (contract, 1.4).
var podAnnotations = map[string]string{
	"sidecar.istio.io/inject":                        "false",
	"cluster-autoscaler.kubernetes.io/safe-to-evict": "true",
}

// podTo is the pod that answers a challenge. It meets the restricted Pod
// Security Standard, unless the podTemplate says otherwise. Its arguments are
// understood by `certwright solve` and by cert-manager's own solver alike.
func (p plan) podTo(s Settings) *corev1.Pod {
	pod := &corev1.Pod{ObjectMeta: p.meta()}
	add(pod.Annotations, podAnnotations)
	pod.Spec = corev1.PodSpec{
		RestartPolicy:                corev1.RestartPolicyOnFailure,
		AutomountServiceAccountToken: ptr.To(false),
		EnableServiceLinks:           ptr.To(false),
		NodeSelector:                 map[string]string{corev1.LabelOSStable: "linux"},
		SecurityContext: &corev1.PodSecurityContext{
			RunAsNonRoot:   ptr.To(s.RunAsNonRoot),
			SeccompProfile: &corev1.SeccompProfile{Type: corev1.SeccompProfileTypeRuntimeDefault},
		},
		Containers: []corev1.Container{{
			Name: "acmesolver", Image: s.Image, ImagePullPolicy: corev1.PullIfNotPresent,
			Args: []string{
				"solve", "--listen-port=" + strconv.Itoa(servicePort),
				"--domain=" + p.ch.Spec.DNSName, "--token=" + p.ch.Spec.Token, "--key=" + p.ch.Spec.Key,
			},
			Ports:     []corev1.ContainerPort{{Name: "http", ContainerPort: servicePort}},
			Resources: *s.Resources.DeepCopy(),
			ReadinessProbe: &corev1.Probe{
				PeriodSeconds: 1,
				ProbeHandler:  corev1.ProbeHandler{TCPSocket: &corev1.TCPSocketAction{Port: intstr.FromInt32(servicePort)}},
			},
			SecurityContext: &corev1.SecurityContext{
				AllowPrivilegeEscalation: ptr.To(false),
				ReadOnlyRootFilesystem:   ptr.To(true),
				Capabilities:             &corev1.Capabilities{Drop: []corev1.Capability{"ALL"}},
			},
		}},
	}
	if s.RuntimeClass != "" {
		pod.Spec.RuntimeClassName = ptr.To(s.RuntimeClass)
	}
	if p.template != nil {
		applyTemplate(pod, p.template)
	}
	return pod
}

// applyTemplate lays a podTemplate over a pod. The labels by which the Service
// finds it stay.
func applyTemplate(pod *corev1.Pod, t *cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate) {
	add(pod.Labels, t.Labels)
	maps.Copy(pod.Annotations, t.Annotations)
	spec := &pod.Spec
	maps.Copy(spec.NodeSelector, t.Spec.NodeSelector)
	spec.Affinity = t.Spec.Affinity
	spec.Tolerations = slices.Clone(t.Spec.Tolerations)
	spec.PriorityClassName = t.Spec.PriorityClassName
	spec.ServiceAccountName = t.Spec.ServiceAccountName
	spec.ImagePullSecrets = slices.Clone(t.Spec.ImagePullSecrets)
	if c := t.Spec.SecurityContext; c != nil {
		spec.SecurityContext = &corev1.PodSecurityContext{
			SELinuxOptions: c.SELinuxOptions, RunAsUser: c.RunAsUser, RunAsGroup: c.RunAsGroup, RunAsNonRoot: c.RunAsNonRoot,
			SupplementalGroups: c.SupplementalGroups, FSGroup: c.FSGroup, Sysctls: c.Sysctls,
			FSGroupChangePolicy: c.FSGroupChangePolicy, SeccompProfile: c.SeccompProfile,
		}
	}
	if r := t.Spec.Resources; r != nil {
		have := &spec.Containers[0].Resources
		have.Limits, have.Requests = overQuantities(have.Limits, r.Limits), overQuantities(have.Requests, r.Requests)
	}
}

func overQuantities(have, over corev1.ResourceList) corev1.ResourceList {
	if len(over) == 0 {
		return have
	}
	all := maps.Clone(have)
	if all == nil {
		all = corev1.ResourceList{}
	}
	maps.Copy(all, over)
	return all
}

// serviceToPod leads to that pod, by the labels of the contract.
func (p plan) serviceToPod() *corev1.Service {
	service := &corev1.Service{ObjectMeta: p.meta()}
	service.Spec.Type = p.serviceType
	service.Spec.Ports = []corev1.ServicePort{httpPort(servicePort, servicePort)}
	service.Spec.Selector = ownLabels(p.ch, nil)
	return service
}

func httpPort(port int32, target int) corev1.ServicePort {
	return corev1.ServicePort{Name: "http", Port: port, TargetPort: intstr.FromInt(target), Protocol: corev1.ProtocolTCP}
}

// mergeService leaves to the API server what it allots: addresses, node ports.
func mergeService(have, want *corev1.Service) (*corev1.Service, bool) {
	next := have.DeepCopy()
	dress(next, want)
	next.Spec.ExternalName, next.Spec.Selector = want.Spec.ExternalName, want.Spec.Selector
	if len(have.Spec.Ports) != 1 || have.Spec.Ports[0].Port != want.Spec.Ports[0].Port ||
		have.Spec.Ports[0].TargetPort != want.Spec.Ports[0].TargetPort || have.Spec.Ports[0].Protocol != want.Spec.Ports[0].Protocol {
		next.Spec.Ports = want.Spec.Ports
	}
	return next, have.Spec.Type != want.Spec.Type
}

func (s *Solver) podServices(p plan) kept[*corev1.Service] {
	return kept[*corev1.Service]{
		kind: "Service", store: s.api.Services.Services(p.ch.Namespace),
		ours: func(have *corev1.Service) bool { return metav1.IsControlledBy(have, p.ch) }, merge: mergeService, first: p.first,
	}
}

func (s *Solver) pods(p plan) kept[*corev1.Pod] {
	return kept[*corev1.Pod]{
		kind: "Pod", store: s.api.Pods.Pods(p.ch.Namespace),
		ours: func(have *corev1.Pod) bool { return metav1.IsControlledBy(have, p.ch) },
		// A pod cannot be changed, and one that has ended (evicted, or its node
		// is gone) does not begin again.
		merge: func(have, _ *corev1.Pod) (*corev1.Pod, bool) {
			return have, have.Status.Phase == corev1.PodFailed || have.Status.Phase == corev1.PodSucceeded
		},
		first: p.first,
	}
}

// usePod makes sure of a pod that answers, and of the way to it.
func (s *Solver) usePod(ctx context.Context, p plan) (backend, error) {
	if s.settings.Image == "" {
		return backend{}, challenges.Faulty("--acme-http01-solver-image: a pod shall answer this challenge (its solver has a podTemplate), and no image is named for it; name the daemon's own, or take the podTemplate out of the issuer's solver")
	}
	if _, err := s.pods(p).ensure(ctx, p.podTo(s.settings)); err != nil {
		return backend{}, err
	}
	_, err := s.podServices(p).ensure(ctx, p.serviceToPod())
	return backend{p.name(), servicePort}, err
}

// removePod takes both away.
func (s *Solver) removePod(ctx context.Context, p plan) error {
	if err := s.podServices(p).remove(ctx, p.ch.Namespace, p.name()); err != nil {
		return err
	}
	return s.pods(p).remove(ctx, p.ch.Namespace, p.name())
}

// podTrouble says what keeps a pod from answering; empty when nothing does.
func (s *Solver) podTrouble(ctx context.Context, p plan) string {
	pod, err := s.api.Pods.Pods(p.ch.Namespace).Get(ctx, p.name(), metav1.GetOptions{})
	if err != nil {
		return ""
	}
	for _, c := range pod.Status.ContainerStatuses {
		if w := c.State.Waiting; w != nil && w.Reason != "" && w.Reason != "ContainerCreating" {
			return fmt.Sprintf("pod %s is waiting: %s", pod.Name, w.Reason)
		}
	}
	for _, c := range pod.Status.Conditions {
		if c.Type == corev1.PodScheduled && c.Status == corev1.ConditionFalse {
			return fmt.Sprintf("pod %s is on no node: %s", pod.Name, c.Reason)
		}
	}
	if pod.Status.Phase == corev1.PodPending {
		return fmt.Sprintf("pod %s has not started yet", pod.Name)
	}
	return ""
}
