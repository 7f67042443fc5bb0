package migration

import (
	"encoding/json"
	"time"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

// Role is what a program of cert-manager does.
type Role string

// The roles, by the names that cert-manager's manifests give them.
const (
	Controller Role = "cert-manager"
	CAInjector Role = "cainjector"
	Webhook    Role = "webhook"
	// Ours is certwright itself.
	Ours Role = "certwright"
)

// Workload is a Deployment of cert-manager's or of ours.
type Workload struct {
	Role      Role   `json:"role"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Kind is Deployment, or DaemonSet for one of ours.
	Kind    string `json:"kind"`
	Version string `json:"version,omitempty"`
	// Wanted is how many replicas it is to have, Running how many pods there are
	// and Ready how many of them answer.
	Wanted  int32    `json:"wanted"`
	Running int32    `json:"running"`
	Ready   int32    `json:"ready"`
	Args    []string `json:"args,omitempty"`
	// Account is the service account of its pods, as the API server names it.
	Account string `json:"account,omitempty"`
	// Owner names who keeps it as it is: a Helm release, Argo CD, Flux; empty for
	// nobody that can be seen.
	Owner string `json:"owner,omitempty"`
	// Observed reports whether Running and Ready are about the present Wanted.
	Observed bool `json:"-"`
}

// where is how kubectl is told of it.
func (w Workload) where() string {
	return "-n " + w.Namespace + " " + map[bool]string{true: "daemonset/", false: "deployment/"}[w.Kind == daemonSet] + w.Name
}

// off reports whether none of it is at work, nor will be.
func (w Workload) off() bool { return w.Wanted == 0 && w.Running == 0 && w.Observed }

// ready reports whether all of it is at work.
func (w Workload) ready() bool { return w.Wanted > 0 && w.Ready >= w.Wanted && w.Observed }

const daemonSet = "DaemonSet"

// Definition is a CustomResourceDefinition of the two groups.
type Definition struct {
	Name   string   `json:"name"`
	Stored []string `json:"stored"`
	// Converts is set where objects are converted by a webhook.
	Converts bool `json:"converts"`
	// Release is the Helm release that it belongs to; Kept is whether that leaves
	// it when it is uninstalled.
	Release string `json:"release,omitempty"`
	Kept    bool   `json:"kept"`
}

// Configuration is a webhook configuration of cert-manager's.
type Configuration struct {
	// Kind is ValidatingWebhookConfiguration or MutatingWebhookConfiguration.
	Kind string `json:"kind"`
	Name string `json:"name"`
	// Raw is the object as JSON, without what the API server adds.
	Raw json.RawMessage `json:"raw"`
}

// Lease is who works, as far as the Lease tells.
type Lease struct {
	Namespace, Name string
	// Holder is empty when nobody holds it.
	Holder string
	// Live is false once the holder should have renewed it and has not.
	Live bool
	// Until is when that will be so.
	Until time.Time
}

// Prospect is what certwright would do with one Certificate.
type Prospect struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// Outlook is one of the words of handlers/certificates: stays, tells, dresses,
	// continues, restarts, renews, issues, reissues, waits, refused.
	Outlook string `json:"outlook"`
	Why     string `json:"why,omitempty"`
}

// Underway is work that cert-manager has begun.
type Underway struct {
	Kind      string `json:"kind"`
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	// State is how far it has come, in the words of its status.
	State string `json:"state"`
}

// Cluster is what was read.
type Cluster struct {
	Workloads      []Workload
	Definitions    []Definition
	Configurations []Configuration
	Lease          Lease
	// Neighbours are programs beside cert-manager that go on as they are.
	Neighbours []string
	// Policies reports whether bad objects are refused without cert-manager's
	// webhook.
	Policies bool
	// Prospects is nil when it was not asked for.
	Prospects []Prospect
	Underway  []Underway
	// Solvers are those of others that issuers in scope name.
	Solvers []checks.Solver
	// Saved is what an earlier step kept; nil when there is none.
	Saved *Saved
	// Namespace is where the ConfigMap of Saved is, or would be.
	Namespace string
	// Unread are things that could not be looked at, with the reason.
	Unread []string
}

// the returns the workloads of a role.
func (c Cluster) the(r Role) (found []Workload) {
	for _, w := range c.Workloads {
		if w.Role == r {
			found = append(found, w)
		}
	}
	return found
}

// all reports whether something holds of each workload of a role.
func (c Cluster) all(r Role, is func(Workload) bool) bool {
	for _, w := range c.the(r) {
		if !is(w) {
			return false
		}
	}
	return true
}

// theirs reports whether cert-manager holds the Lease.
func (l Lease) theirs() bool { return l.Holder != "" && l.Live && fromCertManager(l.Holder) }

// ours reports whether certwright holds it.
func (l Lease) ours() bool { return l.Holder != "" && l.Live && !fromCertManager(l.Holder) }
