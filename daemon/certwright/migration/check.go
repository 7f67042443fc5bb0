package migration

import (
	"fmt"
	"slices"
	"strings"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

func ok(format string, args ...any) checks.Finding {
	return checks.Finding{Verdict: checks.OK, Text: fmt.Sprintf(format, args...)}
}

func note(remedy, format string, args ...any) checks.Finding {
	return checks.Finding{Verdict: checks.Note, Text: fmt.Sprintf(format, args...), Remedy: remedy}
}

func failed(remedy, format string, args ...any) checks.Finding {
	return checks.Finding{Verdict: checks.Failed, Text: fmt.Sprintf(format, args...), Remedy: remedy}
}

// Check tells what is there, what would change and what is in the way; only a
// failed finding is in the way.
func Check(c Cluster) (all []checks.Finding) {
	for _, part := range []func(Cluster) []checks.Finding{
		checkPrograms, checkDefinitions, checkAdmission, checkFlags, checkOwners, checkSolvers, checkWork, checkProspects, checkOurs,
	} {
		all = append(all, part(c)...)
	}
	for _, what := range c.Unread {
		all = append(all, note("ask for the right to read it, or let somebody check who has it", "could not be looked at: %s", what))
	}
	return all
}

func checkPrograms(c Cluster) (all []checks.Finding) {
	if len(c.the(Controller)) == 0 {
		all = append(all, note("if cert-manager runs elsewhere, stop it there; if there is none, install certwright: there is nothing to take over but its objects",
			"no Deployment of cert-manager's controller was found"))
	}
	if n := len(c.the(Controller)); n > 1 {
		all = append(all, failed("leave one: each makes requests of its own for the same Certificates", "there are %d Deployments of cert-manager's controller", n))
	}
	for _, role := range []Role{Controller, Webhook, CAInjector} {
		for _, w := range c.the(role) {
			all = append(all, ok("%s %s is deployment %s/%s, %d of %d ready", orElse(w.Version, "version unknown"), w.Role, w.Namespace, w.Name, w.Ready, w.Wanted))
			if old(w.Version) {
				all = append(all, failed("upgrade it to 1.12 or newer first: what older ones leave was not tested", "cert-manager %s is old", w.Version))
			}
		}
	}
	if c.Lease.Holder != "" {
		text := "Lease %s/%s is held by %s"
		if !c.Lease.Live {
			text = "Lease %s/%s was held by %s, who has not renewed it"
		}
		all = append(all, ok(text, c.Lease.Namespace, c.Lease.Name, c.Lease.Holder))
	}
	all = append(all, checkTurns(c)...)
	for _, n := range c.Neighbours {
		all = append(all, ok("%s goes on as it is", n))
	}
	return all
}

// checkTurns looks whether the Lease keeps the two from working at once.
func checkTurns(c Cluster) []checks.Finding {
	running := !c.all(Controller, Workload.off)
	switch {
	case running && c.Lease.ours():
		return []checks.Finding{failed("scale one of the two down at once", "cert-manager's controller runs, and certwright is at work")}
	case running && !c.Lease.theirs():
		return []checks.Finding{note("install certwright with no replicas until cert-manager is stopped, or name the namespace of its Lease with --leader-election-namespace",
			"cert-manager's controller runs and does not hold Lease %s/%s, so certwright would not wait for it", c.Lease.Namespace, c.Lease.Name)}
	}
	return nil
}

// old tells versions of cert-manager whose objects nobody tested with.
func old(version string) bool {
	var major, minor int
	if _, err := fmt.Sscanf(version, "v%d.%d.", &major, &minor); err != nil {
		return false
	}
	return major < 1 || major == 1 && minor < 12
}

func checkDefinitions(c Cluster) (all []checks.Finding) {
	if missing := len(Definitions) - len(c.Definitions); missing > 0 {
		all = append(all, failed("install them: kubectl apply --server-side -k deploy/crds", "%d of the %d CustomResourceDefinitions are missing", missing, len(Definitions)))
	}
	for _, d := range c.Definitions {
		if stored := slices.DeleteFunc(slices.Clone(d.Stored), func(v string) bool { return v == "v1" }); len(stored) > 0 {
			all = append(all, failed("rewrite the objects while cert-manager still converts them: cmctl upgrade migrate-api-version", "%s has objects stored as %s", d.Name, strings.Join(stored, ", ")))
		}
		if d.Release != "" && !d.Kept {
			all = append(all, failed("have Helm keep them: helm upgrade with crds.enabled=true and crds.keep=true in the values of that release",
				"%s goes when Helm release %s is uninstalled, and every object with it", d.Name, d.Release))
		}
	}
	if len(all) == 0 {
		all = append(all, ok("all %d CustomResourceDefinitions are there, store v1 alone, and stay", len(c.Definitions)))
	}
	return all
}

func checkAdmission(c Cluster) (all []checks.Finding) {
	for _, w := range c.Configurations {
		all = append(all, ok("%s %s is removed in the hand-over, and kept for the way back", w.Kind, w.Name))
	}
	if !c.Policies {
		all = append(all, note("install the admission policies, which need no program: kubectl apply -k deploy/policies",
			"once cert-manager's webhook is gone, faulty objects are accepted, and their faults show in conditions alone"))
	}
	return all
}

func checkFlags(c Cluster) (all []checks.Finding) {
	for _, w := range c.the(Controller) {
		t := Translate(w.Args)
		for _, f := range t.Flags {
			switch {
			case f.Effect == Unknown:
				all = append(all, failed("leave it out for certwright, or write what it means as an option of certwright's (certwright options)", "%s", f.describe()))
			case f.Effect == Without || f.Note != "":
				all = append(all, note("", "%s", f.describe()))
			}
		}
		if t.Fault != "" {
			all = append(all, failed("mend it in cert-manager's args first, or leave it out for certwright", "its flags together do not do: %s", t.Fault))
		}
		if len(t.Args) > 0 {
			all = append(all, ok("certwright is to be given: %s", strings.Join(t.Args, " ")))
		}
	}
	return all
}

// checkOwners names who would undo the hand-over.
func checkOwners(c Cluster) (all []checks.Finding) {
	said := map[string]bool{}
	for _, w := range c.Workloads {
		if w.Role == Ours || w.Owner == "" || said[w.Owner] {
			continue
		}
		said[w.Owner] = true
		if strings.HasPrefix(w.Owner, "Helm") {
			all = append(all, note("run no helm upgrade of it during the hand-over", "cert-manager belongs to %s", w.Owner))
		} else {
			all = append(all, note("suspend it during the hand-over, or set the replicas there as the plan says", "cert-manager belongs to %s, which may put back what the hand-over changes", w.Owner))
		}
	}
	return all
}

// checkSolvers names those that only cert-manager may call. One that nobody serves
// does not work for cert-manager either.
func checkSolvers(c Cluster) []checks.Finding { return checks.JudgeSolvers(c.Solvers, checks.Note) }

// checkWork tells what is under way; all of it goes on.
func checkWork(c Cluster) (all []checks.Finding) {
	counts, order := map[string]int{}, []string{}
	for _, u := range c.Underway {
		what := u.Kind + " (" + u.State + ")"
		if counts[what] == 0 {
			order = append(order, what)
		}
		counts[what]++
	}
	for _, what := range order {
		all = append(all, ok("under way and to be finished by certwright: %d %s", counts[what], what))
	}
	return all
}

// shown is how many Certificates a finding names.
const shown = 5

// checkProspects tells what would become of the Certificates.
func checkProspects(c Cluster) (all []checks.Finding) {
	by := map[string][]Prospect{}
	for _, p := range c.Prospects {
		by[p.Outlook] = append(by[p.Outlook], p)
	}
	for _, o := range outlooks {
		some := by[o.name]
		if len(some) == 0 {
			continue
		}
		text := fmt.Sprintf("%d %s", len(some), o.says)
		if !o.named {
			all = append(all, ok("%s", text))
			continue
		}
		for _, p := range some[:min(len(some), shown)] {
			text += fmt.Sprintf("\n%s/%s: %s", p.Namespace, p.Name, orElse(p.Why, "as asked for"))
		}
		if more := len(some) - shown; more > 0 {
			text += fmt.Sprintf("\nand %d more, which -o json names", more)
		}
		all = append(all, checks.Finding{Verdict: o.verdict, Text: text, Remedy: o.remedy})
	}
	return all
}

// outlooks are the words of handlers/certificates, the quiet ones first.
var outlooks = []struct {
	name, says string
	named      bool
	verdict    checks.Verdict
	remedy     string
}{
	{"stays", "Certificate(s) stay as they are: nothing is written", false, checks.OK, ""},
	{"tells", "Certificate(s) stay; their status is written", false, checks.OK, ""},
	{"dresses", "Certificate(s) stay; labels, annotations or keystores of their Secrets are written", false, checks.OK, ""},
	{"continues", "issuance(s) under way are finished", false, checks.OK, ""},
	{"waits", "Certificate(s) failed before and wait out their back-off", false, checks.OK, ""},
	{"issues", "Certificate(s) are issued for the first time", false, checks.OK, ""},
	{"renews", "Certificate(s) are due, and renewed", true, checks.Note, ""},
	{"restarts", "issuance(s) under way begin once more", true, checks.Note, "wait until cert-manager has finished them, if a second request to the issuer matters"},
	{"refused", "Certificate(s) cannot be served", true, checks.Note, "mend what the message names; what they hold stays"},
	{"reissues", "Certificate(s) would be issued anew, as what they have does not do", true, checks.Note, "cert-manager would do so too, or should have: look at each (certwright status certificate NAME) and mend it first, if it is not to be"},
}

func checkOurs(c Cluster) (all []checks.Finding) {
	for _, w := range c.the(Ours) {
		all = append(all, ok("certwright is %s %s/%s, %d of %d ready; it waits for the Lease", strings.ToLower(w.Kind), w.Namespace, w.Name, w.Ready, w.Wanted))
		if missing := missingArgs(c, w); len(missing) > 0 {
			all = append(all, note("add them to its args, or to extraArgs of the chart", "cert-manager has flags that certwright lacks: %s", strings.Join(missing, " ")))
		}
	}
	if len(c.the(Ours)) == 0 {
		all = append(all, note("install it now, which changes nothing yet: it waits for the Lease", "certwright is not installed in the cluster"))
	}
	return all
}

// missingArgs are those of cert-manager's flags that matter and that certwright
// was not given.
func missingArgs(c Cluster, ours Workload) (missing []string) {
	for _, w := range c.the(Controller) {
		for _, f := range Translate(w.Args).Flags {
			if f.Effect == Same && f.Note == "" && !slices.Contains(ours.Args, f.Given) {
				missing = append(missing, f.Given)
			}
		}
	}
	return missing
}
