package checks

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	authorizationv1 "k8s.io/api/authorization/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/discovery"

	"github.com/certwright/certwright/daemon/certwright/page"
	"github.com/certwright/certwright/internal/api"
)

// Solver is a DNS01 webhook solver of somebody else's, which the daemon calls
// behind an aggregated API.
type Solver struct {
	Group string `json:"groupName"`
	Name  string `json:"solverName"`
	// Issuers name it, each as Kind NAMESPACE/NAME.
	Issuers []string `json:"issuers"`
	// Fault is what is wrong with what the API server serves by these names, and
	// Remedy what mends it; empty when it serves the solver.
	Fault  string `json:"fault,omitempty"`
	Remedy string `json:"remedy,omitempty"`
	// Absent is set where the API server serves no such solver, so that a right to
	// it means nothing.
	Absent bool `json:"absent,omitempty"`
	// Account is whom the right is asked for, as far as that is known; May whether
	// it has it, and Unasked why that could not be asked.
	Account string `json:"account,omitempty"`
	May     bool   `json:"may"`
	Unasked string `json:"unasked,omitempty"`
}

// SolversOf are the webhook solvers that issuers name, each once, without those
// that certwright serves itself.
func SolversOf(issuers []cmapi.GenericIssuer) (all []Solver) {
	users := map[[2]string][]string{}
	for _, issuer := range issuers {
		if issuer.GetSpec().ACME == nil {
			continue
		}
		for _, s := range issuer.GetSpec().ACME.Solvers {
			if s.DNS01 != nil && s.DNS01.Webhook != nil && s.DNS01.Webhook.GroupName != api.LegoGroup {
				names := [2]string{s.DNS01.Webhook.GroupName, s.DNS01.Webhook.SolverName}
				users[names] = append(users[names], nameOf(issuer))
			}
		}
	}
	for names, issuers := range users {
		slices.Sort(issuers)
		all = append(all, Solver{Group: names[0], Name: names[1], Issuers: slices.Compact(issuers)})
	}
	slices.SortFunc(all, func(a, b Solver) int { return cmp.Or(cmp.Compare(a.Group, b.Group), cmp.Compare(a.Name, b.Name)) })
	return all
}

func nameOf(issuer cmapi.GenericIssuer) string {
	if issuer.GetNamespace() == "" {
		return cmapi.ClusterIssuerKind + " " + issuer.GetName()
	}
	return cmapi.IssuerKind + " " + issuer.GetNamespace() + "/" + issuer.GetName()
}

// AskSolvers fills in whether the API server serves the solvers, and whether an
// account may call them. The name is the account's for who reads of it.
func AskSolvers(ctx context.Context, served discovery.ServerResourcesInterface, account Account, name string, all []Solver) {
	for i := range all {
		s := &all[i]
		s.Account = name
		err := s.lookup(served)
		if err == nil && !s.Absent {
			s.May, err = account.May(ctx, authorizationv1.ResourceAttributes{Verb: "create", Group: s.Group, Version: api.SolverVersion, Resource: s.Name})
		}
		if err != nil {
			s.Unasked = err.Error()
		}
	}
}

// lookup finds out what the API server serves by a solver's names. Errors: it
// does not tell.
func (s *Solver) lookup(served discovery.ServerResourcesInterface) error {
	if !nameable(s.Group) || !nameable(s.Name) {
		s.absent("groupName and solverName must both be set to what an API server can serve", "correct them, as the webhook's own documentation has them")
		return nil
	}
	list, err := served.ServerResourcesForGroupVersion(s.Group + "/" + api.SolverVersion)
	switch {
	case apierrors.IsNotFound(err):
		s.absent(fmt.Sprintf("the API server serves no API group %s in version %s", s.Group, api.SolverVersion), "install the webhook, or correct groupName")
	case apierrors.IsServiceUnavailable(err):
		s.Fault = "the API server cannot reach the webhook"
		s.Remedy = "see why by kubectl describe apiservice " + api.SolverVersion + "." + s.Group + ", and whether its pods run"
	case err != nil:
		return fmt.Errorf("look whether it is served: %w", err)
	default:
		s.among(list.APIResources)
	}
	return nil
}

// nameable reports whether an API server can serve something by a name. It also
// keeps what else could be in an Issuer out of commands and lines.
func nameable(name string) bool {
	return name != "" && name == api.ShellWord(name) && !strings.ContainsAny(name, "/:@")
}

// payloadKind is the kind of what solvers take (contract 1.4). To whatever else is
// served by these names nobody is to be given a right because an Issuer says so.
const payloadKind = "ChallengePayload"

func (s *Solver) among(resources []metav1.APIResource) {
	var names []string
	for _, r := range resources {
		if r.Kind == payloadKind {
			names = append(names, r.Name)
		}
		if r.Name != s.Name {
			continue
		}
		if r.Kind != payloadKind {
			s.absent(fmt.Sprintf("what is served by that name is no solver: it takes %s, and not %s", cmp.Or(r.Kind, "nothing"), payloadKind), "correct groupName and solverName")
		}
		return
	}
	slices.Sort(names)
	has := "it has none"
	if len(names) > 0 {
		has = "it has " + strings.Join(names, ", ")
	}
	s.absent(fmt.Sprintf("the webhook %s has no such solver: %s", s.Group, has), "correct solverName")
}

func (s *Solver) absent(fault, remedy string) { s.Absent, s.Fault, s.Remedy = true, fault, remedy }

// shownIssuers is how many issuers a finding names.
const shownIssuers = 5

// JudgeSolvers tells what is wrong with solvers; faulty is the verdict on those
// that nobody could call.
func JudgeSolvers(all []Solver, faulty Verdict) (findings []Finding) {
	for _, s := range all {
		name := "the webhook solver " + page.Clean(s.Group+"/"+s.Name)
		who := cmp.Or(s.Account, "your account")
		if s.Fault != "" {
			findings = append(findings, Finding{faulty, name + ": " + s.Fault + s.users(), s.Remedy})
		}
		switch {
		case s.Absent:
		case s.Unasked != "":
			findings = append(findings, Finding{Note, fmt.Sprintf("whether %s may call %s could not be asked: %s%s", who, name, s.Unasked, s.users()),
				fmt.Sprintf("have somebody check who may create subjectaccessreviews, or ask as that account: kubectl auth can-i create %s.%s", s.Name, s.Group)})
		case !s.May:
			role, binding := api.GrantSolver(s.Account, s.Group, s.Name)
			findings = append(findings, Finding{Failed, fmt.Sprintf("%s may not call %s, so that Challenges would wait%s", who, name, s.users()),
				"let it, as webhooks mostly allow cert-manager's service account only; if certwright is to have another account, name that with --account\n" + role + "\n" + binding})
		case s.Fault == "":
			findings = append(findings, Finding{OK, who + " may call " + name, ""})
		}
	}
	return findings
}

// users is a line for each issuer that names the solver.
func (s Solver) users() string {
	text := "\nused by " + strings.Join(s.Issuers[:min(len(s.Issuers), shownIssuers)], "\nused by ")
	if more := len(s.Issuers) - shownIssuers; more > 0 {
		text += fmt.Sprintf("\nand by %d more", more)
	}
	return text
}
