package chart

import (
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// theirs is a values.yaml as users of cert-manager's chart have it.
const theirs = `
global:
  imagePullSecrets: [{name: pull}]
  priorityClassName: system-cluster-critical
  logLevel: 2
  leaderElection: {namespace: cert-manager, leaseDuration: 60s, renewDeadline: 40s, retryPeriod: 15s}
installCRDs: true
replicaCount: 3
podDisruptionBudget: {enabled: true, minAvailable: 1}
featureGates: "ExperimentalGatewayAPISupport=true"
image: {pullPolicy: Always}
serviceAccount: {annotations: {eks.amazonaws.com/role-arn: "arn:aws:iam::123456789012:role/dns"}}
securityContext: {fsGroup: 1001, runAsNonRoot: true}
config:
  apiVersion: controller.config.cert-manager.io/v1alpha1
  kind: ControllerConfiguration
  kubernetesAPIQPS: 100
  kubernetesAPIBurst: 200
  enableGatewayAPI: true
  numberOfConcurrentWorkers: 20
  logging: {format: json}
  featureGates: {ServerSideApply: true}
dns01RecursiveNameservers: "8.8.8.8:53,1.1.1.1:53"
dns01RecursiveNameserversOnly: true
ingressShim: {defaultIssuerName: letsencrypt, defaultIssuerKind: ClusterIssuer}
enableCertificateOwnerRef: true
extraArgs: [--dns01-check-retry-period=20s]
extraEnv: [{name: TZ, value: UTC}]
resources: {requests: {cpu: 10m, memory: 64Mi}, limits: {memory: 256Mi}}
nodeSelector: {kubernetes.io/os: linux, pool: system}
tolerations: [{key: system, operator: Exists}]
topologySpreadConstraints:
- {maxSkew: 1, topologyKey: topology.kubernetes.io/zone, whenUnsatisfiable: ScheduleAnyway, labelSelector: {matchLabels: {app.kubernetes.io/component: controller}}}
podAnnotations: {team: platform}
podLabels: {tier: system}
http_proxy: http://proxy.example.com:3128
no_proxy: .svc,10.0.0.0/8
podDnsPolicy: None
podDnsConfig: {nameservers: [1.1.1.1]}
prometheus:
  enabled: true
  servicemonitor: {enabled: false, prometheusInstance: default, targetPort: http-metrics, path: /metrics, interval: 60s, labels: {release: prom}}
webhook: {replicaCount: 3, timeoutSeconds: 10, hostNetwork: true, networkPolicy: {enabled: true}}
cainjector: {enabled: true, replicaCount: 2, extraArgs: [--leader-elect]}
acmesolver: {image: {repository: quay.io/jetstack/cert-manager-acmesolver}}
startupapicheck: {enabled: false, timeout: 5m}
`

func TestValuesOfCertManager(t *testing.T) {
	objects := template(t, "--values", file(t, theirs))
	container := daemonIn(t, objects)
	args := strings.Join(strings.Fields(join(container["args"])), " ")
	for _, want := range []string{"--config=/etc/certwright/config.yaml", "--v=2", "--leader-election-namespace=cert-manager", "--leader-election-lease-duration=60s",
		"--enable-certificate-owner-ref", "--dns01-recursive-nameservers=8.8.8.8:53,1.1.1.1:53", "--dns01-recursive-nameservers-only",
		"--default-issuer-name=letsencrypt", "--default-issuer-kind=ClusterIssuer", "--dns01-check-retry-period=20s"} {
		if !strings.Contains(" "+args+" ", " "+want+" ") {
			t.Errorf("the args lack %s: %s", want, args)
		}
	}
	var config string
	for _, o := range objects {
		if o.GetKind() == "ConfigMap" {
			config, _, _ = unstructured.NestedString(o.Object, "data", "config.yaml")
		}
	}
	want := "apiVersion: certwright.dev/v1alpha1\nkind: Configuration\nconcurrentWorkers: 20\nenableGatewayApi: true\nkubeApiBurst: 200\nkubeApiQps: 100\nloggingFormat: json"
	if strings.TrimSpace(config) != want {
		t.Errorf("the configuration is\n%s\nwant\n%s", config, want)
	}
	out := must(t, "helm", "install", "theirs", chart, "--namespace", "cert-manager", "--dry-run", "--take-ownership", "--values", file(t, theirs))
	for _, ignored := range []string{"webhook", "cainjector", "acmesolver", "startupapicheck", "featureGates", "config.featureGates.ServerSideApply"} {
		if !strings.Contains(out, "values: "+ignored+" ") {
			t.Errorf("the notes do not tell that %s has no effect", ignored)
		}
	}
}

func join(args any) string {
	var all []string
	for _, arg := range args.([]any) {
		all = append(all, arg.(string))
	}
	return strings.Join(all, "\n")
}

// daemonIn finds the daemon's container.
func daemonIn(t *testing.T, objects []*unstructured.Unstructured) map[string]any {
	t.Helper()
	for _, o := range objects {
		if o.GetKind() == "Deployment" || o.GetKind() == "DaemonSet" {
			containers, _, err := unstructured.NestedSlice(o.Object, "spec", "template", "spec", "containers")
			if err != nil || len(containers) != 1 {
				t.Fatalf("%d containers: %v", len(containers), err)
			}
			return containers[0].(map[string]any)
		}
	}
	t.Fatal("no daemon")
	return nil
}

// TestMistakes are refused, by a message that names the value.
func TestMistakes(t *testing.T) {
	for values, want := range map[string]string{
		"replicaCoutn: 3":                            "replicaCoutn",
		"crds: {enable: true}":                       "enable",
		"kind: StatefulSet":                          "kind",
		"replicaCount: many":                         "replicaCount",
		"shards: 0":                                  "shards",
		"namespaces: team-a":                         "namespaces",
		"prometheus: {serviceMonitor: {enabled: 1}}": "serviceMonitor",
		"image: {pullPolicy: Sometimes}":             "pullPolicy",
		"global: {leaderElection: {lease: 60s}}":     "lease",
		"extraArgs: {v: 4}":                          "extraArgs",
		"image: {repository: quay.io/jetstack/cert-manager-controller}": "image.repository: quay.io/jetstack/cert-manager-controller is cert-manager's image",
	} {
		if out, err := tool(t, "helm", "template", "certwright", chart, "--kube-version", "1.36.3", "--values", file(t, values)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: want a refusal that names %s, got %v\n%s", values, want, err, out)
		}
	}
}

func TestLint(t *testing.T) {
	for _, values := range []string{"{}", theirs, "kind: DaemonSet", "namespaces: [team-a]", "prometheus: {servicemonitor: {enabled: true}, rules: {enabled: true}, dashboard: {enabled: true}}"} {
		must(t, "helm", "lint", "--strict", chart, "--values", file(t, values))
	}
}
