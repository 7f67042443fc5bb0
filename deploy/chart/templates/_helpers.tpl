{{- define "certwright.name" -}}
{{- default .Chart.Name .Values.nameOverride | trunc 63 | trimSuffix "-" -}}
{{- end -}}

{{- define "certwright.fullname" -}}
{{- if .Values.fullnameOverride -}}
{{- .Values.fullnameOverride | trunc 63 | trimSuffix "-" -}}
{{- else if contains (include "certwright.name" .) .Release.Name -}}
{{- .Release.Name | trunc 63 | trimSuffix "-" -}}
{{- else -}}
{{- printf "%s-%s" .Release.Name (include "certwright.name" .) | trunc 63 | trimSuffix "-" -}}
{{- end -}}
{{- end -}}

{{- define "certwright.namespace" -}}
{{- .Values.namespace | default .Release.Namespace -}}
{{- end -}}

{{- define "certwright.serviceAccount" -}}
{{- if .Values.serviceAccount.create -}}
{{- .Values.serviceAccount.name | default (include "certwright.fullname" .) -}}
{{- else -}}
{{- .Values.serviceAccount.name | default "default" -}}
{{- end -}}
{{- end -}}

{{- define "certwright.selector" -}}
app.kubernetes.io/name: {{ include "certwright.name" . }}
app.kubernetes.io/instance: {{ .Release.Name }}
app.kubernetes.io/component: daemon
{{- end -}}

{{- define "certwright.labels" -}}
{{ include "certwright.selector" . }}
app.kubernetes.io/version: {{ .Chart.AppVersion | quote }}
app.kubernetes.io/managed-by: {{ .Release.Service }}
helm.sh/chart: {{ printf "%s-%s" .Chart.Name .Chart.Version | replace "+" "_" }}
{{- with .Values.global.commonLabels }}
{{ toYaml . }}
{{- end }}
{{- end -}}

{{- define "certwright.image" -}}
{{- with .Values.image.registry }}{{ . }}/{{ end }}{{ .Values.image.repository }}
{{- if .Values.image.digest }}@{{ .Values.image.digest }}{{ else }}:{{ .Values.image.tag | default .Chart.AppVersion }}{{ end }}
{{- end -}}

{{/* The manifests of deploy/rbac name the namespaces and the ServiceAccount of a plain install. */}}
{{- define "certwright.placed" -}}
{{- .text | replace "namespace: cert-manager" (printf "namespace: %s" (include "certwright.namespace" .root))
  | replace "namespace: kube-system" (printf "namespace: %s" (include "certwright.leaseNamespace" .root))
  | replace "- kind: ServiceAccount\n  name: certwright" (printf "- kind: ServiceAccount\n  name: %s" (include "certwright.serviceAccount" .root)) -}}
{{- end -}}

{{/* Where the Lease is. */}}
{{- define "certwright.leaseNamespace" -}}
{{- .Values.global.leaderElection.namespace | default (empty .Values.namespaces | ternary "kube-system" (include "certwright.namespace" .)) -}}
{{- end -}}

{{/* The options of the configuration file; of cert-manager's own what has a name here. */}}
{{- define "certwright.config" -}}
{{- $config := omit .Values.config "apiVersion" "kind" -}}
{{- if eq (.Values.config.kind | default "") "ControllerConfiguration" -}}
{{- $names := include "certwright.configNames" . | fromYaml -}}
{{- $config = dict -}}
{{- range $theirs, $ours := $names -}}
{{- $value := $.Values.config -}}
{{- range $step := splitList "." $theirs -}}
{{- $value = kindIs "map" $value | ternary (get (kindIs "map" $value | ternary $value dict) $step) "" -}}
{{- end -}}
{{- if not (or (kindIs "invalid" $value) (eq (toString $value) "")) -}}
{{- $_ := set $config $ours $value -}}
{{- end -}}
{{- end -}}
{{- end -}}
{{- toYaml $config -}}
{{- end -}}

{{/* cert-manager's ControllerConfiguration, key for key. */}}
{{- define "certwright.configNames" -}}
kubernetesAPIQPS: kubeApiQps
kubernetesAPIBurst: kubeApiBurst
namespace: namespace
clusterResourceNamespace: clusterResourceNamespace
controllers: controllers
issuerAmbientCredentials: issuerAmbientCredentials
clusterIssuerAmbientCredentials: clusterIssuerAmbientCredentials
enableCertificateOwnerRef: enableCertificateOwnerRef
copiedAnnotationPrefixes: copiedAnnotationPrefixes
numberOfConcurrentWorkers: concurrentWorkers
maxConcurrentChallenges: maxConcurrentChallenges
enableGatewayAPI: enableGatewayApi
enableGatewayAPIListenerSet: enableGatewayApiListenerset
certificateRequestMinimumBackoffDuration: certificateRequestMinimumBackoffDuration
logging.format: loggingFormat
logging.verbosity: v
leaderElectionConfig.enabled: leaderElect
leaderElectionConfig.leaseDuration: leaderElectionLeaseDuration
leaderElectionConfig.renewDeadline: leaderElectionRenewDeadline
leaderElectionConfig.retryPeriod: leaderElectionRetryPeriod
ingressShimConfig.defaultIssuerName: defaultIssuerName
ingressShimConfig.defaultIssuerKind: defaultIssuerKind
ingressShimConfig.defaultIssuerGroup: defaultIssuerGroup
ingressShimConfig.defaultAutoCertificateAnnotations: autoCertificateAnnotations
ingressShimConfig.extraCertificateAnnotations: extraCertificateAnnotations
acmeHTTP01Config.solverNameservers: acmeHttp01SolverNameservers
acmeHTTP01Config.solverRunAsNonRoot: acmeHttp01SolverRunAsNonRoot
acmeDNS01Config.recursiveNameservers: dns01RecursiveNameservers
acmeDNS01Config.recursiveNameserversOnly: dns01RecursiveNameserversOnly
acmeDNS01Config.checkRetryPeriod: dns01CheckRetryPeriod
{{- end -}}

{{/* The rights in one namespace, from deploy/namespaced. */}}
{{- define "certwright.placedIn" -}}
{{- $root := .root }}
{{- range $text := splitList "\n---\n" .text }}
{{- $object := fromYaml $text }}
{{- if ne $object.kind "ServiceAccount" }}
{{- $_ := set $object.metadata "namespace" $.namespace }}
{{- range $object.subjects }}
{{- $_ := set . "namespace" (include "certwright.namespace" $root) }}
{{- $_ := set . "name" (include "certwright.serviceAccount" $root) }}
{{- end }}
---
{{ toYaml $object }}
{{- end }}
{{ end }}
{{- end -}}
