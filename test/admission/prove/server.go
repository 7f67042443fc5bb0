package main

import (
	"context"
	"fmt"
	"strings"

	"github.com/certwright/certwright/test/admission"
	"github.com/certwright/certwright/test/harness"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/rest"
)

// server is the API server as the users of the cases see it.
type server struct {
	*harness.Clients
	users map[string]dynamic.Interface
	// stored holds, by name, what the cases found there.
	stored map[string]*unstructured.Unstructured
}

func newServer(clients *harness.Clients) *server {
	return &server{Clients: clients, users: map[string]dynamic.Interface{}, stored: map[string]*unstructured.Unstructured{}}
}

// ask makes the write of a case, as a dry run: admission does not know better,
// and no case can disturb another. An error means that there was no verdict.
func (s *server) ask(ctx context.Context, c admission.Case) (admission.Verdict, error) {
	object, err := admission.Unstructured(c.New)
	if err != nil {
		return admission.Verdict{}, err
	}
	if c.Raw != nil {
		c.Raw(object.Object)
	}
	client, err := s.as(c.Who())
	if err != nil {
		return admission.Verdict{}, err
	}
	got, err := s.write(ctx, on(client, object), c, object)
	switch {
	case err == nil:
		return admission.Verdict{Object: got}, nil
	case isVerdict(err):
		return admission.Verdict{Refused: true, Message: err.Error()}, nil
	default:
		return admission.Verdict{}, err
	}
}

func (s *server) write(ctx context.Context, to dynamic.ResourceInterface, c admission.Case, object *unstructured.Unstructured) (*unstructured.Unstructured, error) {
	if c.Old == nil {
		return to.Create(ctx, object, metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
	}
	object.SetResourceVersion(s.stored[object.GetName()].GetResourceVersion())
	options := metav1.UpdateOptions{DryRun: []string{metav1.DryRunAll}}
	if c.Status {
		return to.UpdateStatus(ctx, object, options)
	}
	return to.Update(ctx, object, options)
}

// isVerdict tells a refusal of the schema or of a policy from the lack of a
// right to write at all, and from everything that went wrong.
func isVerdict(err error) bool {
	return apierrors.IsInvalid(err) || apierrors.IsForbidden(err) && strings.Contains(err.Error(), "ValidatingAdmissionPolicy")
}

// as returns a client that makes its bearer that user.
func (s *server) as(user *admission.User) (dynamic.Interface, error) {
	if client, ok := s.users[user.Name]; ok {
		return client, nil
	}
	config := rest.CopyConfig(s.Config)
	config.Impersonate = rest.ImpersonationConfig{UserName: user.Name, UID: user.UID, Groups: user.Groups, Extra: user.Extra}
	client, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, fmt.Errorf("be %s: %w", user.Name, err)
	}
	s.users[user.Name] = client
	return client, nil
}

// on is where a client finds objects of a kind.
func on(client dynamic.Interface, object *unstructured.Unstructured) dynamic.ResourceInterface {
	kind := object.GroupVersionKind()
	resource := schema.GroupVersionResource{Group: kind.Group, Version: kind.Version, Resource: strings.ToLower(kind.Kind) + "s"}
	if object.GetNamespace() == "" {
		return client.Resource(resource)
	}
	return client.Resource(resource).Namespace(object.GetNamespace())
}

// store makes what the cases find there. There are no policies yet, so that it
// may be older than the rules.
func (s *server) store(ctx context.Context, cases []admission.Case) error {
	if err := s.EnsureNamespace(ctx, admission.Namespace); err != nil {
		return err
	}
	for _, c := range cases {
		if c.Old == nil {
			continue
		}
		object, err := admission.Unstructured(c.Old)
		if err != nil {
			return err
		}
		made, err := on(s.Dynamic, object).Create(ctx, object, metav1.CreateOptions{})
		if status := object.Object["status"]; err == nil && status != nil {
			made.Object["status"] = status // which a create drops
			made, err = on(s.Dynamic, object).UpdateStatus(ctx, made, metav1.UpdateOptions{})
		}
		if err != nil {
			return fmt.Errorf("%s: store what was there before: %w", c.Name, err)
		}
		s.stored[object.GetName()] = made
	}
	return nil
}
