package migration

import (
	"fmt"
	"slices"
	"strings"
)

// Step is one act of a hand-over.
type Step struct {
	// Name is one word, for who reads JSON.
	Name string `json:"name"`
	// Says is what it does and why now.
	Says string `json:"says"`
	// Commands do the same by hand.
	Commands []string `json:"commands"`
	// Done is whether the cluster already is as it leaves it.
	Done bool `json:"done"`
	// By is set where only a person can do it.
	By string `json:"by,omitempty"`

	act act
}

// act is what Do carries out.
type act struct {
	kind      actKind
	role      Role // of scaleDown, scaleUp
	waitLease func(Lease) bool
}

type actKind int

const (
	nothing actKind = iota
	keep
	scaleDown
	scaleUp
	unhook
	rehook
	plain
	await
	forget
)

// There are the steps by which certwright takes cert-manager's place.
func There(c Cluster) []Step {
	freed := func(l Lease) bool { return !l.theirs() }
	steps := []Step{{
		Name: "keep", Says: "Keep what the way back needs in ConfigMap " + c.Namespace + "/" + SavedName, Done: c.Saved != nil || !c.standing(), act: act{kind: keep},
		Commands: keepCommands(c),
	}}
	steps = append(steps, c.down(CAInjector, "Stop cainjector: certwright injects CA bundles, and two writers would quarrel", nil)...)
	steps = append(steps, c.down(Controller, fmt.Sprintf("Stop cert-manager's controller, and wait until Lease %s/%s is free", c.Lease.Namespace, c.Lease.Name), freed)...)
	steps = append(steps, c.unhook(), c.plainDefinitions())
	steps = append(steps, c.down(Webhook, "Stop cert-manager's webhook, which nothing leads to any more", nil)...)
	return append(steps, c.ours())
}

// standing reports whether anything of cert-manager's is there to be kept.
func (c Cluster) standing() bool {
	return len(c.Configurations) > 0 || slices.ContainsFunc(c.Workloads, func(w Workload) bool { return w.Role != Ours && w.Wanted > 0 })
}

// down stops all Deployments of a role.
func (c Cluster) down(role Role, says string, freed func(Lease) bool) []Step {
	some := c.the(role)
	if len(some) == 0 {
		return nil
	}
	s := Step{Name: "stop-" + string(role), Says: says, Done: c.all(role, Workload.off) && (freed == nil || freed(c.Lease)), act: act{scaleDown, role, freed}}
	for _, w := range some {
		s.Commands = append(s.Commands, "kubectl scale "+w.where()+" --replicas=0")
	}
	if freed != nil {
		s.Commands = append(s.Commands, fmt.Sprintf("kubectl get lease -n %s %s -o jsonpath='{.spec.holderIdentity}'   # until it is empty", c.Lease.Namespace, c.Lease.Name))
	}
	return []Step{s}
}

func keepCommands(c Cluster) (commands []string) {
	for _, w := range c.Configurations {
		commands = append(commands, fmt.Sprintf("kubectl get %s %s -o yaml > %s-%s.yaml", strings.ToLower(w.Kind), w.Name, strings.ToLower(w.Kind), w.Name))
	}
	for _, w := range c.Workloads {
		if w.Role != Ours {
			commands = append(commands, "kubectl get "+w.where()+" -o jsonpath='{.spec.replicas}'")
		}
	}
	return commands
}

func (c Cluster) unhook() Step {
	s := Step{Name: "unhook", Done: len(c.Configurations) == 0, act: act{kind: unhook},
		Says: "Remove cert-manager's webhook configurations: without its pods they would have every change of a Certificate refused"}
	for _, w := range c.Configurations {
		s.Commands = append(s.Commands, fmt.Sprintf("kubectl delete %s %s", strings.ToLower(w.Kind), w.Name))
	}
	return s
}

func (c Cluster) plainDefinitions() Step {
	s := Step{Name: "plain-crds", Done: true, act: act{kind: plain},
		Says: "Have the API server serve the CustomResourceDefinitions without a conversion webhook"}
	for _, d := range c.Definitions {
		if d.Converts {
			s.Done = false
			s.Commands = append(s.Commands, fmt.Sprintf("kubectl patch crd %s --type=merge -p '%s'", d.Name, plainPatch))
		}
	}
	return s
}

