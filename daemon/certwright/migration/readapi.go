package migration

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

var definitionsOf = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

// Definitions are the names of the six that belong to both.
var Definitions = []string{
	"certificaterequests.cert-manager.io", "certificates.cert-manager.io", "challenges.acme.cert-manager.io",
	"clusterissuers.cert-manager.io", "issuers.cert-manager.io", "orders.acme.cert-manager.io",
}

func (r Reader) definitions(ctx context.Context, c *Cluster) error {
	for _, name := range Definitions {
		o, err := r.Dynamic.Resource(definitionsOf).Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			continue
		}
		if err != nil {
			return fmt.Errorf("read CustomResourceDefinition %s: %w", name, err)
		}
		c.Definitions = append(c.Definitions, definition(o))
	}
	return nil
}

func definition(o *unstructured.Unstructured) Definition {
	stored, _, _ := unstructured.NestedStringSlice(o.Object, "status", "storedVersions")
	strategy, _, _ := unstructured.NestedString(o.Object, "spec", "conversion", "strategy")
	d := Definition{Name: o.GetName(), Stored: stored, Converts: strategy == "Webhook", Kept: o.GetAnnotations()["helm.sh/resource-policy"] == "keep"}
	if release := o.GetAnnotations()["meta.helm.sh/release-name"]; release != "" {
		d.Release = o.GetAnnotations()["meta.helm.sh/release-namespace"] + "/" + release
	}
	return d
}

// configurations finds those that lead to cert-manager's own webhook, whatever
// their names.
func (r Reader) configurations(ctx context.Context, c *Cluster) error {
	validating, err := r.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("look for cert-manager's webhook configurations: %w", err)
	}
	for _, v := range validating.Items {
		var hooks []hook
		for _, w := range v.Webhooks {
			hooks = append(hooks, hook{w.Name, w.ClientConfig.Service})
		}
		v.APIVersion, v.Kind = "admissionregistration.k8s.io/v1", kindValidating
		if err := c.addConfiguration(v.Kind, v.ObjectMeta, &v, hooks); err != nil {
			return err
		}
	}
	mutating, err := r.Kube.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return fmt.Errorf("look for cert-manager's webhook configurations: %w", err)
	}
	for _, m := range mutating.Items {
		var hooks []hook
		for _, w := range m.Webhooks {
			hooks = append(hooks, hook{w.Name, w.ClientConfig.Service})
		}
		m.APIVersion, m.Kind = "admissionregistration.k8s.io/v1", kindMutating
		if err := c.addConfiguration(m.Kind, m.ObjectMeta, &m, hooks); err != nil {
			return err
		}
	}
	return nil
}

const (
	kindValidating = "ValidatingWebhookConfiguration"
	kindMutating   = "MutatingWebhookConfiguration"
)

// hook is one webhook of a configuration.
type hook struct {
	name    string
	service *admissionv1.ServiceReference
}

// hookName is what cert-manager calls its webhook in every configuration, by
// which it is known also when its Deployment is gone.
const hookName = "webhook.cert-manager.io"

// leadsTo reports whether a webhook is cert-manager's own.
func (c *Cluster) leadsTo(h hook) bool {
	return h.name == hookName || h.service != nil && slices.ContainsFunc(c.the(Webhook), func(w Workload) bool {
		return w.Namespace == h.service.Namespace && w.Name == h.service.Name
	})
}

// addConfiguration adds one if all its webhooks are cert-manager's own; a foreign
// one that merely has a telling name is left alone.
func (c *Cluster) addConfiguration(kind string, meta metav1.ObjectMeta, object any, hooks []hook) error {
	if len(hooks) == 0 || slices.ContainsFunc(hooks, func(h hook) bool { return !c.leadsTo(h) }) {
		return nil
	}
	raw, err := json.Marshal(object)
	if err != nil {
		return err
	}
	raw, err = bare(raw)
	c.Configurations = append(c.Configurations, Configuration{Kind: kind, Name: meta.Name, Raw: raw})
	return err
}

// bare is an object without what the API server adds, so that it can be created
// again.
func bare(raw []byte) ([]byte, error) {
	var o unstructured.Unstructured
	if err := json.Unmarshal(raw, &o.Object); err != nil {
		return nil, err
	}
	for _, field := range []string{"uid", "resourceVersion", "generation", "creationTimestamp", "managedFields"} {
		unstructured.RemoveNestedField(o.Object, "metadata", field)
	}
	return json.Marshal(o.Object)
}

// leaseNamespace is where cert-manager's own flags put the Lease.
func (r Reader) leaseNamespace(c *Cluster) string {
	if r.LeaseNamespace != "" {
		return r.LeaseNamespace
	}
	for _, w := range c.the(Controller) {
		for _, arg := range w.Args {
			if value, ok := strings.CutPrefix(arg, "--leader-election-namespace="); ok {
				return value
			}
		}
	}
	return metav1.NamespaceSystem
}

func (r Reader) lease(ctx context.Context, c *Cluster, now time.Time) error {
	c.Lease = Lease{Namespace: r.leaseNamespace(c), Name: r.LeaseName}
	lease, err := r.Kube.CoordinationV1().Leases(c.Lease.Namespace).Get(ctx, c.Lease.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("read Lease %s/%s: %w", c.Lease.Namespace, c.Lease.Name, err)
	}
	if lease.Spec.HolderIdentity == nil || lease.Spec.RenewTime == nil {
		return nil
	}
	lasts := time.Minute
	if s := lease.Spec.LeaseDurationSeconds; s != nil {
		lasts = time.Duration(*s) * time.Second
	}
	c.Lease.Holder, c.Lease.Until = *lease.Spec.HolderIdentity, lease.Spec.RenewTime.Add(lasts)
	c.Lease.Live = now.Before(c.Lease.Until)
	return nil
}

// fromCertManager knows cert-manager's controller by the end of its identity.
func fromCertManager(holder string) bool {
	return strings.HasSuffix(holder, "-external-cert-manager-controller")
}

func (r Reader) prospects(ctx context.Context, c *Cluster) (err error) {
	if r.Prospects == nil {
		return nil
	}
	var args []string
	for _, w := range c.the(Controller) {
		args = Translate(w.Args).Args
	}
	c.Prospects, err = r.Prospects(ctx, args)
	return err
}

// policy is one of deploy/policies, by which the others are known.
const policy = "certwright-certificates"

func (r Reader) policies(ctx context.Context, c *Cluster) error {
	_, err := r.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicies().Get(ctx, policy, metav1.GetOptions{})
	if c.Policies = err == nil; c.Policies || apierrors.IsNotFound(err) {
		return nil
	}
	return err
}
