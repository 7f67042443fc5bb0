package doctor

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/certwright/checks"
	"github.com/certwright/certwright/daemon/connection"
)

// slowLine is a time for one small request above which issuing is felt to be slow.
const slowLine = time.Second

// soon is how long before their end credentials are worth a word.
const soon = 24 * time.Hour

// Judge tells what the facts mean, in the order in which to mend it: what comes
// first may be the cause of what comes later.
func Judge(f Facts, now time.Time) []Finding {
	all := f.server(now)
	if f.Server.Fault != "" {
		return all
	}
	for _, part := range []func() []Finding{f.api, f.definitions, f.rights, f.policies, f.webhooks, f.dns, f.issuers, f.solvers, f.responder} {
		all = append(all, part()...)
	}
	all = append(all, f.stuck(now)...)
	all = append(all, f.secrets()...)
	for _, part := range sortedKeys(f.Unseen) {
		all = append(all, Finding{part, Warn, "could not be looked at: " + f.Unseen[part], "ask somebody who may read that, or act as such (--as, --context)"})
	}
	return all
}

func (f Facts) server(now time.Time) []Finding {
	const area = "server"
	s := f.Server
	if s.Fault != "" {
		return []Finding{{area, Fail, fmt.Sprintf("%s does not serve us: %s", s.Host, s.Fault), s.Remedy}}
	}
	all := []Finding{{area, OK, fmt.Sprintf("%s answers in %s", s.Host, s.Latency.Round(time.Millisecond)), ""}}
	if s.Latency > slowLine {
		all[0].Verdict, all[0].Remedy = Warn, "look at the line and at the load of the API server; each certificate takes four requests one after the other"
	}
	if s.Skew.Abs() > connection.Tolerance {
		all = append(all, Finding{"clock", Fail, connection.SkewText(s.Skew), connection.SkewRemedy})
	} else {
		all = append(all, Finding{"clock", OK, "this machine's clock agrees with the API server's", ""})
	}
	who := Finding{"identity", OK, fmt.Sprintf("you are %s, by %s", orUnknown(s.Who), s.Credentials), ""}
	if !s.Until.IsZero() && s.Until.Sub(now) < soon {
		who.Verdict, who.Remedy = Warn, "these credentials end at "+s.Until.UTC().Format(time.RFC3339)+"; put new ones into the kubeconfig before: the daemon reads it again by itself"
	}
	return append(all, who)
}

func orUnknown(who string) string {
	if who == "" {
		return "somebody whose name the API server does not tell"
	}
	return who
}

func (f Facts) api() []Finding { return takenOver("api", f.Checks) }

// takenOver is what package checks found.
func takenOver(area string, found []checks.Finding) (all []Finding) {
	for _, c := range found {
		v := map[checks.Verdict]Verdict{checks.OK: OK, checks.Note: Warn, checks.Failed: Fail}[c.Verdict]
		all = append(all, Finding{area, v, c.Text, c.Remedy})
	}
	return all
}

const applyCRDs = "kubectl apply -k deploy/crds"

func (f Facts) definitions() (all []Finding) {
	const area = "crds"
	for _, d := range f.Definitions {
		switch {
		case d.Missing:
			all = append(all, Finding{area, Fail, d.Name + " is missing", applyCRDs})
			continue
		case d.Going:
			all = append(all, Finding{area, Fail, d.Name + " is being deleted, and all its objects with it", "find what holds it up (kubectl get crd " + d.Name + " -o yaml), then " + applyCRDs})
		case d.NoStatus:
			all = append(all, Finding{area, Fail, d.Name + " has no status subresource", applyCRDs})
		case len(d.Lacks) > 0:
			all = append(all, Finding{area, Warn, d.Name + " is older than this certwright and drops " + strings.Join(d.Lacks, ", "), applyCRDs})
		}
		if c := d.Converter; c != nil && c.Ready == 0 {
			all = append(all, Finding{area, Fail, fmt.Sprintf("objects of %s are converted by the Service %s/%s, which nobody answers for: none can be read or written", d.Name, c.Namespace, c.Name),
				applyCRDs + ", which need no conversion"})
		}
	}
	if len(all) == 0 && len(f.Definitions) > 0 {
		all = append(all, Finding{area, OK, fmt.Sprintf("%d CustomResourceDefinitions know every field that is used", len(f.Definitions)), ""})
	}
	return all
}

func (f Facts) rights() []Finding {
	const area = "rights"
	switch r := f.Rights; {
	case r.Asked == 0:
		return nil
	case len(r.Missing) > 0:
		return []Finding{{area, Fail, fmt.Sprintf("%s may not: %s", r.Of, strings.Join(r.Missing, "; ")), "kubectl apply -k deploy/rbac; if this is not the daemon's account, name that with --account"}}
	default:
		return []Finding{{area, OK, fmt.Sprintf("%s has all %d rights that the daemon asks for", r.Of, r.Asked), ""}}
	}
}

func (f Facts) policies() []Finding {
	const area, apply = "policies", "kubectl apply -k deploy/policies"
	switch p := f.Policies; {
	case f.Unseen[area] != "":
		return nil
	case !p.Served:
		return []Finding{{area, Warn, "the API server is too old for admission policies: faults show only as conditions", "upgrade to Kubernetes 1.30 or later, then " + apply}}
	case len(p.Missing) > 0:
		return []Finding{{area, Warn, "not installed, so that faults show only as conditions: " + strings.Join(p.Missing, ", "), apply}}
	case len(p.Unbound) > 0:
		return []Finding{{area, Warn, "installed without a binding, which does nothing: " + strings.Join(p.Unbound, ", "), apply}}
	default:
		return []Finding{{area, OK, "the admission policies are installed and bound", ""}}
	}
}

func (f Facts) webhooks() (all []Finding) {
	const area = "webhooks"
	for _, w := range f.Webhooks {
		if w.Backend == nil || w.Backend.Ready > 0 {
			continue
		}
		text := fmt.Sprintf("%s %s sends objects of cert-manager.io to the Service %s/%s, which nobody answers for", w.Kind, w.Configuration, w.Backend.Namespace, w.Backend.Name)
		remedy := fmt.Sprintf("start what should answer; if it is left over from cert-manager: kubectl delete %s %s", strings.ToLower(w.Kind), w.Configuration)
		if w.Blocks {
			all = append(all, Finding{area, Fail, text + ": they can be neither created nor changed", remedy})
		} else {
			all = append(all, Finding{area, Warn, text + "; its failurePolicy lets them pass, after a wait", remedy})
		}
	}
	if len(all) == 0 && f.Unseen[area] == "" {
		all = append(all, Finding{area, OK, fmt.Sprintf("%d admission webhooks see objects of cert-manager.io, and none of them is dead", len(f.Webhooks)), ""})
	}
	return slices.Compact(all)
}
