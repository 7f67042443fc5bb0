package operations

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// TestConfinedToNamespaces runs a daemon whose rights end at two namespaces.
func TestConfinedToNamespaces(t *testing.T) {
	one, two, outside := world.Space(t), world.Space(t), world.Space(t)
	account := harness.Account{Namespace: one.Namespace, Name: "confined"}
	one.Must(one.CreateAccount(t.Context(), account))
	for _, s := range []*suite.Space{one, two} {
		grant(s, account)
	}
	kubeconfig := t.TempDir() + "/kubeconfig"
	one.Must(one.WriteKubeconfig(t.Context(), account, kubeconfig))
	d := world.PrepareDaemonWith(t, harness.DaemonOptions{Kubeconfig: kubeconfig, Args: []string{
		alone, "--namespace=" + one.Namespace + "," + two.Namespace,
	}})
	one.Must(d.Start())
	suite.WaitReady(t, d)

	outside.CreateIssuer("ca", cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}})
	outside.Create("web", suite.IssuerRef("ca"))
	for _, s := range []*suite.Space{one, two} {
		s.CA("ca")
		s.Issue("web", suite.IssuerRef("ca"))
		s.Create("far", suite.ClusterRef("anywhere"))
		_, message := s.RequestEnds("far-1", cmapi.CertificateRequestReasonPending)
		s.Mentions(message, "ClusterIssuer", "--namespace")
	}
	if asked := outside.Asked(account); len(asked) > 0 {
		t.Errorf("it reached out of its namespaces: %v", asked)
	}
	if crt := outside.Get("web"); len(crt.Status.Conditions) > 0 {
		t.Errorf("it served a namespace that is not its own: %+v", crt.Status)
	}
	assertNothingRefused(t, account)
}

// grant gives an account the daemon's rights in one namespace only.
func grant(s *suite.Space, account harness.Account) {
	s.Helper()
	binding := &rbacv1.RoleBinding{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "certwright"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "certwright"},
		Subjects:   []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: account.Namespace, Name: account.Name}},
	}
	_, err := s.Kube.RbacV1().RoleBindings(s.Namespace).Create(s.Context(), binding, metav1.CreateOptions{})
	s.Must(err)
}

// assertNothingRefused: a daemon that asks for what it may not have fills the
// API server's log, and its own.
func assertNothingRefused(t *testing.T, account harness.Account) {
	t.Helper()
	all, err := world.Audit(account.Username())
	if err != nil {
		t.Fatal(err)
	}
	for _, entry := range all {
		if entry.Code == 403 {
			t.Errorf("it asked for what it may not: %s", entry)
		}
	}
}
