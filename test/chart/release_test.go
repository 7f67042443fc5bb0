package chart

import (
	"context"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// A release comes, changes and goes, and leaves the definitions with all Certificates.
func TestRelease(t *testing.T) {
	must(t, "helm", "install", "certwright", chart, "--namespace", "cert-manager", "--create-namespace")
	deployments := world.Kube.AppsV1().Deployments("cert-manager")
	if d, err := deployments.Get(t.Context(), "certwright", metav1.GetOptions{}); err != nil || *d.Spec.Replicas != 2 {
		t.Fatalf("after the install: %v, %v", d, err)
	}
	untilServed(t)
	must(t, "kustomize", "build", "deploy/examples") // which are what a release is for
	must(t, "helm", "upgrade", "certwright", chart, "--namespace", "cert-manager", "--reuse-values", "--set", "replicaCount=3,shards=4", "--set", "restartOnRenewal=true")
	d, err := deployments.Get(t.Context(), "certwright", metav1.GetOptions{})
	if err != nil || *d.Spec.Replicas != 3 || !strings.Contains(strings.Join(d.Spec.Template.Spec.Containers[0].Args, " "), "--shards=4") {
		t.Errorf("after the upgrade: %v, %v", d, err)
	}
	if _, err := world.Kube.RbacV1().ClusterRoles().Get(t.Context(), "certwright-restarts", metav1.GetOptions{}); err != nil {
		t.Errorf("restartOnRenewal gives no right: %v", err)
	}
	must(t, "helm", "upgrade", "certwright", chart, "--namespace", "cert-manager", "--values", file(t, theirs))
	must(t, "helm", "upgrade", "certwright", chart, "--namespace", "cert-manager", "--set", "kind=DaemonSet")
	if _, err := deployments.Get(t.Context(), "certwright", metav1.GetOptions{}); !apierrors.IsNotFound(err) {
		t.Errorf("a DaemonSet came, and the Deployment stayed: %v", err)
	}
	must(t, "helm", "uninstall", "certwright", "--namespace", "cert-manager")
	untilServed(t)
	for kind, err := range map[string]error{
		"ClusterRole":    gone(world.Kube.RbacV1().ClusterRoles().Get(t.Context(), "certwright", metav1.GetOptions{})),
		"DaemonSet":      gone(world.Kube.AppsV1().DaemonSets("cert-manager").Get(t.Context(), "certwright", metav1.GetOptions{})),
		"ServiceAccount": gone(world.Kube.CoreV1().ServiceAccounts("cert-manager").Get(t.Context(), "certwright", metav1.GetOptions{})),
	} {
		if !apierrors.IsNotFound(err) {
			t.Errorf("after the uninstall there is the %s: %v", kind, err)
		}
	}
	// The definitions that it left are taken up by the next release of the name.
	must(t, "helm", "install", "certwright", chart, "--namespace", "cert-manager")
	must(t, "helm", "uninstall", "certwright", "--namespace", "cert-manager")
}

func gone[T any](_ T, err error) error { return err }

// untilServed lists Certificates.
func untilServed(t *testing.T) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		_, err := world.CertManager.CertmanagerV1().Certificates("").List(ctx, metav1.ListOptions{})
		if err == nil {
			return
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal(err)
		}
	}
}

// A release for some namespaces makes nothing of the cluster's.
func TestReleaseForNamespaces(t *testing.T) {
	for _, namespace := range []string{"team-a", "team-b"} {
		if err := world.EnsureNamespace(t.Context(), namespace); err != nil {
			t.Fatal(err)
		}
	}
	args := []string{"--namespace", "team-a", "--set", "namespaces={team-a,team-b},crds.enabled=false,policies.enabled=false"}
	for _, o := range template(t, args...) {
		if o.GetNamespace() == "" {
			t.Errorf("%s %s is of the cluster", o.GetKind(), o.GetName())
		}
	}
	must(t, "helm", append([]string{"install", "mine", chart}, args...)...)
	for _, namespace := range []string{"team-a", "team-b"} {
		binding, err := world.Kube.RbacV1().RoleBindings(namespace).Get(t.Context(), "certwright", metav1.GetOptions{})
		if err != nil || binding.Subjects[0].Namespace != "team-a" || binding.Subjects[0].Name != "mine-certwright" {
			t.Errorf("in %s: %v, %v", namespace, binding, err)
		}
	}
	if _, err := world.Kube.RbacV1().RoleBindings("team-a").Get(t.Context(), "certwright:leader-election", metav1.GetOptions{}); err != nil {
		t.Error(err)
	}
	must(t, "helm", "uninstall", "mine", "--namespace", "team-a")
}

// TestTakingOver: the definitions belong to a release of cert-manager's.
func TestTakingOver(t *testing.T) {
	dir, err := harness.Folder("deploy", "crds")
	if err != nil {
		t.Fatal(err)
	}
	objects, err := world.ApplyDir(t.Context(), dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range objects {
		o.SetLabels(map[string]string{"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/name": "cert-manager"})
		o.SetAnnotations(map[string]string{"meta.helm.sh/release-name": "cert-manager", "meta.helm.sh/release-namespace": "cert-manager", "helm.sh/resource-policy": "keep"})
		if err := world.Apply(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	install := []string{"install", "certwright", chart, "--namespace", "cert-manager", "--create-namespace"}
	if _, err := tool(t, "helm", install...); err == nil || !strings.Contains(err.Error(), "meta.helm.sh/release-name") {
		t.Errorf("helm took them without being told to: %v", err)
	}
	must(t, "helm", append(install, "--take-ownership")...)
	must(t, "helm", "upgrade", "certwright", chart, "--namespace", "cert-manager", "--reuse-values")
	must(t, "helm", "uninstall", "certwright", "--namespace", "cert-manager")
	untilServed(t)
}
