package migration

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	appsv1 "k8s.io/api/apps/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
)

// Reader reads a cluster.
type Reader struct {
	Kube    kubernetes.Interface
	Certs   versioned.Interface
	Dynamic dynamic.Interface
	// LeaseNamespace and LeaseName are where cert-manager says that it works; an
	// empty namespace takes what its own flags say.
	LeaseNamespace, LeaseName string
	// Account is who certwright will be to the API server; empty takes the service
	// account of its pods, or that of deploy/rbac while there are none.
	Account string
	// Prospects tells what certwright would do, started with such flags; nil: it
	// is not asked.
	Prospects func(ctx context.Context, args []string) ([]Prospect, error)
}

// Read reads what the steps and findings are about. What one may not read is
// named in Unread, where the rest means something without it.
func (r Reader) Read(ctx context.Context, now time.Time) (Cluster, error) {
	c := Cluster{}
	if err := r.workloads(ctx, &c); err != nil {
		return c, err
	}
	for _, part := range []func(context.Context, *Cluster) error{r.definitions, r.configurations, r.saved} {
		if err := part(ctx, &c); err != nil {
			return c, err
		}
	}
	return c, r.lease(ctx, &c, now)
}

// ReadAll is Read with all that only a check wants to know.
func (r Reader) ReadAll(ctx context.Context, now time.Time) (Cluster, error) {
	c, err := r.Read(ctx, now)
	if err != nil {
		return c, err
	}
	for _, part := range []struct {
		what string
		read func(context.Context, *Cluster) error
	}{
		{"the admission policies", r.policies}, {"work under way", r.underway}, {"the webhook solvers of issuers", r.solvers}, {"what would become of Certificates", r.prospects},
	} {
		if err := part.read(ctx, &c); err != nil {
			c.Unread = append(c.Unread, fmt.Sprintf("%s: %v", part.what, err))
		}
	}
	return c, nil
}

// workloads looks through all Deployments: nobody is made to say where
// cert-manager was installed.
func (r Reader) workloads(ctx context.Context, c *Cluster) error {
	all, err := r.Kube.AppsV1().Deployments("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("look for cert-manager's Deployments: %w", err)
	}
	for _, d := range all.Items {
		w := Workload{
			Role: roleOf(d.Name, d.Labels, d.Spec.Template.Spec), Namespace: d.Namespace, Name: d.Name, Kind: "Deployment", Version: versionOf(d.Labels, d.Spec.Template.Spec),
			Wanted: 1, Running: d.Status.Replicas, Ready: d.Status.ReadyReplicas, Owner: ownerOf(d.ObjectMeta),
			Args: argsOf(d.Namespace, d.Spec.Template.Spec), Account: accountOf(d.Namespace, d.Spec.Template.Spec),
			Observed: d.Status.ObservedGeneration >= d.Generation,
		}
		if d.Spec.Replicas != nil {
			w.Wanted = *d.Spec.Replicas
		}
		if w.Role != "" {
			c.Workloads = append(c.Workloads, w)
		} else if n := neighbour(d.Labels, d.Spec.Template.Spec); n != "" {
			c.Neighbours = append(c.Neighbours, fmt.Sprintf("%s (%s/%s)", n, d.Namespace, d.Name))
		}
	}
	c.Namespace = metav1.NamespaceSystem
	for _, w := range slices.Concat(c.the(Ours), c.the(Controller)) {
		c.Namespace = w.Namespace
	}
	return r.daemonSets(ctx, c)
}

func (r Reader) daemonSets(ctx context.Context, c *Cluster) error {
	all, err := r.Kube.AppsV1().DaemonSets("").List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("look for certwright's DaemonSets: %w", err)
	}
	for _, d := range all.Items {
		if role := roleOf(d.Name, d.Labels, d.Spec.Template.Spec); role == Ours {
			c.Workloads = append(c.Workloads, daemonSetWorkload(d))
		}
	}
	return nil
}

func daemonSetWorkload(d appsv1.DaemonSet) Workload {
	return Workload{
		Role: Ours, Namespace: d.Namespace, Name: d.Name, Kind: daemonSet, Version: versionOf(d.Labels, d.Spec.Template.Spec),
		Wanted: d.Status.DesiredNumberScheduled, Running: d.Status.CurrentNumberScheduled, Ready: d.Status.NumberReady,
		Owner: ownerOf(d.ObjectMeta), Args: argsOf(d.Namespace, d.Spec.Template.Spec), Account: accountOf(d.Namespace, d.Spec.Template.Spec),
		Observed: d.Status.ObservedGeneration >= d.Generation,
	}
}

// saved reads what an earlier step kept.
func (r Reader) saved(ctx context.Context, c *Cluster) error {
	m, err := r.Kube.CoreV1().ConfigMaps(c.Namespace).Get(ctx, SavedName, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read what was kept of cert-manager: %w", err)
	}
	c.Saved, err = readSaved(m)
	return err
}
