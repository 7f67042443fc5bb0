package migration

import (
	"slices"
	"strings"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// roleOf tells cert-manager's programs by their images, else by the labels of
// its manifests; a mirrored image keeps its last name.
func roleOf(name string, labels map[string]string, pod corev1.PodSpec) Role {
	for _, container := range pod.Containers {
		image, _, _ := strings.Cut(container.Image, "@")
		image = image[strings.LastIndex(image, "/")+1:]
		image, _, _ = strings.Cut(image, ":")
		switch {
		case image == "cert-manager-controller":
			return Controller
		case image == "cert-manager-cainjector":
			return CAInjector
		case image == "cert-manager-webhook":
			return Webhook
		case image == "certwright":
			return Ours
		}
	}
	if labels["app.kubernetes.io/name"] == string(Ours) && labels["app.kubernetes.io/component"] != "sidecar" || name == "certwright" {
		return Ours
	}
	if !strings.HasPrefix(labels["helm.sh/chart"], "cert-manager-v") {
		return ""
	}
	return map[string]Role{"controller": Controller, "cainjector": CAInjector, "webhook": Webhook}[labels["app.kubernetes.io/component"]]
}

func versionOf(labels map[string]string, pod corev1.PodSpec) string {
	if v := labels["app.kubernetes.io/version"]; v != "" {
		return v
	}
	for _, container := range pod.Containers {
		image, _, _ := strings.Cut(container.Image, "@")
		if i := strings.LastIndex(image, ":"); i > strings.LastIndex(image, "/") {
			return image[i+1:]
		}
	}
	return ""
}

// neighbours are told by the last name of their image, and stay as they are.
var neighbours = []string{"cert-manager-approver-policy", "trust-manager", "cert-manager-csi-driver", "cert-manager-csi-driver-spiffe",
	"cert-manager-istio-csr", "aws-privateca-issuer", "google-cas-issuer", "step-issuer"}

func neighbour(labels map[string]string, pod corev1.PodSpec) string {
	for _, container := range pod.Containers {
		for _, n := range neighbours {
			if strings.Contains(container.Image, "/"+n+":") || strings.Contains(container.Image, "/"+n+"@") {
				return n
			}
		}
	}
	if name := labels["app.kubernetes.io/name"]; slices.Contains(neighbours, name) {
		return name
	}
	return ""
}

// ownerOf names who would undo what we do to a Deployment.
func ownerOf(o metav1.ObjectMeta) string {
	switch {
	case o.Labels["kustomize.toolkit.fluxcd.io/name"] != "":
		return "Flux Kustomization " + o.Labels["kustomize.toolkit.fluxcd.io/namespace"] + "/" + o.Labels["kustomize.toolkit.fluxcd.io/name"]
	case o.Labels["helm.toolkit.fluxcd.io/name"] != "":
		return "Flux HelmRelease " + o.Labels["helm.toolkit.fluxcd.io/namespace"] + "/" + o.Labels["helm.toolkit.fluxcd.io/name"]
	case o.Annotations["argocd.argoproj.io/tracking-id"] != "":
		app, _, _ := strings.Cut(o.Annotations["argocd.argoproj.io/tracking-id"], ":")
		return "Argo CD Application " + app
	case o.Labels["argocd.argoproj.io/instance"] != "":
		return "Argo CD Application " + o.Labels["argocd.argoproj.io/instance"]
	case o.Annotations["meta.helm.sh/release-name"] != "":
		return "Helm release " + o.Annotations["meta.helm.sh/release-namespace"] + "/" + o.Annotations["meta.helm.sh/release-name"]
	}
	return ""
}

// argsOf are a program's flags, with the references to its own namespace resolved.
func argsOf(namespace string, pod corev1.PodSpec) (args []string) {
	for _, container := range pod.Containers {
		for _, arg := range slices.Concat(container.Command, container.Args) {
			if !strings.HasPrefix(arg, "-") {
				continue
			}
			for _, env := range container.Env {
				value := env.Value
				if env.ValueFrom != nil && env.ValueFrom.FieldRef != nil && env.ValueFrom.FieldRef.FieldPath == "metadata.namespace" {
					value = namespace
				}
				if value != "" {
					arg = strings.ReplaceAll(arg, "$("+env.Name+")", value)
				}
			}
			args = append(args, arg)
		}
	}
	return args
}

// accountOf is who pods are to the API server.
func accountOf(namespace string, pod corev1.PodSpec) string {
	return "system:serviceaccount:" + namespace + ":" + orElse(pod.ServiceAccountName, "default")
}
