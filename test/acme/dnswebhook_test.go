package acme

import (
	"context"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apiext "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/dnswebhook"
	"github.com/certwright/certwright/test/acme/nameserver"
	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// outOfTree is how a test with a solver of somebody else's begins.
func outOfTree(t *testing.T, caller harness.Account) (*site.Site, *dnswebhook.Solver) {
	t.Helper()
	s := begin(t)
	solver, err := dnswebhook.Install(t.Context(), s.Clients, dnswebhook.Options{
		Dir: t.TempDir(), Log: os.Stderr, Namespace: s.Namespace + "-solver", Group: "acme." + s.Namespace + ".test", Caller: caller,
	})
	s.Must(err)
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the solver's log:\n%s", solver.Log())
		}
		s.Must(solver.Close(context.WithoutCancel(t.Context())))
	})
	return s, solver
}

// webhook is the solver in an issuer, with the key for the DNS server in the
// Secret that parts.TSIG makes.
func webhook(s *site.Site, group string, key nameserver.Key) cmacme.ACMEChallengeSolver {
	config := fmt.Sprintf(`{"nameserver": %q, "tsigKeyName": %q, "tsigAlgorithm": "HMACSHA256", "tsigSecretSecretRef": {"name": "tsig", "key": "key"}}`,
		s.Parts.DNS.Address, key.Name)
	return cmacme.ACMEChallengeSolver{DNS01: &cmacme.ACMEChallengeSolverDNS01{Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{
		GroupName: group, SolverName: dnswebhook.Name, Config: &apiext.JSON{Raw: []byte(config)},
	}}}
}

// calls are the daemon's calls of a solver, as the API server answered them.
func calls(s *site.Site, group string) []harness.AuditEntry {
	s.Helper()
	all, err := world.Audit(world.Account.Username())
	s.Must(err)
	return slices.DeleteFunc(all, func(e harness.AuditEntry) bool { return e.Group != group })
}

// TestWebhookSolver: a solver that others published for cert-manager works as it
// is, for a name and its wildcard, and along aliases that lead two names to one
// place at once. Each value is put once and taken away once.
func TestWebhookSolver(t *testing.T) {
	s, solver := outOfTree(t, world.Account)
	tsig := parts.TSIG(parts.ClusterNamespace, s.Parts.DNS.Key)
	tsig.Name = s.Namespace
	s.PutSecret(tsig)
	direct := webhook(s, solver.Group, s.Parts.DNS.Key)
	direct.DNS01.Webhook.Config.Raw = []byte(strings.Replace(string(direct.DNS01.Webhook.Config.Raw), `"tsig"`, `"`+s.Namespace+`"`, 1))
	following := direct.DeepCopy()
	following.DNS01.CNAMEStrategy = cmacme.FollowStrategy
	aliases := []string{"alias." + nameserver.DNSZone, "nickname." + nameserver.DNSZone}
	following.Selector = &cmacme.CertificateDNSNameSelector{DNSNames: aliases}
	issuer := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}}
	issuer.Spec.IssuerConfig = s.Parts.Issuer(s.Gate, s.Namespace+"-account", direct, *following)
	_, err := s.CertManager.CertmanagerV1().ClusterIssuers().Create(t.Context(), issuer, metav1.CreateOptions{})
	s.Must(err)

	s.Obtain("wildcard", suite.ClusterRef(s.Namespace), "*."+s.DNSName("shop"), s.DNSName("shop"))
	s.Obtain("aliased", suite.ClusterRef(s.Namespace), aliases...)
	s.Clean()
	left, err := s.Parts.DNS.TXT()
	if s.Must(err); slices.ContainsFunc(left, func(record string) bool { return strings.Contains(record, "alias.target") }) {
		t.Errorf("records are left where the aliases lead: %v", left)
	}
	asked := calls(s, solver.Group)
	for _, call := range asked {
		if call.Verb != "create" || call.Resource != dnswebhook.Name || call.Code != 201 {
			t.Errorf("a call that such solvers do not know: %s", call)
		}
	}
	if len(asked) != 8 {
		t.Errorf("%d calls, want 8: for each of 4 values one to put it and one to take it away", len(asked))
	}
}

// TestWebhookSolverRefuses: what the solver says is told, and it goes on when
// that is mended, also where the issuer is: the solver cannot take anything away
// with the config that was wrong, but then there is nothing to take away.
func TestWebhookSolverRefuses(t *testing.T) {
	s, solver := outOfTree(t, world.Account)
	s.Create("web", s.ACME("dns", webhook(s, solver.Group, s.Parts.DNS.Powerless)), site.Names(s.DNSName("www")))
	told(s, "web", solver.Group+"/"+dnswebhook.Name, `secret "tsig" not found`)

	secret := s.PutSecret(parts.TSIG(s.Namespace, s.Parts.DNS.Powerless))
	told(s, "web", solver.Group+"/"+dnswebhook.Name, "DNS update failed", "REFUSED")

	secret.Data["key"] = []byte(s.Parts.DNS.Key.Secret)
	s.PutSecret(secret)
	editIssuer(s, "dns", func(a *cmacme.ACMEIssuer) {
		a.Solvers[0] = webhook(s, solver.Group, s.Parts.DNS.Key)
	})
	s.Obtained("web", s.DNSName("www"))
	s.Clean()
}

