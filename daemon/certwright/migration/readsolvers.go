package migration

import (
	"context"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

// shippedAccount is that of deploy/rbac.
const shippedAccount = "system:serviceaccount:cert-manager:certwright"

// account is who certwright will be to the API server.
func (r Reader) account(c *Cluster) string {
	if r.Account != "" {
		return r.Account
	}
	for _, w := range c.the(Ours) {
		return w.Account
	}
	return shippedAccount
}

// solvers looks whether certwright may call the webhook solvers that issuers name:
// cert-manager may, by their charts.
func (r Reader) solvers(ctx context.Context, c *Cluster) error {
	issuers, err := r.issuers(ctx, c.namespaces())
	if err != nil {
		return err
	}
	c.Solvers = checks.SolversOf(issuers)
	if len(c.Solvers) == 0 {
		return nil
	}
	name := r.account(c)
	account := checks.Account{Reviews: r.Kube.AuthorizationV1(), Name: name}
	if r.is(ctx, name) {
		account.Name = ""
	}
	checks.AskSolvers(ctx, r.Kube.Discovery(), account, name, c.Solvers)
	return nil
}

// is reports whether an account is our own, whose rights anybody may ask for.
func (r Reader) is(ctx context.Context, account string) bool {
	me, err := r.Kube.AuthenticationV1().SelfSubjectReviews().Create(ctx, &authenticationv1.SelfSubjectReview{}, metav1.CreateOptions{})
	return err == nil && me.Status.UserInfo.Username == account
}

// namespaces are those that cert-manager is confined to; none are all.
func (c Cluster) namespaces() []string {
	for _, w := range c.the(Controller) {
		if cfg, err := Config(Translate(w.Args).Args); err == nil {
			return cfg.Namespaces
		}
	}
	return nil
}

// issuers lists those that are served. Who serves some namespaces alone serves no
// ClusterIssuers.
func (r Reader) issuers(ctx context.Context, namespaces []string) (all []cmapi.GenericIssuer, err error) {
	if len(namespaces) == 0 {
		cluster, err := r.Certs.CertmanagerV1().ClusterIssuers().List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for i := range cluster.Items {
			all = append(all, &cluster.Items[i])
		}
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, namespace := range namespaces {
		list, err := r.Certs.CertmanagerV1().Issuers(namespace).List(ctx, metav1.ListOptions{})
		if err != nil {
			return nil, err
		}
		for i := range list.Items {
			all = append(all, &list.Items[i])
		}
	}
	return all, nil
}
