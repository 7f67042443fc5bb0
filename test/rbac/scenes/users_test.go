package scenes

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

const (
	look   = "get list watch"
	change = "create delete deletecollection patch update"
)

// people says what deploy/rbac/users.yaml lets whom do; all else is refused. The
// roles are Kubernetes' own, which ours are added to.
var people = map[string]map[string]string{ // role -> resource -> verbs
	"view": {
		"certificates": look, "certificaterequests": look, "issuers": look, "orders": look, "challenges": look,
	},
	"edit":  editors,
	"admin": editors,
	// OpenShift has this role, and any cluster may: it is made here.
	"cluster-reader": {
		"certificates": look, "certificaterequests": look, "issuers": look, "orders": look, "challenges": look, "clusterissuers": look,
	},
}

var editors = map[string]string{
	"certificates": look + " " + change, "certificaterequests": look + " " + change, "issuers": look + " " + change,
	"certificates/status": "update",
	"orders":              look + " delete deletecollection",
	"challenges":          look + " delete deletecollection patch update",
}

// asked are all verbs on all resources of ours.
var asked = []string{
	"certificates", "certificates/status", "certificaterequests", "certificaterequests/status", "issuers", "issuers/status",
	"clusterissuers", "clusterissuers/status", "orders", "orders/status", "challenges", "challenges/status",
}

func TestPeople(t *testing.T) {
	t.Parallel()
	s := world.Space(t)
	reader := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: "cluster-reader"}, AggregationRule: &rbacv1.AggregationRule{
		ClusterRoleSelectors: []metav1.LabelSelector{{MatchLabels: map[string]string{"rbac.authorization.k8s.io/aggregate-to-cluster-reader": "true"}}}}}
	_, err := s.Kube.RbacV1().ClusterRoles().Create(t.Context(), reader, metav1.CreateOptions{})
	s.Must(err)
	for role, may := range people {
		subject := rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: rbacv1.UserKind, Name: "who-" + role}
		ref := rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role}
		if role == "cluster-reader" {
			_, err = s.Kube.RbacV1().ClusterRoleBindings().Create(t.Context(), &rbacv1.ClusterRoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: subject.Name}, RoleRef: ref, Subjects: []rbacv1.Subject{subject}}, metav1.CreateOptions{})
		} else {
			_, err = s.Kube.RbacV1().RoleBindings(s.Namespace).Create(t.Context(), &rbacv1.RoleBinding{
				ObjectMeta: metav1.ObjectMeta{Name: subject.Name}, RoleRef: ref, Subjects: []rbacv1.Subject{subject}}, metav1.CreateOptions{})
		}
		s.Must(err)
		config := rest.CopyConfig(s.Config)
		config.Impersonate = rest.ImpersonationConfig{UserName: subject.Name}
		client, err := dynamic.NewForConfig(config)
		s.Must(err)
		untilAggregated(t, client, s.Namespace)
		t.Run(role, func(t *testing.T) { tryAll(t, client, s.Namespace, may) })
	}
}

// untilAggregated waits for kube-controller-manager, which adds the roles up.
func untilAggregated(t *testing.T, client dynamic.Interface, namespace string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for try(ctx, client, namespace, "orders", "get") {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatal("the roles are not added up")
		}
	}
}

func tryAll(t *testing.T, client dynamic.Interface, namespace string, may map[string]string) {
	for _, resource := range asked {
		for _, verb := range strings.Fields(look + " " + change) {
			if strings.Contains(resource, "/") && !slices.Contains([]string{"get", "patch", "update"}, verb) {
				continue // a status has no more
			}
			if resource == "clusterissuers" && slices.Contains([]string{"deletecollection"}, verb) {
				continue // it would delete those of other tests where it is allowed by mistake
			}
			want := slices.Contains(strings.Fields(may[resource]), verb)
			if got := !try(t.Context(), client, namespace, resource, verb); got != want {
				t.Errorf("%s %s: allowed is %t, want %t", verb, resource, got, want)
			}
		}
	}
}

// try makes the request, of an object that is not there, or not for keeps; it tells
// whether that is forbidden.
func try(ctx context.Context, client dynamic.Interface, namespace, path, verb string) (forbidden bool) {
	plural, sub, _ := strings.Cut(path, "/")
	group := "cert-manager.io"
	if plural == "orders" || plural == "challenges" {
		group = "acme.cert-manager.io"
	}
	var c dynamic.ResourceInterface = client.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: plural})
	if plural != "clusterissuers" {
		c = client.Resource(schema.GroupVersionResource{Group: group, Version: "v1", Resource: plural}).Namespace(namespace)
	}
	subs := slices.DeleteFunc([]string{sub}, func(s string) bool { return s == "" })
	kind := map[string]string{"certificates": "Certificate", "certificaterequests": "CertificateRequest", "issuers": "Issuer",
		"clusterissuers": "ClusterIssuer", "orders": "Order", "challenges": "Challenge"}[plural]
	object := &unstructured.Unstructured{Object: map[string]any{"apiVersion": group + "/v1", "kind": kind,
		"metadata": map[string]any{"name": "nobody", "resourceVersion": "1"}}}
	dry := []string{metav1.DryRunAll}
	var err error
	switch verb {
	case "get":
		_, err = c.Get(ctx, "nobody", metav1.GetOptions{}, subs...)
	case "list":
		_, err = c.List(ctx, metav1.ListOptions{})
	case "watch":
		w, failed := c.Watch(ctx, metav1.ListOptions{})
		if err = failed; err == nil {
			w.Stop()
		}
	case "create":
		object.SetResourceVersion("")
		_, err = c.Create(ctx, object, metav1.CreateOptions{DryRun: dry})
	case "update":
		_, err = c.Update(ctx, object, metav1.UpdateOptions{DryRun: dry}, subs...)
	case "patch":
		_, err = c.Patch(ctx, "nobody", types.MergePatchType, []byte(`{}`), metav1.PatchOptions{DryRun: dry}, subs...)
	case "delete":
		err = c.Delete(ctx, "nobody", metav1.DeleteOptions{DryRun: dry})
	case "deletecollection":
		err = c.DeleteCollection(ctx, metav1.DeleteOptions{DryRun: dry}, metav1.ListOptions{})
	default:
		panic(fmt.Sprintf("no such verb: %s", verb))
	}
	return apierrors.IsForbidden(err)
}
