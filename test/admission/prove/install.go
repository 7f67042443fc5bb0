package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/rules"
	"github.com/certwright/certwright/test/admission"
	"github.com/certwright/certwright/test/harness"

	rbacv1 "k8s.io/api/rbac/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// grant lets the users write all that the cases write, and approve what they may.
func (s *server) grant(ctx context.Context) error {
	write := rbacv1.PolicyRule{APIGroups: []string{"cert-manager.io", "acme.cert-manager.io"}, Resources: []string{"*"}, Verbs: []string{"create", "update"}}
	if err := s.bind(ctx, "prove-writers", write, rbacv1.Subject{Kind: rbacv1.GroupKind, Name: admission.Writers()}); err != nil {
		return err
	}
	for _, user := range admission.Users() {
		approve := rbacv1.PolicyRule{APIGroups: []string{"cert-manager.io"}, Resources: []string{"signers"}, ResourceNames: user.Approves, Verbs: []string{"approve"}}
		if len(user.Approves) == 0 {
			continue // without names the rule would be for all
		}
		if err := s.bind(ctx, "prove-"+user.Name, approve, rbacv1.Subject{Kind: rbacv1.UserKind, Name: user.Name}); err != nil {
			return err
		}
	}
	return nil
}

func (s *server) bind(ctx context.Context, name string, rule rbacv1.PolicyRule, subject rbacv1.Subject) error {
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: name}, Rules: []rbacv1.PolicyRule{rule}}
	subject.APIGroup = rbacv1.GroupName
	binding := &rbacv1.ClusterRoleBinding{ObjectMeta: metav1.ObjectMeta{Name: name}, Subjects: []rbacv1.Subject{subject},
		RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: name}}
	_, err := s.Kube.RbacV1().ClusterRoles().Create(ctx, role, metav1.CreateOptions{})
	if err == nil {
		_, err = s.Kube.RbacV1().ClusterRoleBindings().Create(ctx, binding, metav1.CreateOptions{})
	}
	if err != nil {
		return fmt.Errorf("grant %s: %w", name, err)
	}
	return nil
}

// install applies deploy/policies and waits until each of them is at work.
func (s *server) install(ctx context.Context, cases []admission.Case) error {
	dir, err := harness.Folder("deploy", "policies")
	if err != nil {
		return err
	}
	if _, err := s.ApplyDir(ctx, dir); err != nil {
		return err
	}
	if err := s.until(ctx, "requests are stamped", func(ctx context.Context) (bool, error) { return s.stamps(ctx) }); err != nil {
		return err
	}
	atWork := map[string]bool{}
	return s.until(ctx, "every policy has refused something", func(ctx context.Context) (bool, error) {
		for _, c := range stamped(cases) {
			if c.Field == "" || c.Only == admission.Rules || len(atWork) == len(rules.Policies) {
				continue
			}
			verdict, err := s.ask(ctx, c)
			if err != nil {
				return false, err
			}
			for _, name := range rules.Policies {
				if strings.Contains(verdict.Message, "'"+name+"'") {
					atWork[name] = true
				}
			}
		}
		return len(atWork) == len(rules.Policies), nil
	})
}

// dismissStamper takes away what writes the requester into a request.
func (s *server) dismissStamper(ctx context.Context) error {
	err := s.Kube.AdmissionregistrationV1().MutatingAdmissionPolicyBindings().Delete(ctx, rules.RequesterPolicy, metav1.DeleteOptions{})
	if err != nil {
		return err
	}
	return s.until(ctx, "requests are no longer stamped", func(ctx context.Context) (bool, error) {
		does, err := s.stamps(ctx)
		return !does, err
	})
}

// stamps reports whether requests are stamped now.
func (s *server) stamps(ctx context.Context) (bool, error) {
	for _, c := range admission.Cases() {
		if c.Stored == nil || c.Unstamped {
			continue
		}
		verdict, err := s.ask(ctx, c)
		return err == nil && !verdict.Refused && c.Stored(verdict.Object) == nil, err
	}
	return false, errors.New("no case wants a stamp")
}

// until asks again and again: a policy says nowhere that the API server has
// taken notice of it. Errors count as no, because for a moment the server does
// not find the kinds that a new policy is for.
func (s *server) until(ctx context.Context, what string, is func(context.Context) (bool, error)) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for {
		ok, err := is(ctx)
		if ok && err == nil {
			return nil
		}
		select {
		case <-time.After(100 * time.Millisecond):
		case <-ctx.Done():
			return fmt.Errorf("wait until %s: %w", what, errors.Join(ctx.Err(), err))
		}
	}
}
