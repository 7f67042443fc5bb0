package http01

import (
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/challenges"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

func tolerating() *cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate {
	return &cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate{Spec: cmacme.ACMEChallengeSolverHTTP01IngressPodSpec{
		Tolerations: []corev1.Toleration{{Key: "edge", Operator: corev1.TolerationOpExists}},
	}}
}

// A pod as it is without a podTemplate, for a daemon that is told to make pods.
func TestPod(t *testing.T) {
	s := defaults()
	s.Pods, s.RuntimeClass, s.Labels = true, "gvisor", map[string]string{"cost": "7"}
	web := plain("web")
	web.Spec.DNSName = "www.example.com"
	w := newWorld(t, s)
	w.at(web)
	w.present(web)
	w.wrote("create pods shop/"+webName, "create services shop/"+webName, "create ingresses shop/"+webName)
	w.present(web)
	w.restart(s)
	w.present(web)
	w.wrote()
	pod, err := w.kube.CoreV1().Pods("shop").Get(t.Context(), webName, never)
	stored(w, pod, err, `
metadata:
  name: cm-acme-http-solver-02134b3f2d
  namespace: shop
  uid: uid-of-cm-acme-http-solver-02134b3f2d
  labels: {acme.cert-manager.io/http-domain: "810681837", acme.cert-manager.io/http-token: "306905997", acme.cert-manager.io/http01-solver: "true", cost: "7"}
  annotations: {sidecar.istio.io/inject: "false", cluster-autoscaler.kubernetes.io/safe-to-evict: "true"}
  ownerReferences: [{apiVersion: acme.cert-manager.io/v1, kind: Challenge, name: web, uid: uid-web, controller: true}]
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: false
  enableServiceLinks: false
  runtimeClassName: gvisor
  nodeSelector: {kubernetes.io/os: linux}
  securityContext: {runAsNonRoot: true, seccompProfile: {type: RuntimeDefault}}
  containers:
  - name: acmesolver
    image: example.test/certwright:1
    imagePullPolicy: IfNotPresent
    args: [solve, --listen-port=8089, --domain=www.example.com, --token=token-web, --key=token-web.print]
    ports: [{name: http, containerPort: 8089}]
    resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {cpu: 100m, memory: 64Mi}}
    readinessProbe: {periodSeconds: 1, tcpSocket: {port: 8089}}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
`)
	service, err := w.kube.CoreV1().Services("shop").Get(t.Context(), webName, never)
	stored(w, service, err, `
metadata:
  name: cm-acme-http-solver-02134b3f2d
  namespace: shop
  uid: uid-of-cm-acme-http-solver-02134b3f2d
  labels: {acme.cert-manager.io/http-domain: "810681837", acme.cert-manager.io/http-token: "306905997", acme.cert-manager.io/http01-solver: "true", cost: "7"}
  ownerReferences: [{apiVersion: acme.cert-manager.io/v1, kind: Challenge, name: web, uid: uid-web, controller: true}]
spec:
  type: NodePort
  ports: [{name: http, port: 8089, targetPort: 8089, protocol: TCP}]
  selector: {acme.cert-manager.io/http-domain: "810681837", acme.cert-manager.io/http-token: "306905997", acme.cert-manager.io/http01-solver: "true"}
`)
	w.remove(web)
	w.wrote("delete ingresses shop/"+webName, "delete services shop/"+webName, "delete pods shop/"+webName)
	w.remove(web)
	w.wrote()
	w.empty()
}

// A podTemplate makes a pod, whatever the daemon's mode, and is laid over it.
func TestPodTemplate(t *testing.T) {
	web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{
		ServiceType: corev1.ServiceTypeClusterIP,
		PodTemplate: &cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate{
			ACMEChallengeSolverHTTP01IngressPodObjectMeta: cmacme.ACMEChallengeSolverHTTP01IngressPodObjectMeta{
				Labels:      map[string]string{"team": "web", "acme.cert-manager.io/http-token": "0"},
				Annotations: map[string]string{"sidecar.istio.io/inject": "true"},
			},
			Spec: cmacme.ACMEChallengeSolverHTTP01IngressPodSpec{
				NodeSelector: map[string]string{"edge": "yes", "kubernetes.io/os": "windows"}, Tolerations: tolerating().Spec.Tolerations,
				PriorityClassName: "high", ServiceAccountName: "solver", ImagePullSecrets: []corev1.LocalObjectReference{{Name: "pull"}},
				Affinity:        &corev1.Affinity{NodeAffinity: &corev1.NodeAffinity{}},
				SecurityContext: &cmacme.ACMEChallengeSolverHTTP01IngressPodSecurityContext{RunAsUser: ptr.To[int64](7)},
				Resources: &cmacme.ACMEChallengeSolverHTTP01IngressPodResources{
					Limits: corev1.ResourceList{corev1.ResourceMemory: resource.MustParse("1Gi"), corev1.ResourceEphemeralStorage: resource.MustParse("1Mi")},
				},
			},
		},
	}))
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	w.wrote("create pods shop/"+webName, "create services shop/"+webName, "create ingresses shop/"+webName)
	pod, err := w.kube.CoreV1().Pods("shop").Get(t.Context(), webName, never)
	stored(w, pod, err, `
metadata:
  name: cm-acme-http-solver-02134b3f2d
  namespace: shop
  uid: uid-of-cm-acme-http-solver-02134b3f2d
  labels: {acme.cert-manager.io/http-domain: "810681837", acme.cert-manager.io/http-token: "306905997", acme.cert-manager.io/http01-solver: "true", team: web}
  annotations: {sidecar.istio.io/inject: "true", cluster-autoscaler.kubernetes.io/safe-to-evict: "true"}
  ownerReferences: [{apiVersion: acme.cert-manager.io/v1, kind: Challenge, name: web, uid: uid-web, controller: true}]
spec:
  restartPolicy: OnFailure
  automountServiceAccountToken: false
  enableServiceLinks: false
  nodeSelector: {kubernetes.io/os: windows, edge: "yes"}
  tolerations: [{key: edge, operator: Exists}]
  affinity: {nodeAffinity: {}}
  priorityClassName: high
  serviceAccountName: solver
  imagePullSecrets: [{name: pull}]
  securityContext: {runAsUser: 7}
  containers:
  - name: acmesolver
    image: example.test/certwright:1
    imagePullPolicy: IfNotPresent
    args: [solve, --listen-port=8089, --domain=www.example.com, --token=token-web, --key=token-web.print]
    ports: [{name: http, containerPort: 8089}]
    resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {cpu: 100m, memory: 1Gi, ephemeral-storage: 1Mi}}
    readinessProbe: {periodSeconds: 1, tcpSocket: {port: 8089}}
    securityContext: {allowPrivilegeEscalation: false, readOnlyRootFilesystem: true, capabilities: {drop: [ALL]}}
`)
	if q := defaults().Resources.Limits[corev1.ResourceMemory]; q.String() != "64Mi" {
		t.Error("the template changed the settings")
	}
	w.remove(web)
	w.empty()
}

