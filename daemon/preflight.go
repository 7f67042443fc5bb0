package daemon

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/queue"

	"github.com/cert-manager/cert-manager/pkg/apis/acme"
	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	discoveryv1 "k8s.io/api/discovery/v1"
	networkingv1 "k8s.io/api/networking/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/klog/v2"
)

// right is one line of what the daemon must be allowed to do.
type right struct {
	group, resource, subresource string
	verbs                        []string
	name                         string            // "": of any name
	cluster                      bool              // cluster-scoped: not needed when confined to namespaces
	part                         config.Controller // "": needed whatever runs
	kind                         queue.Kind        // not 0: needed to inject CA bundles into these
}

// rights is deploy/rbac as the daemon sees it.
var rights = []right{
	{group: certmanager.GroupName, resource: "certificates", verbs: []string{"list", "watch"}},
	ordering(right{group: certmanager.GroupName, resource: "certificates", verbs: []string{"get", "update"}}), // the finalizer of what is to be revoked
	{group: certmanager.GroupName, resource: "certificates", subresource: "status", verbs: []string{"update"}},
	{group: certmanager.GroupName, resource: "certificaterequests", verbs: []string{"get", "list", "watch", "create", "patch", "delete"}},
	{group: certmanager.GroupName, resource: "certificaterequests", subresource: "status", verbs: []string{"update"}},
	{group: certmanager.GroupName, resource: "issuers", verbs: []string{"list", "watch"}},
	{group: certmanager.GroupName, resource: "issuers", subresource: "status", verbs: []string{"update"}},
	{group: certmanager.GroupName, resource: "clusterissuers", verbs: []string{"list", "watch"}, cluster: true},
	{group: certmanager.GroupName, resource: "clusterissuers", subresource: "status", verbs: []string{"update"}, cluster: true},
	{resource: "secrets", verbs: []string{"get", "list", "watch", "create", "patch", "delete"}},
	{resource: "events", verbs: []string{"create", "patch"}},
	webhooks(right{group: admissionv1.GroupName, resource: "mutatingwebhookconfigurations", verbs: []string{"list", "watch", "patch"}}),
	webhooks(right{group: admissionv1.GroupName, resource: "validatingwebhookconfigurations", verbs: []string{"list", "watch", "patch"}}),
	injection(queue.MutatingWebhook), injection(queue.ValidatingWebhook), injection(queue.APIService), injection(queue.CustomResource),
	ordering(right{group: acme.GroupName, resource: "orders", verbs: []string{"get", "list", "watch", "create"}}),
	ordering(right{group: acme.GroupName, resource: "orders", subresource: "status", verbs: []string{"update"}}),
	ordering(right{group: acme.GroupName, resource: "challenges", verbs: []string{"list", "watch", "create", "delete"}}),
	proving(right{group: acme.GroupName, resource: "challenges", verbs: []string{"get", "list", "watch", "patch"}}),
	proving(right{group: acme.GroupName, resource: "challenges", subresource: "status", verbs: []string{"update", "patch"}}),
	solving(right{group: networkingv1.GroupName, resource: "ingresses", verbs: []string{"get", "create", "update", "delete"}}),
	solving(right{resource: "services", verbs: []string{"get", "list", "create", "update", "delete"}}),
	solving(right{group: discoveryv1.GroupName, resource: "endpointslices", verbs: []string{"get", "create", "update", "delete"}}),
	signing(right{group: certificatesv1.GroupName, resource: "certificatesigningrequests", verbs: []string{"get", "list", "watch", "patch"}}),
	signing(right{group: certificatesv1.GroupName, resource: "certificatesigningrequests", subresource: "status", verbs: []string{"update"}}),
	signing(right{group: certificatesv1.GroupName, resource: "signers", verbs: []string{"sign"}, name: "issuers.cert-manager.io/*"}),
	signing(right{group: certificatesv1.GroupName, resource: "signers", verbs: []string{"sign"}, name: "clusterissuers.cert-manager.io/*"}),
	signing(right{group: authorizationv1.GroupName, resource: "subjectaccessreviews", verbs: []string{"create"}}),
}

// signing makes r a right that only Kubernetes CertificateSigningRequests take.
func signing(r right) right {
	r.cluster, r.part = true, config.SigningRequests
	return r
}

// ordering makes r a right that only Orders take.
func ordering(r right) right {
	r.part = config.Orders
	return r
}

