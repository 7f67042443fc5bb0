package daemon

import (
	"context"
	"fmt"
	"strings"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
)

// right is one line of what the daemon must be allowed to do.
type right struct {
	group, resource, subresource string
	verbs                        []string
	cluster                      bool // cluster-scoped: not needed when confined to namespaces
}

// rights is deploy/rbac as the daemon sees it.
var rights = []right{
	{certmanager.GroupName, "certificates", "", []string{"list", "watch"}, false},
	{certmanager.GroupName, "certificates", "status", []string{"update"}, false},
	{certmanager.GroupName, "certificaterequests", "", []string{"list", "watch", "create", "delete"}, false},
	{certmanager.GroupName, "certificaterequests", "status", []string{"update"}, false},
	{certmanager.GroupName, "issuers", "", []string{"list", "watch"}, false},
	{certmanager.GroupName, "issuers", "status", []string{"update"}, false},
	{certmanager.GroupName, "clusterissuers", "", []string{"list", "watch"}, true},
	{certmanager.GroupName, "clusterissuers", "status", []string{"update"}, true},
	{"", "secrets", "", []string{"get", "list", "watch", "create", "patch", "delete"}, false},
	{"", "events", "", []string{"create", "patch"}, false},
}

// announce says what the daemon will do.
func (d *Daemon) announce(ctx context.Context) {
	logger := klog.FromContext(ctx)
	scope := "all namespaces"
	if len(d.cfg.Namespaces) > 0 {
		scope = strings.Join(d.cfg.Namespaces, ", ")
	}
	logger.Info("Keeping certificates", "in", scope, "parts", strings.Join(d.cfg.Controllers, ","),
		"clusterResourceNamespace", d.cfg.ClusterResourceNamespace, "leaderElection", d.cfg.LeaderElect)
}

// examine says what the daemon lacks for its work, and how to mend that. It
// goes beside the start and never keeps it back: what is missing may come
// later, and a distant API server takes its time over two dozen questions.
func (d *Daemon) examine(ctx context.Context) {
	logger := klog.FromContext(ctx)
	version, err := d.clients.Core.Discovery().ServerVersion()
	if err != nil {
		logger.Error(err, "The API server does not answer; trying on. Check --kubeconfig, --master and the network")
		return
	}
	logger.Info("Connected", "kubernetes", version.GitVersion)
	if lacking := d.lacking(ctx); len(lacking) > 0 {
		logger.Error(nil, "Rights are missing; grant them with: kubectl apply -k deploy/rbac", "may not", strings.Join(lacking, "; "))
	}
}

// lacking asks the API server for each right and names those refused.
func (d *Daemon) lacking(ctx context.Context) (lacking []string) {
	namespaces := d.cfg.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, r := range rights {
		if r.cluster && len(d.cfg.Namespaces) > 0 {
			continue
		}
		for _, ns := range namespaces {
			for _, verb := range r.verbs {
				if !d.may(ctx, ns, verb, r) {
					lacking = append(lacking, r.describe(verb, ns))
				}
			}
		}
	}
	return lacking
}

func (r right) describe(verb, namespace string) string {
	resource := r.resource
	if r.subresource != "" {
		resource += "/" + r.subresource
	}
	if namespace == "" {
		return fmt.Sprintf("%s %s", verb, resource)
	}
	return fmt.Sprintf("%s %s in %s", verb, resource, namespace)
}

// may takes an answer that cannot be had for a yes: the call itself will tell.
func (d *Daemon) may(ctx context.Context, namespace, verb string, r right) bool {
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: r.group, Resource: r.resource, Subresource: r.subresource},
	}}
	got, err := d.clients.Side.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	return err != nil || got.Status.Allowed
}