// told waits until the Challenge gives a reason with all of the words, and the
// Certificate says what its user is to look at.
func told(s *site.Site, certificate string, words ...string) {
	s.Helper()
	has := func(text string) bool {
		return !slices.ContainsFunc(words, func(word string) bool { return !strings.Contains(text, word) })
	}
	s.AwaitChallenge(func(c *cmacme.Challenge) bool { return has(c.Status.Reason) })
	s.Await(certificate, func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return c != nil && c.Status == cmmeta.ConditionTrue && has(c.Message)
	})
}

// TestWebhookSolverAway: a solver that does not run is waited for, to put a value
// and to take it away.
func TestWebhookSolverAway(t *testing.T) {
	s, solver := outOfTree(t, world.Account)
	s.PutSecret(parts.TSIG(s.Namespace, s.Parts.DNS.Key))
	ref := s.ACME("dns", webhook(s, solver.Group, s.Parts.DNS.Key))
	look := "kubectl describe apiservice v1alpha1." + solver.Group

	solver.Stop()
	s.Create("unwanted", ref, site.Names(s.DNSName("unwanted")))
	told(s, "unwanted", look)
	deleteCertificate(s, "unwanted") // nobody waits to take away what was never put
	s.Clean()

	s.Create("web", ref, site.Names(s.DNSName("www")))
	told(s, "web", look)
	s.Must(solver.Start(t.Context()))
	s.Obtained("web", s.DNSName("www"))
	s.Clean()
	noFailure(s, "web")
}

// TestWebhookSolverAwayAtTheEnd: a value that was put is taken away, though the
// solver is away when it is to be, and the Certificate gone.
func TestWebhookSolverAwayAtTheEnd(t *testing.T) {
	s, solver := outOfTree(t, world.Account)
	s.PutSecret(parts.TSIG(s.Namespace, s.Parts.DNS.Key))
	name := s.DNSName("www")
	lasting := webhook(s, solver.Group, s.Parts.DNS.Key)
	lasting.WaitInsteadOfSelfCheck = &metav1.Duration{Duration: time.Hour} // so that it stays put
	s.Create("web", s.ACME("dns", lasting), site.Names(name))
	s.AwaitChallenge(func(c *cmacme.Challenge) bool { return c.Status.Presented })
	solver.Stop()
	deleteCertificate(s, "web")
	s.AwaitChallenge(func(c *cmacme.Challenge) bool {
		return c.DeletionTimestamp != nil && strings.Contains(c.Status.Reason, "cannot take the proof away")
	})
	if left, err := s.Parts.DNS.TXT(); err != nil || !slices.ContainsFunc(left, func(r string) bool { return strings.Contains(r, name) }) {
		t.Errorf("the value was not there to be taken away: %v, %v", left, err)
	}
	s.Must(solver.Start(t.Context()))
	s.Clean()
}

// TestWebhookSolverOfCertManagers: charts of solvers let cert-manager's account
// call them. The Challenge says how certwright's is let, and goes on when it is.
func TestWebhookSolverOfCertManagers(t *testing.T) {
	s, solver := outOfTree(t, dnswebhook.ChartCaller)
	s.PutSecret(parts.TSIG(s.Namespace, s.Parts.DNS.Key))
	s.Create("web", s.ACME("dns", webhook(s, solver.Group, s.Parts.DNS.Key)), site.Names(s.DNSName("www")))
	account := world.Account.Namespace + ":" + world.Account.Name
	told(s, "web", "--verb=create --resource="+dnswebhook.Name+"."+solver.Group, "--serviceaccount="+account)
	grant(s, solver.Group)
	s.Obtained("web", s.DNSName("www"))
	s.Clean()
	noFailure(s, "web")
}

// grant does what the message says.
func grant(s *site.Site, group string) {
	s.Helper()
	name := metav1.ObjectMeta{Name: s.Namespace}
	_, err := s.Kube.RbacV1().ClusterRoles().Create(s.Context(), &rbacv1.ClusterRole{ObjectMeta: name, Rules: []rbacv1.PolicyRule{
		{APIGroups: []string{group}, Resources: []string{dnswebhook.Name}, Verbs: []string{"create"}},
	}}, metav1.CreateOptions{})
	s.Must(err)
	_, err = s.Kube.RbacV1().ClusterRoleBindings().Create(s.Context(), &rbacv1.ClusterRoleBinding{
		ObjectMeta: name, RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name.Name},
		Subjects: []rbacv1.Subject{{Kind: rbacv1.ServiceAccountKind, Namespace: world.Account.Namespace, Name: world.Account.Name}},
	}, metav1.CreateOptions{})
	s.Must(err)
}

// TestWebhookSolverNotInstalled: nobody serves the group, or the solver in it.
func TestWebhookSolverNotInstalled(t *testing.T) {
	s := begin(t)
	s.Create("web", s.ACME("dns", webhook(s, "acme.nobody.test", s.Parts.DNS.Key)), site.Names(s.DNSName("www")))
	told(s, "web", "groupName", "acme.nobody.test", "install")
}
