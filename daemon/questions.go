package daemon

import (
	"slices"

	"github.com/certwright/certwright/daemon/config"

	authorizationv1 "k8s.io/api/authorization/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// question is whether one verb of a right is granted.
type question struct {
	right
	namespace, verb string
}

func (q question) attributes() authorizationv1.ResourceAttributes {
	return authorizationv1.ResourceAttributes{
		Namespace: q.namespace, Verb: q.verb, Group: q.group, Resource: q.resource, Subresource: q.subresource, Name: q.name,
	}
}

// Rights are what a daemon with these options must be allowed to do.
func Rights(cfg config.Config) (all []authorizationv1.ResourceAttributes) {
	for _, q := range questions(cfg) {
		all = append(all, q.attributes())
	}
	return all
}

// questions are the questions that follow from the table of rights and the options.
func questions(cfg config.Config) (all []question) {
	namespaces := cfg.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	for _, r := range slices.Concat(rights, shimming()) {
		if r.kind != 0 && !slices.Contains(injectables(cfg), r.kind) {
			continue
		}
		if r.cluster && len(cfg.Namespaces) > 0 || r.part != "" && !cfg.Runs(r.part) {
			continue
		}
		for _, ns := range namespaces {
			for _, verb := range r.verbs {
				all = append(all, question{r, ns, verb})
			}
		}
	}
	return all
}