// proving makes r a right that only Challenges take.
func proving(r right) right {
	r.part = config.Challenges
	return r
}

// solving makes r a right that only the solving of HTTP-01 challenges takes. The
// rights to HTTPRoutes and pods, which few solvers need, are not asked for.
func solving(r right) right {
	r.part = config.Challenges
	return r
}

// webhooks makes r a right that only sets of webhook certificates take.
func webhooks(r right) right {
	r.part = config.WebhookCertificates
	return r
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

// examineTime is how long a start waits for what is lacking to be told. A
// distant API server takes its time over some dozens of questions, and a dead
// one longer still: then they go on beside the work.
const examineTime = 2 * time.Second

// examineFirst has what is lacking told before the work begins, if that can be
// had in short time.
func (d *Daemon) examineFirst(ctx context.Context) {
	examined := make(chan struct{})
	go func() {
		defer close(examined)
		d.examine(ctx)
	}()
	enough := time.NewTimer(examineTime)
	defer enough.Stop()
	select {
	case <-examined:
	case <-enough.C:
	case <-ctx.Done():
	}
}

// examine says what the daemon lacks for its work, and how to mend that. It
// never keeps the daemon from starting: what is missing may come later.
func (d *Daemon) examine(ctx context.Context) {
	logger := klog.FromContext(ctx)
	version, err := d.clients.Core.Discovery().ServerVersion()
	if err != nil {
		if d.unserved() == "" { // else the line has told it
			logger.Error(err, "The API server does not answer; trying on. Check --kubeconfig, --master and the network")
		}
		return
	}
	logger.Info("Connected", "kubernetes", version.GitVersion)
	d.examinePolicies(ctx)
	if lacking := d.lacking(ctx); len(lacking) > 0 {
		logger.Error(nil, "Rights are missing; grant them with: kubectl apply -k "+d.roles(), "may not", strings.Join(lacking, "; "))
	}
}

// roles is the folder of the rights that this daemon is to have.
func (d *Daemon) roles() string {
	if len(d.cfg.Namespaces) > 0 {
		return "deploy/namespaced"
	}
	return "deploy/rbac"
}

// examinePolicies says when what is wrong gets in, and is told only afterwards.
func (d *Daemon) examinePolicies(ctx context.Context) {
	if d.clients.Admission == nil {
		return
	}
	namespace := d.cfg.ClusterResourceNamespace
	if len(d.cfg.Namespaces) > 0 {
		namespace = d.cfg.Namespaces[0]
	}
	logger := klog.FromContext(ctx)
	switch refuses, stamps, err := d.clients.Admission(ctx, namespace); {
	case err != nil:
		logger.V(1).Info("Cannot tell whether the admission policies are installed", "err", err)
	case !refuses:
		logger.Info("The admission policies are not installed: the same rules run as conditions. To have faults refused at once: kubectl apply -k deploy/policies")
	case !stamps:
		logger.Info("CertificateRequests do not say who made them: the API server lacks MutatingAdmissionPolicy, or deploy/policies/requester.yaml is not installed")
	}
}

// lacking asks the API server for each right and names those refused.
func (d *Daemon) lacking(ctx context.Context) (lacking []string) {
	for _, q := range questions(d.cfg) {
		if !d.may(ctx, q.namespace, q.verb, q.right) {
			lacking = append(lacking, q.describe(q.verb, q.namespace))
		}
	}
	return lacking
}

func (r right) describe(verb, namespace string) string {
	resource := r.resource
	if r.subresource != "" {
		resource += "/" + r.subresource
	}
	if r.name != "" {
		resource += " " + r.name
	}
	if namespace == "" {
		return fmt.Sprintf("%s %s", verb, resource)
	}
	return fmt.Sprintf("%s %s in %s", verb, resource, namespace)
}

// may takes an answer that cannot be had for a yes: the call itself will tell.
func (d *Daemon) may(ctx context.Context, namespace, verb string, r right) bool {
	attributes := question{r, namespace, verb}.attributes()
	review := &authorizationv1.SelfSubjectAccessReview{Spec: authorizationv1.SelfSubjectAccessReviewSpec{ResourceAttributes: &attributes}}
	got, err := d.clients.Side.AuthorizationV1().SelfSubjectAccessReviews().Create(ctx, review, metav1.CreateOptions{})
	return err != nil || got.Status.Allowed
}
