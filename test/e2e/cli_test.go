package e2e

import (
	"encoding/json"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
)

func TestCommandsThatShow(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	for _, row := range []struct {
		args  []string
		words []string
	}{
		{[]string{"status"}, []string{"web"}},
		{[]string{"status", "-A"}, []string{s.Namespace, "web"}},
		{[]string{"status", "-o", "json"}, []string{`"web"`}},
		{[]string{"status", "certificate", "web"}, []string{"web", "Ready", "ca", "web-1"}},
		{[]string{"status", "certificate", "web", "-o", "yaml"}, []string{"web"}},
		{[]string{"inspect", "secret", "web"}, []string{"web.example.com", "ECDSA"}},
		{[]string{"inspect", "secret", "web", "-o", "json"}, []string{"web.example.com"}},
		{[]string{"check", "api"}, []string{"cert-manager.io"}},
	} {
		out := s.OK(row.args...)
		s.Mentions(out, row.words...)
		if strings.Contains(out, "PRIVATE KEY") {
			t.Errorf("certwright %v shows a private key", row.args)
		}
		if row.args[len(row.args)-1] == "json" && !json.Valid([]byte(out)) {
			t.Errorf("certwright %v prints no JSON: %s", row.args, out)
		}
	}
}

func TestCommandsThatNeedNoCluster(t *testing.T) {
	s := space(t)
	for _, args := range [][]string{
		{"version"}, {"version", "-o", "json"}, {"help"}, {"options"}, {"completion", "bash"}, {"completion", "zsh"}, {"run", "--help"},
	} {
		if said := s.Certwright(args...); said.Code != 0 || len(said.Out) == 0 {
			t.Errorf("certwright %v: %+v", args, said)
		}
	}
}

func TestCommandRenew(t *testing.T) {
	s := space(t)
	s.CA("ca")
	for _, name := range []string{"one", "two"} {
		s.Issue(name, suite.IssuerRef("ca"))
	}
	one, two := s.Get("one"), s.Get("two")
	s.Mentions(s.OK("renew", "one"), "one", "renewal asked for")
	s.Reissued(one)
	one = s.Get("one")
	s.OK("renew", "--all")
	s.Reissued(one)
	s.Reissued(two)
}

func TestCommandsThatCannot(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	for _, row := range []struct {
		args  []string
		code  int
		words []string
	}{
		{[]string{"renew", "wbe"}, 1, []string{"wbe", "not found", "web"}},
		{[]string{"status", "certificate", "wbe"}, 1, []string{"wbe", "not found"}},
		{[]string{"inspect", "secret", "nothing"}, 1, []string{"nothing", "not found"}},
		{[]string{"deny", "web-1"}, 1, []string{"web-1", "approved"}},
		{[]string{"approve", "web-9"}, 1, []string{"web-9", "not found"}},
		{[]string{"renew"}, 2, []string{"--all"}},
		{[]string{"status", "-o", "table"}, 2, []string{"json", "yaml"}},
	} {
		said := s.CLI(row.args...)
		if said.Code != row.code {
			t.Errorf("certwright %v ended with %d, want %d: %s", row.args, said.Code, row.code, said.Err)
		}
		s.Mentions(said.Err, row.words...)
	}
}

func TestCommandMistyped(t *testing.T) {
	s := space(t)
	said := s.Certwright("statsu")
	if said.Code != 2 {
		t.Errorf("it ended with %d", said.Code)
	}
	s.Mentions(said.Err, "statsu", "status")
}

// TestRolesOfPeople: who may edit in a namespace may renew there, who may view
// may look, and nobody needs a binding of his own for it.
func TestRolesOfPeople(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	for _, role := range []string{"view", "edit"} {
		binding := &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: role},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "jane-" + role}},
		}
		_, err := s.Kube.RbacV1().RoleBindings(s.Namespace).Create(t.Context(), binding, metav1.CreateOptions{})
		s.Must(err)
	}
	s.OK("status", "--as", "jane-view")
	if said := s.CLI("renew", "web", "--as", "jane-view"); said.Code == 0 {
		t.Error("who may only view could renew")
	}
	before := s.Get("web")
	s.OK("renew", "web", "--as", "jane-edit")
	s.Reissued(before)
}