const plainPatch = `{"spec":{"conversion":{"strategy":"None","webhook":null}}}`

// ours is certwright at work.
func (c Cluster) ours() Step {
	s := Step{Name: "start-certwright", Done: c.Lease.ours(), act: act{scaleUp, Ours, Lease.ours},
		Says: "Have certwright at work; it takes the Lease, and goes on with what cert-manager began"}
	some := c.the(Ours)
	for _, w := range some {
		if w.Kind != daemonSet && w.Wanted == 0 {
			s.Commands = append(s.Commands, fmt.Sprintf("kubectl scale %s --replicas=%d", w.where(), c.Saved.replicas(w)))
		}
	}
	s.Commands = append(s.Commands, fmt.Sprintf("certwright check api --wait 2m --leader-election-namespace %s", c.Lease.Namespace))
	if len(some) == 0 && !s.Done {
		s.By = "install and start certwright: helm install, kubectl apply -k deploy/deployment, or systemctl start certwright"
	}
	return s
}

// Back are the steps by which cert-manager takes its place again.
func Back(c Cluster) []Step {
	freed := func(l Lease) bool { return !l.ours() }
	steps := []Step{c.oursDown(freed)}
	steps = append(steps, c.up(Webhook, "Start cert-manager's webhook, and wait until it is ready", nil)...)
	steps = append(steps, c.rehook())
	steps = append(steps, c.up(CAInjector, "Start cainjector", nil)...)
	steps = append(steps, c.up(Controller, "Start cert-manager's controller, and wait until it has the Lease", Lease.theirs)...)
	return append(steps, Step{
		Name: "forget", Says: "Remove what was kept for the way back", Done: c.Saved == nil, act: act{kind: forget},
		Commands: []string{fmt.Sprintf("kubectl delete configmap -n %s %s", c.Namespace, SavedName)},
	})
}

func (c Cluster) oursDown(freed func(Lease) bool) Step {
	// Once cert-manager has the Lease, certwright may stand by.
	s := Step{Name: "stop-certwright", Says: "Stop certwright, and wait until the Lease is free", act: act{scaleDown, Ours, freed}, Done: c.Lease.theirs() || c.all(Ours, Workload.off) && freed(c.Lease)}
	for _, w := range c.the(Ours) {
		if w.Kind == daemonSet {
			s.By = fmt.Sprintf("delete it, or give it a nodeSelector that no node has: daemonset %s/%s", w.Namespace, w.Name)
			continue
		}
		s.Commands = append(s.Commands, "kubectl scale "+w.where()+" --replicas=0")
	}
	if len(c.the(Ours)) == 0 && !s.Done {
		s.By = "stop certwright where it runs, which is not in this cluster: systemctl stop certwright"
	}
	return s
}

// up starts all Deployments of a role as they were.
func (c Cluster) up(role Role, says string, held func(Lease) bool) []Step {
	some := c.the(role)
	if len(some) == 0 {
		return nil
	}
	s := Step{Name: "start-" + string(role), Says: says, Done: c.all(role, Workload.ready) && (held == nil || held(c.Lease)), act: act{scaleUp, role, held}}
	for _, w := range some {
		s.Commands = append(s.Commands, fmt.Sprintf("kubectl scale %s --replicas=%d", w.where(), c.Saved.replicas(w)), "kubectl rollout status "+w.where())
	}
	return []Step{s}
}

func (c Cluster) rehook() Step {
	s := Step{Name: "rehook", Says: "Put cert-manager's webhook configurations back", Done: len(c.lacking()) == 0, act: act{kind: rehook}}
	for _, w := range c.lacking() {
		s.Commands = append(s.Commands, fmt.Sprintf("kubectl create -f %s-%s.yaml", strings.ToLower(w.Kind), w.Name))
	}
	return s
}

// lacking are the configurations that were kept and are not there.
func (c Cluster) lacking() (missing []Configuration) {
	if c.Saved == nil {
		return nil
	}
	for _, kept := range c.Saved.Configurations {
		if !slices.ContainsFunc(c.Configurations, func(is Configuration) bool { return is.Kind == kept.Kind && is.Name == kept.Name }) {
			missing = append(missing, kept)
		}
	}
	return missing
}

// Left are the steps that are not done.
func Left(steps []Step) []Step {
	return slices.DeleteFunc(slices.Clone(steps), func(s Step) bool { return s.Done })
}
