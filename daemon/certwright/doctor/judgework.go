package doctor

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

func (f Facts) dns() (all []Finding) {
	for _, r := range f.Resolvers {
		if r.Fault != "" {
			all = append(all, Finding{"dns", Fail, fmt.Sprintf("the name server %s does not answer: %s", r.Address, r.Fault), "check /etc/resolv.conf, --dns01-recursive-nameservers and firewalls (port 53, UDP and TCP)"})
			continue
		}
		all = append(all, Finding{"dns", OK, fmt.Sprintf("the name server %s answers in %s", r.Address, r.Took.Round(time.Millisecond)), ""})
	}
	return all
}

func (f Facts) issuers() (all []Finding) {
	ready := 0
	for _, i := range f.Issuers {
		name := strings.ToLower(i.Kind) + " " + strings.TrimPrefix(i.Namespace+"/"+i.Name, "/")
		switch {
		case i.Fault != "":
			all = append(all, Finding{"issuers", Fail, fmt.Sprintf("%s: %s does not answer as it should: %s", name, i.URL, i.Fault), issuerRemedy(i)})
		case !i.Ready:
			all = append(all, Finding{"issuers", Fail, fmt.Sprintf("%s is not ready: %s", name, orNothing(i.Message)), "certwright status -A; the message names the field"})
		case i.Unlooked != "":
			all = append(all, Finding{"issuers", Warn, fmt.Sprintf("%s: %s was not asked: %s", name, i.URL, i.Unlooked), ""})
		case i.URL != "":
			all = append(all, Finding{"issuers", OK, fmt.Sprintf("%s: %s answers in %s", name, i.URL, i.Took.Round(time.Millisecond)), ""})
		default:
			ready++
		}
	}
	if ready > 0 {
		all = append(all, Finding{"issuers", OK, fmt.Sprintf("%d issuers that ask no server are ready", ready), ""})
	}
	return all
}

func issuerRemedy(i Issuer) string {
	switch {
	case strings.Contains(i.Fault, "certificate"):
		return "put the CA of that server into the issuer's caBundle, or give the server a certificate for that name"
	case strings.Contains(i.Fault, "sealed"):
		return "unseal Vault: vault operator unseal"
	}
	return "check the issuer's server field, the DNS, and proxies and firewalls from where the daemon runs"
}

// solvers are as the issuers that name them: one that nobody serves is to mend.
func (f Facts) solvers() []Finding {
	return takenOver("solvers", checks.JudgeSolvers(f.Solvers, checks.Failed))
}

func orNothing(message string) string {
	if message == "" {
		return "nobody has looked at it yet; is a daemon at work?"
	}
	return message
}

func (f Facts) responder() []Finding {
	const area = "http01"
	switch r := f.Responder; {
	case !r.Needed:
		return nil
	case r.Address == "":
		return []Finding{{area, Warn, "issuers prove names by HTTP-01, and where the daemon answers is not known to the doctor",
			"in a pod that is POD_IP; outside the cluster set --acme-http01-solver-address, and give it to the doctor after --"}}
	case r.Fault != "":
		return []Finding{{area, Fail, fmt.Sprintf("nobody answers HTTP-01 validation at %s: %s", r.Address, r.Fault), "check --acme-http01-solver-address and --acme-http01-solver-listen-address, and firewalls between the ingress controller and there"}}
	default:
		return []Finding{{area, OK, "HTTP-01 validation is answered at " + r.Address + ", as seen from here; the ingress controller must reach it, too", ""}}
	}
}

// patient is how long an object may take to go away.
const patient = 10 * time.Minute

func (f Facts) stuck(now time.Time) (all []Finding) {
	for _, s := range f.Stuck {
		if now.Sub(s.Since) < patient {
			continue
		}
		name := fmt.Sprintf("%s %s/%s", s.Kind, s.Namespace, s.Name)
		all = append(all, Finding{"stuck", Warn, fmt.Sprintf("%s is being deleted since %s, and held by %s", name, s.Since.UTC().Format(time.RFC3339), strings.Join(s.Finalizers, ", ")),
			fmt.Sprintf("see that a daemon is at work, which takes back what was presented; if that is gone anyway: kubectl -n %s patch %s %s --type=merge -p '{\"metadata\":{\"finalizers\":null}}'", s.Namespace, strings.ToLower(s.Kind), s.Name)})
	}
	return all
}

func (f Facts) secrets() (all []Finding) {
	for _, s := range f.Secrets {
		v, remedy := Warn, "delete it, and it is made anew with the right type"
		if s.Harmful {
			v, remedy = Fail, "store a certificate with its own key; of a Certificate, delete the Secret and it is issued anew"
		}
		all = append(all, Finding{"secrets", v, fmt.Sprintf("Secret %s/%s of %s: %s", s.Namespace, s.Name, s.Of, s.Fault), remedy})
	}
	if len(all) == 0 && f.Unseen["secrets"] == "" {
		all = append(all, Finding{"secrets", OK, "keys and certificates in Secrets belong together", ""})
	}
	return all
}

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