// An empty podTemplate says nothing.
func TestAnEmptyPodTemplate(t *testing.T) {
	web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{PodTemplate: &cmacme.ACMEChallengeSolverHTTP01IngressPodTemplate{}}))
	if p, err := planFor(web, defaults()); err != nil || p.pod {
		t.Error(p.pod, err)
	}
}

// A pod that has ended is made anew, with what a crash in between leaves.
func TestAPodThatEnded(t *testing.T) {
	web := challenge("web", "www.example.com", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{PodTemplate: tolerating()}))
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	pod, err := w.kube.CoreV1().Pods("shop").Get(t.Context(), webName, never)
	if err != nil {
		t.Fatal(err)
	}
	pod.Status.Phase = corev1.PodFailed
	if _, err := w.kube.CoreV1().Pods("shop").UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
		t.Fatal(err)
	}
	w.writes = nil
	w.present(web)
	w.wrote("delete pods shop/"+webName, "create pods shop/"+webName)
}

// A failed self check tells what the pod is about.
func TestPodTrouble(t *testing.T) {
	web := challenge("web", "nowhere.invalid", byIngress(cmacme.ACMEChallengeSolverHTTP01Ingress{PodTemplate: tolerating()}))
	w := newWorld(t, defaults())
	w.at(web)
	w.present(web)
	for want, status := range map[string]corev1.PodStatus{
		"pod " + webName + " has not started yet":          {Phase: corev1.PodPending},
		"pod " + webName + " is waiting: ImagePullBackOff": {Phase: corev1.PodPending, ContainerStatuses: []corev1.ContainerStatus{{State: corev1.ContainerState{Waiting: &corev1.ContainerStateWaiting{Reason: "ImagePullBackOff"}}}}},
		"pod " + webName + " is on no node: Unschedulable": {Phase: corev1.PodPending, Conditions: []corev1.PodCondition{{Type: corev1.PodScheduled, Status: corev1.ConditionFalse, Reason: "Unschedulable"}}},
		"": {Phase: corev1.PodRunning},
	} {
		pod, err := w.kube.CoreV1().Pods("shop").Get(t.Context(), webName, never)
		if err != nil {
			t.Fatal(err)
		}
		pod.Status = status
		if _, err := w.kube.CoreV1().Pods("shop").UpdateStatus(t.Context(), pod, metav1.UpdateOptions{}); err != nil {
			t.Fatal(err)
		}
		w.solver.asker.dial = noDNS()
		err = w.solver.Visible(t.Context(), challenges.Task{Challenge: web})
		if err == nil || !strings.HasSuffix(err.Error(), want) || want == "" && strings.Contains(err.Error(), "pod ") {
			t.Errorf("want %q, got %v", want, err)
		}
	}
}
