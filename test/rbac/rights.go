package main

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"

	"github.com/certwright/certwright/test/harness"
)

// right is one verb on one resource, as one role grants it.
type right struct {
	role        string // with its kind
	namespace   string // where a Role counts; "" for a ClusterRole, or where the install is moved
	verb, group string
	resource    string // with its subresource after a slash
	name        string // "": of any name; a number at its end is #
}

func (r right) String() string {
	resource := strings.TrimPrefix(r.group+"/"+r.resource, "/")
	return strings.TrimSpace(fmt.Sprintf("%s: %s %s %s", r.role, r.verb, resource, r.name))
}

// given are the roles that a binding among the manifests gives to somebody. The
// others are for people, and tried by package scenes.
func given(manifests []*unstructured.Unstructured) []*unstructured.Unstructured {
	names := map[string]bool{}
	for _, o := range manifests {
		kind, _, _ := unstructured.NestedString(o.Object, "roleRef", "kind")
		name, _, _ := unstructured.NestedString(o.Object, "roleRef", "name")
		names[kind+" "+name] = true
	}
	return slices.DeleteFunc(slices.Clone(manifests), func(o *unstructured.Unstructured) bool {
		return !names[o.GetKind()+" "+o.GetName()]
	})
}

// rightsIn are what the roles among manifests grant, one verb each. Errors: a
// wildcard, which nobody can use up.
func rightsIn(manifests []*unstructured.Unstructured) ([]right, error) {
	var all []right
	for _, o := range manifests {
		kind := o.GetKind()
		if kind != "Role" && kind != "ClusterRole" {
			continue
		}
		var role rbacv1.Role // a ClusterRole's rules have the same form
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(o.Object, &role); err != nil {
			return nil, fmt.Errorf("%s %s: %w", kind, o.GetName(), err)
		}
		for _, rule := range role.Rules {
			granted, err := expand(right{role: kind + " " + o.GetName(), namespace: o.GetNamespace()}, rule)
			if err != nil {
				return nil, err
			}
			all = append(all, granted...)
		}
	}
	return all, nil
}

func expand(r right, rule rbacv1.PolicyRule) ([]right, error) {
	var all []right
	names := rule.ResourceNames
	if len(names) == 0 {
		names = []string{""}
	}
	for _, r.group = range rule.APIGroups {
		for _, r.resource = range rule.Resources {
			for _, r.verb = range rule.Verbs {
				if slices.Contains([]string{r.group, r.resource, r.verb}, "*") {
					return nil, fmt.Errorf("%s: a wildcard grants what nobody needs: name it", r)
				}
				for _, name := range names {
					if r.name = series(name); !slices.Contains(all, r) {
						all = append(all, r)
					}
				}
			}
		}
	}
	return all, nil
}

var number = regexp.MustCompile(`[0-9]+$`)

// series is a name without its number: the Leases of shards are as many as there may
// be shards, and no proof has that many replicas.
func series(name string) string { return number.ReplaceAllString(name, "#") }

// covers tells whether the right allows this use.
func (r right) covers(u harness.RightUse) bool {
	return r.verb == u.Verb && r.group == u.Group && r.resource == u.Resource &&
		(r.name == "" || r.name == series(u.Name)) && (r.namespace == "" || r.namespace == u.Namespace)
}

// indirect tells of a right that no request shows: the API server asks for it while
// it judges another request.
func (r right) indirect() bool {
	return strings.HasSuffix(r.resource, "/finalizers") || r.resource == "signers" ||
		r.resource == "endpointslices/restricted" || r.resource == "routes/custom-host"
}
