// Package apply writes Secrets by server-side apply: what we put there is
// ours, what others put beside it stays theirs, and what we no longer put
// there goes.
package apply

import (
	"bytes"
	"context"
	"fmt"
	"maps"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	corev1ac "k8s.io/client-go/applyconfigurations/core/v1"
	metav1ac "k8s.io/client-go/applyconfigurations/meta/v1"
	corev1client "k8s.io/client-go/kubernetes/typed/core/v1"
	"sigs.k8s.io/structured-merge-diff/v6/fieldpath"
)

// FieldManager is the field manager of target Secrets, the contract's (section
// 1.2), so that a Secret applied by cert-manager goes on under us.
const FieldManager = "cert-manager-certificates-issuing"

// Content is all that we put into a Secret.
type Content struct {
	Namespace, Name     string
	Type                corev1.SecretType
	Labels, Annotations map[string]string
	Data                map[string][]byte
	Owner               *metav1.OwnerReference // nil: none
}

// Secret applies c, taking fields over from others who set them. Errors: the
// API server's.
func Secret(ctx context.Context, client corev1client.SecretsGetter, c Content) (*corev1.Secret, error) {
	config := corev1ac.Secret(c.Name, c.Namespace).
		WithType(c.Type).WithLabels(c.Labels).WithAnnotations(c.Annotations).WithData(c.Data)
	if o := c.Owner; o != nil {
		config.WithOwnerReferences(metav1ac.OwnerReference().WithAPIVersion(o.APIVersion).WithKind(o.Kind).
			WithName(o.Name).WithUID(o.UID).WithController(true).WithBlockOwnerDeletion(true))
	}
	s, err := client.Secrets(c.Namespace).Apply(ctx, config, metav1.ApplyOptions{FieldManager: FieldManager, Force: true})
	if err != nil {
		return nil, fmt.Errorf("apply Secret %q: %w", c.Name, err)
	}
	return s, nil
}

// Matches reports whether applying c to s would change nothing: s has all that
// c says, and we own that and no more.
func (c Content) Matches(s *corev1.Secret) bool {
	if !contains(s.Labels, c.Labels) || !contains(s.Annotations, c.Annotations) || s.Type != c.Type {
		return false
	}
	for k, v := range c.Data {
		if !bytes.Equal(s.Data[k], v) {
			return false
		}
	}
	return maps.Equal(owned(s.ManagedFields), c.fields())
}

func contains(all, some map[string]string) bool {
	for k, v := range some {
		if got, ok := all[k]; !ok || got != v {
			return false
		}
	}
	return true
}

// field is one leaf that an apply can own.
type field struct{ in, name string }

func (c Content) fields() map[field]bool {
	all := map[field]bool{{"type", ""}: true}
	for k := range c.Labels {
		all[field{"labels", k}] = true
	}
	for k := range c.Annotations {
		all[field{"annotations", k}] = true
	}
	for k := range c.Data {
		all[field{"data", k}] = true
	}
	if c.Owner != nil {
		all[field{"ownerReferences", ""}] = true
	}
	return all
}

// Ours reports whether an entry of the managed fields tells of our applies.
func Ours(e metav1.ManagedFieldsEntry) bool {
	return e.Manager == FieldManager && e.Operation == metav1.ManagedFieldsOperationApply
}

// owned reads from the managed fields what we have applied.
func owned(entries []metav1.ManagedFieldsEntry) map[field]bool {
	all := map[field]bool{}
	for _, e := range entries {
		if !Ours(e) || e.FieldsV1 == nil {
			continue
		}
		var set fieldpath.Set
		if err := set.FromJSON(e.FieldsV1.GetRawReader()); err != nil {
			continue // as if nothing were owned: the next apply writes it anew
		}
		set.Leaves().Iterate(func(p fieldpath.Path) { all[leaf(p)] = true })
	}
	return all
}

// leaf names the field at the end of a path such as metadata.labels.app.
func leaf(p fieldpath.Path) field {
	var names []string
	for _, e := range p {
		if e.FieldName != nil {
			names = append(names, *e.FieldName)
		}
	}
	if len(names) > 0 && names[0] == "metadata" {
		names = names[1:]
	}
	switch len(names) {
	case 0:
		return field{}
	case 1:
		return field{in: names[0]}
	}
	if names[0] == "ownerReferences" {
		return field{in: names[0]}
	}
	return field{names[0], names[1]}
}
