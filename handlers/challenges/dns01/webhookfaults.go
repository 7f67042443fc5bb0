package dns01

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"
	"github.com/certwright/certwright/internal/api"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// undone is the error of a webhook that is installed and did not do what it was
// asked for: it said no, or does not run. It is no Fault, because nobody can tell
// from its words whether it will do it next time, and a pod that moves to another
// node comes back by itself.
type undone struct{ words string }

func (u undone) Error() string { return u.words }

// unreached says why no solver has answered. The body is what did answer.
func (w *remote) unreached(ctx context.Context, err error, body []byte) error {
	group, solver := w.spec.GroupName, w.spec.SolverName
	switch {
	case errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("the webhook %s/%s does not answer: %w", group, solver, err)
	case apierrors.IsForbidden(err):
		// Who may not ask is told nothing of what there is.
		if fault := w.unserved(ctx); fault != nil {
			return fault
		}
		return w.forbidden(body)
	case apierrors.IsNotFound(err), apierrors.IsMethodNotSupported(err):
		if fault := w.unserved(ctx); fault != nil {
			return fault
		}
		return challenges.Faulty("%s: the API server serves no solver %s/v1alpha1 %s: install the webhook, or correct groupName and solverName", webhookField, group, solver)
	case apierrors.IsServiceUnavailable(err):
		return undone{fmt.Sprintf("%s: the API server cannot reach the webhook: see why by `kubectl describe apiservice v1alpha1.%s`, and whether its pods run", webhookField, group)}
	}
	return fmt.Errorf("the webhook %s/%s: %s", group, solver, httpapi.Stable(err.Error()))
}

// unserved finds the fault in what the API server serves, which everybody may
// read who is signed in; nil when there is none, or it cannot tell.
func (w *remote) unserved(ctx context.Context) error {
	group, solver := w.spec.GroupName, w.spec.SolverName
	raw, err := w.api.Get().AbsPath("/apis", group, "v1alpha1").SetHeader("Accept", "application/json").Do(ctx).Raw()
	if apierrors.IsNotFound(err) {
		return challenges.Faulty("%s: the API server serves no API group %s in version v1alpha1: install the webhook, or correct groupName", webhookField, group)
	}
	names := solvers(raw)
	if err != nil || len(names) == 0 || slices.Contains(names, solver) {
		return nil
	}
	return challenges.Faulty("%s: the webhook %s has no solver %s, but %s: correct solverName", webhookField, group, solver, strings.Join(names, ", "))
}

// solvers are the names of what a group serves.
func solvers(discovery []byte) []string {
	var list metav1.APIResourceList
	if json.Unmarshal(discovery, &list) != nil {
		return nil
	}
	var names []string
	for _, resource := range list.APIResources {
		names = append(names, resource.Name)
	}
	slices.Sort(names)
	return names
}

// caller finds in the API server's words whom it takes us for.
var caller = regexp.MustCompile(`[Uu]ser \\?"([^"\\]+)\\?" cannot`)

// forbidden says how the right is given. Charts of webhooks give it to
// cert-manager's service account.
func (w *remote) forbidden(body []byte) error {
	who, account := "the daemon", ""
	if found := caller.FindSubmatch(body); found != nil {
		account = string(found[1])
		who = account
	}
	role, binding := api.GrantSolver(account, w.spec.GroupName, w.spec.SolverName)
	return challenges.Faulty("%s: %s may not create %s in the API group %s, which webhooks mostly allow cert-manager's service account only; allow it: `%s` and `%s`",
		webhookField, who, w.spec.SolverName, w.spec.GroupName, role, binding)
}
