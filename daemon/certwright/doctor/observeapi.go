package doctor

import (
	"cmp"
	"context"
	"strings"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

// needed are the definitions, each with the fields that an old one lacks. What
// a definition does not know, the API server drops without a word.
var needed = map[string][]string{
	"certificates.cert-manager.io":        {"spec.nameConstraints", "spec.signatureAlgorithm", "spec.renewBeforePercentage", "status.failedIssuanceAttempts", "status.acme"},
	"certificaterequests.cert-manager.io": {"spec.username", "status.failureTime"},
	"issuers.cert-manager.io":             {"spec.acme", "spec.vault", "status.acme"},
	"clusterissuers.cert-manager.io":      {"spec.acme", "spec.vault", "status.acme"},
	"orders.acme.cert-manager.io":         {"spec.profile", "status.finalizeURL"},
	"challenges.acme.cert-manager.io":     {"spec.authorizationURL", "status.processing"},
}

var definitions = schema.GroupVersionResource{Group: "apiextensions.k8s.io", Version: "v1", Resource: "customresourcedefinitions"}

func (s Source) definitions(ctx context.Context, f *Facts) error {
	for _, name := range sorted(needed) {
		crd, err := s.Dynamic.Resource(definitions).Get(ctx, name, metav1.GetOptions{})
		switch {
		case apierrors.IsNotFound(err):
			f.Definitions = append(f.Definitions, Definition{Name: name, Missing: true})
			continue
		case err != nil:
			return err
		}
		d := definition(crd, needed[name])
		if d.Converter != nil {
			if d.Converter.Ready, err = s.ready(ctx, d.Converter.Namespace, d.Converter.Name); err != nil {
				return err
			}
		}
		f.Definitions = append(f.Definitions, d)
	}
	return nil
}

// definition reads of one what matters.
func definition(crd *unstructured.Unstructured, fields []string) Definition {
	d := Definition{Name: crd.GetName(), Going: crd.GetDeletionTimestamp() != nil, NoStatus: true}
	versions, _, _ := unstructured.NestedSlice(crd.Object, "spec", "versions") // of another shape: as if there were none
	for _, v := range versions {
		version, ok := v.(map[string]any)
		if !ok || version["name"] != "v1" {
			continue
		}
		_, has, _ := unstructured.NestedMap(version, "subresources", "status")
		d.NoStatus = !has
		for _, field := range fields {
			path := []string{"schema", "openAPIV3Schema"}
			for part := range strings.SplitSeq(field, ".") {
				path = append(path, "properties", part)
			}
			if _, knows, _ := unstructured.NestedFieldNoCopy(version, path...); !knows {
				d.Lacks = append(d.Lacks, field)
			}
		}
	}
	service := []string{"spec", "conversion", "webhook", "clientConfig", "service"}
	namespace, _, _ := unstructured.NestedString(crd.Object, append(service, "namespace")...)
	if name, found, _ := unstructured.NestedString(crd.Object, append(service, "name")...); found {
		d.Converter = &Backend{Namespace: namespace, Name: name}
	}
	return d
}

// ready counts the endpoints of a Service that answer.
func (s Source) ready(ctx context.Context, namespace, name string) (n int, err error) {
	slices, err := s.Kube.DiscoveryV1().EndpointSlices(namespace).List(ctx, metav1.ListOptions{LabelSelector: discoveryv1.LabelServiceName + "=" + name})
	if err != nil {
		return 0, err
	}
	for _, slice := range slices.Items {
		for _, e := range slice.Endpoints {
			if e.Conditions.Ready == nil || *e.Conditions.Ready {
				n += len(e.Addresses)
			}
		}
	}
	if n > 0 {
		return n, nil
	}
	// One that leads out of the cluster has no endpoints.
	service, err := s.Kube.CoreV1().Services(namespace).Get(ctx, name, metav1.GetOptions{})
	if err == nil && service.Spec.ExternalName != "" {
		return 1, nil
	}
	return 0, nil
}

func (s Source) rights(ctx context.Context, f *Facts) error {
	f.Rights = Rights{Of: s.Account}
	if s.Account == "" {
		f.Rights.Of = "your account"
	}
	for _, r := range s.Rights {
		may, err := s.account().May(ctx, r)
		if err != nil {
			return err
		}
		f.Rights.Asked++
		if !may {
			f.Rights.Missing = append(f.Rights.Missing, describe(r))
		}
	}
	return nil
}

// account is the one whose rights are looked at.
func (s Source) account() checks.Account {
	return checks.Account{Reviews: s.Kube.AuthorizationV1(), Name: s.Account}
}

// solvers looks whether webhook solvers of others can be called.
func (s Source) solvers(ctx context.Context, f *Facts) error {
	issuers, err := s.listIssuers(ctx)
	if err != nil {
		return err
	}
	f.Solvers = checks.SolversOf(issuers)
	checks.AskSolvers(ctx, s.Kube.Discovery(), s.account(), cmp.Or(s.Account, f.Server.Who), f.Solvers)
	return nil
}

func describe(r authorizationv1.ResourceAttributes) string {
	text := r.Verb + " " + r.Resource
	if r.Group != "" {
		text += "." + r.Group
	}
	if r.Subresource != "" {
		text += "/" + r.Subresource
	}
	if r.Name != "" {
		text += " " + r.Name
	}
	if r.Namespace != "" {
		text += " in " + r.Namespace
	}
	return text
}

// policies are those of deploy/policies.
var policies = []string{"certwright-acme-issuers", "certwright-approval", "certwright-certificates", "certwright-issuers", "certwright-made-once",
	"certwright-names", "certwright-requests", "certwright-vault-issuers"}

func (s Source) policies(ctx context.Context, f *Facts) error {
	installed, err := s.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicies().List(ctx, metav1.ListOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return err
	}
	bindings, err := s.Kube.AdmissionregistrationV1().ValidatingAdmissionPolicyBindings().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	there, bound := map[string]bool{}, map[string]bool{}
	for _, p := range installed.Items {
		there[p.Name] = true
	}
	for _, b := range bindings.Items {
		bound[b.Spec.PolicyName] = true
	}
	f.Policies.Served = true
	for _, name := range policies {
		switch {
		case !there[name]:
			f.Policies.Missing = append(f.Policies.Missing, name)
		case !bound[name]:
			f.Policies.Unbound = append(f.Policies.Unbound, name)
		}
	}
	return nil
}

func (s Source) webhooks(ctx context.Context, f *Facts) error {
	validating, err := s.Kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	mutating, err := s.Kube.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return err
	}
	for _, c := range validating.Items {
		for _, w := range c.Webhooks {
			f.addWebhook(Webhook{Kind: "ValidatingWebhookConfiguration", Configuration: c.Name, Name: w.Name}, w.Rules, w.ClientConfig, w.FailurePolicy)
		}
	}
	for _, c := range mutating.Items {
		for _, w := range c.Webhooks {
			f.addWebhook(Webhook{Kind: "MutatingWebhookConfiguration", Configuration: c.Name, Name: w.Name}, w.Rules, w.ClientConfig, w.FailurePolicy)
		}
	}
	for i := range f.Webhooks {
		if b := f.Webhooks[i].Backend; b != nil {
			if b.Ready, err = s.ready(ctx, b.Namespace, b.Name); err != nil {
				return err
			}
		}
	}
	return nil
}

// addWebhook takes those that see objects of ours.
func (f *Facts) addWebhook(w Webhook, rules []admissionv1.RuleWithOperations, client admissionv1.WebhookClientConfig, policy *admissionv1.FailurePolicyType) {
	sees := false
	for _, r := range rules {
		for _, group := range r.APIGroups {
			sees = sees || group == "*" || group == "cert-manager.io" || group == "acme.cert-manager.io"
		}
	}
	if !sees {
		return
	}
	w.Blocks = policy == nil || *policy == admissionv1.Fail
	if client.Service != nil {
		w.Backend = &Backend{Namespace: client.Service.Namespace, Name: client.Service.Name}
	}
	f.Webhooks = append(f.Webhooks, w)
}
