package http01

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/internal/responder"

	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What follows edits an Ingress of the user's, for controllers that give each
// Ingress an address of its own. Nothing but the one path is touched: it is
// known by the token in it and by the Service that it leads to.

// addPath puts a path into the rule of a host, before the others for those
// controllers that take the first that fits. A host without paths of its own
// (all of it goes to the default backend) keeps its rule, and gets another.
func addPath(in *networkingv1.Ingress, host string, path networkingv1.HTTPIngressPath) error {
	into := -1
	for i, rule := range in.Spec.Rules {
		if rule.Host != host || rule.HTTP == nil {
			continue
		}
		if into < 0 {
			into = i
		}
		for j, there := range rule.HTTP.Paths {
			if there.Path != path.Path {
				continue
			}
			if !leadsToSolver(there) {
				return challenges.Faulty("Ingress %s/%s leads %s elsewhere already: take this path out of it", in.Namespace, in.Name, path.Path)
			}
			rule.HTTP.Paths[j] = path
			return nil
		}
	}
	if into < 0 {
		in.Spec.Rules = append(in.Spec.Rules, ruleFor(host, path))
		return nil
	}
	paths := &in.Spec.Rules[into].HTTP.Paths
	*paths = slices.Insert(*paths, 0, path)
	return nil
}

// removePath takes the path out again wherever it is, and a rule that has
// nothing else: the API does not allow it, so it was made for the path.
func removePath(in *networkingv1.Ingress, path string) {
	in.Spec.Rules = slices.DeleteFunc(in.Spec.Rules, func(rule networkingv1.IngressRule) bool {
		if rule.HTTP == nil {
			return false
		}
		before := len(rule.HTTP.Paths)
		rule.HTTP.Paths = slices.DeleteFunc(rule.HTTP.Paths, func(there networkingv1.HTTPIngressPath) bool {
			return there.Path == path && leadsToSolver(there)
		})
		return before > 0 && len(rule.HTTP.Paths) == 0
	})
}

func leadsToSolver(path networkingv1.HTTPIngressPath) bool {
	s := path.Backend.Service
	return s != nil && (s.Name == prefix || strings.HasPrefix(s.Name, prefix+"-"))
}

// editTries is how often an edit is begun anew when others change the Ingress
// at the same time: challenges of other names, and its controller's status.
const editTries = 10

// edit changes the Ingress that the solver names, unless it is right.
func (s *Solver) edit(ctx context.Context, p plan, change func(*networkingv1.Ingress) error) error {
	client, name := s.api.Ingresses.Ingresses(p.ch.Namespace), p.ingress.Name
	defer s.locks.of(p.ch.Namespace + "/ingress/" + name).lock()()
	var err error
	for range editTries {
		var have *networkingv1.Ingress
		have, err = client.Get(ctx, name, metav1.GetOptions{})
		if apierrors.IsNotFound(err) {
			return challenges.Faulty("spec.solver.http01.ingress.name: Ingress %s/%s does not exist: create it, or name another in the issuer's solver (or the annotation that overrides it)", p.ch.Namespace, name)
		}
		if err != nil {
			return fmt.Errorf("read Ingress %s/%s: %w", p.ch.Namespace, name, err)
		}
		next := have.DeepCopy()
		if err := change(next); err != nil {
			return err
		}
		if equality.Semantic.DeepEqual(have, next) {
			return nil
		}
		if _, err = client.Update(ctx, next, metav1.UpdateOptions{}); !apierrors.IsConflict(err) {
			return s.ingresses(p).explain("update", have, err)
		}
	}
	return fmt.Errorf("update Ingress %s/%s: %w", p.ch.Namespace, name, err)
}

// unedit takes the challenge's path out of the Ingress, if that is still there.
func (s *Solver) unedit(ctx context.Context, p plan) error {
	_, err := s.api.Ingresses.Ingresses(p.ch.Namespace).Get(ctx, p.ingress.Name, metav1.GetOptions{})
	if apierrors.IsNotFound(err) {
		return nil
	}
	return s.edit(ctx, p, func(in *networkingv1.Ingress) error {
		removePath(in, responder.Path(p.ch.Spec.Token))
		if len(in.Spec.Rules) == 0 && in.Spec.DefaultBackend == nil {
			return challenges.Faulty("Ingress %s/%s has nothing left but the path of this challenge, and may not be empty: delete it", in.Namespace, in.Name)
		}
		return nil
	})
}
