// Package checks tells whether certwright can be used in a cluster: is the API
// there, does it take objects, is a daemon at work. It reads, and asks the API
// server to rehearse (dry run); it leaves nothing behind.
//
//	server ──> API groups ──> rehearsals
//	   └─────> Lease
//
// A check whose ground is missing is not made.
package checks

import (
	"context"
	"fmt"
	"time"

	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned/typed/certmanager/v1"
	"k8s.io/client-go/discovery"
	authorization "k8s.io/client-go/kubernetes/typed/authorization/v1"
	coordination "k8s.io/client-go/kubernetes/typed/coordination/v1"
)

// Verdict is how a check came out.
type Verdict string

// The verdicts. Only Failed keeps certwright from being used; Note is what is
// good to know, or what could not be looked at.
const (
	OK     Verdict = "ok"
	Failed Verdict = "failed"
	Note   Verdict = "note"
)

// Finding is the outcome of one check.
type Finding struct {
	Verdict Verdict `json:"verdict"`
	// Text says what was found.
	Text string `json:"text"`
	// Remedy says what would mend it.
	Remedy string `json:"remedy,omitempty"`
}

// API is what the checks ask.
type API struct {
	Discovery discovery.ServerVersionInterface
	Groups    discovery.ServerResourcesInterface
	Certs     cmclient.CertmanagerV1Interface
	Leases    coordination.CoordinationV1Interface
	Reviews   authorization.SelfSubjectAccessReviewsGetter
	// Namespace is where the rehearsals are held.
	Namespace string
	// Lease is where the daemon is looked for; with an empty name it is not.
	Lease LeaseName
}

// LeaseName is where a daemon says that it is at work.
type LeaseName struct{ Namespace, Name string }

// Run makes all checks, as of now.
func Run(ctx context.Context, api API, now time.Time) []Finding {
	version, err := api.Discovery.ServerVersion()
	if err != nil {
		return []Finding{{Failed, fmt.Sprintf("the API server does not answer: %v", err), "check that it runs, and that --context and --kubeconfig name the cluster you mean"}}
	}
	findings := []Finding{{OK, "the API server answers, Kubernetes " + version.GitVersion, ""}}
	served := checkGroups(api.Groups)
	findings = append(findings, served...)
	if Passed(served) {
		findings = append(findings, rehearse(ctx, api)...)
	}
	if api.Lease.Name != "" {
		findings = append(findings, checkLease(ctx, api, now))
	}
	return findings
}

// Passed reports whether no check failed.
func Passed(findings []Finding) bool { return FirstFailed(findings) == nil }

// FirstFailed returns the first failed check, or nil. The order of the checks
// makes it the cause of the later ones.
func FirstFailed(findings []Finding) *Finding {
	for i := range findings {
		if findings[i].Verdict == Failed {
			return &findings[i]
		}
	}
	return nil
}
