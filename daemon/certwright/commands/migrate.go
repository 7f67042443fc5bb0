package commands

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/rest"

	"github.com/certwright/certwright/daemon/certwright/checks"
	"github.com/certwright/certwright/daemon/certwright/migration"
	"github.com/certwright/certwright/daemon/certwright/page"
	"github.com/certwright/certwright/daemon/config"
)

// Foresee tells what the daemon would do with each Certificate, without doing it.
type Foresee func(ctx context.Context, rc *rest.Config, cfg config.Config) ([]migration.Prospect, error)

func (p *program) migrateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "migrate",
		Short: "Take cert-manager's place, and give it back",
		Long: `Take the place of a running cert-manager, and give it back.

What cert-manager issued stays as it is, and what it began is finished: certwright
serves the same objects. "check" tells beforehand what would change, certificate
by certificate, and what is in the way. "run" goes step by step and can be cut off
anywhere: run again, it goes on. "back" is the same the other way.`,
		Example: `  certwright migrate check
  certwright migrate plan
  certwright migrate run
  certwright migrate back`,
		Args: noSuchCommand,
		RunE: func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.migrateCheckCommand(), p.migratePlanCommand(),
		p.migrateRunCommand("run", "Hand over to certwright, step by step", migration.There, true),
		p.migrateRunCommand("back", "Give cert-manager its place back, step by step", migration.Back, false))
	return cmd
}

// lookTime bounds how long it takes to read all that a check is about.
const lookTime = 2 * time.Minute

var errMigrationFailed = errors.New("cert-manager cannot be replaced yet; what is marked as failed says what to do")

func (p *program) migrateCheckCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "check",
		Short: "Tell what there is, what would change and what is in the way",
		Long: `Look at cert-manager and its objects, and tell what there is, what would change if
certwright took over now, and what is in the way. It only reads. What would become
of each Certificate is decided by the daemon's own code, over what the cluster
holds. Whether certwright may call the DNS01 webhook solvers that issuers name is
asked for its account. The exit code is 0 if nothing is in the way.`,
		Example: `  certwright migrate check
  certwright migrate check -o json | jq '.certificates[] | select(.outlook == "reissues")'`,
		Args: cobra.NoArgs,
	}
	flags, out := clusterFlags(cmd), outputFlag(cmd)
	lease, account := leaseFlag(cmd), accountFlag(cmd)
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		if err := out.check(); err != nil {
			return err
		}
		c, err := p.lookAtAll(cmd.Context(), flags, *lease, *account)
		if err != nil {
			return err
		}
		return p.reportMigration(c, out)
	})
	return cmd
}

// leaseFlag names where the Lease is, where cert-manager's flags do not tell.
func leaseFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("leader-election-namespace", "", "namespace of the Lease; empty takes what cert-manager's flags say")
}

// accountFlag names certwright's account, where its pods do not tell.
func accountFlag(cmd *cobra.Command) *string {
	return cmd.Flags().String("account", "", "who certwright will be to the API server, such as the user of its kubeconfig; empty takes the account of its pods, or system:serviceaccount:cert-manager:certwright while there are none")
}

// lookAtAll reads everything, and has the daemon foresee.
func (p *program) lookAtAll(ctx context.Context, flags *genericclioptions.ConfigFlags, lease, account string) (migration.Cluster, error) {
	c, err := p.connect(flags, p.streams.ErrOut)
	if err != nil {
		return migration.Cluster{}, err
	}
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	reader := p.migrationReader(c, lease)
	reader.Account = account
	return reader.ReadAll(ctx, p.now())
}

func (p *program) migrationReader(c cluster, lease string) migration.Reader {
	reader := migration.Reader{
		Kube: c.kube, Certs: c.certs, Dynamic: c.dynamic, LeaseNamespace: lease, LeaseName: config.Default().LeaderElectionLeaseName,
	}
	if p.foresee != nil {
		reader.Prospects = func(ctx context.Context, args []string) ([]migration.Prospect, error) {
			cfg, err := migration.Config(args)
			if err != nil {
				return nil, err
			}
			return p.foresee(ctx, c.config, cfg)
		}
	}
	return reader
}

// reportMigration prints what was found; JSON has every Certificate.
func (p *program) reportMigration(c migration.Cluster, out *output) error {
	findings := migration.Check(c)
	report := map[string]any{
		"passed": checks.Passed(findings), "checks": findings, "programs": c.Workloads, "customResourceDefinitions": c.Definitions,
		"certificates": c.Prospects, "underWay": c.Underway, "webhookSolvers": c.Solvers, "flags": migration.Translations(c),
	}
	err := out.print(p.streams.Out, report, onPage(func(page *page.Page) { listChecks(page, findings) }))
	if err == nil && !checks.Passed(findings) {
		err = errMigrationFailed
	}
	return err
}

func (p *program) migratePlanCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Write the hand-over as commands, in their order",
		Long: `Write what "migrate run" would do as commands of kubectl, in their order, with what
is done already; or the way back with --back. It only reads.`,
		Example: `  certwright migrate plan
  certwright migrate plan --back`,
		Args: cobra.NoArgs,
	}
	flags, out := clusterFlags(cmd), outputFlag(cmd)
	lease := leaseFlag(cmd)
	back := cmd.Flags().Bool("back", false, "the way back to cert-manager")
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		if err := out.check(); err != nil {
			return err
		}
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		seen, err := p.migrationReader(c, *lease).Read(cmd.Context(), p.now())
		if err != nil {
			return err
		}
		steps := migration.There(seen)
		if *back {
			steps = migration.Back(seen)
		}
		return out.print(p.streams.Out, map[string]any{"steps": steps}, onPage(func(page *page.Page) { planPage(page, steps) }))
	})
	return cmd
}

func planPage(page *page.Page, steps []migration.Step) {
	for i, s := range steps {
		title := fmt.Sprintf("%d. %s", i+1, s.Says)
		if s.Done {
			title += " (done)"
		}
		page.Section(title)
		if s.By != "" && !s.Done {
			page.Line("by you: " + s.By)
		}
		for _, command := range s.Commands {
			page.Line(command)
		}
	}
}

// mover is what run and back are told by their flags.
type mover struct {
	yes, dryRun, force bool
	patience           time.Duration
	lease, account     *string
	flags              *genericclioptions.ConfigFlags
	steps              func(migration.Cluster) []migration.Step
	checked            bool // nothing is begun before the checks pass
}

func (p *program) migrateRunCommand(name, short string, steps func(migration.Cluster) []migration.Step, checked bool) *cobra.Command {
	cmd := &cobra.Command{
		Use:   name,
		Short: short,
		Long: short + `.

Each step is told and asked for, and waited for until the cluster shows it. Cut off
at any moment, the command goes on from there when it is run again; what is done is
not done twice. "migrate plan" writes the same steps as commands.`,
		Example: "  certwright migrate " + name + " --dry-run\n  certwright migrate " + name + " --yes",
		Args:    cobra.NoArgs,
	}
	m := mover{flags: clusterFlags(cmd), lease: leaseFlag(cmd), account: new(string), steps: steps, checked: checked}
	cmd.Flags().BoolVarP(&m.yes, "yes", "y", false, "do not ask before each step")
	cmd.Flags().BoolVar(&m.dryRun, "dry-run", false, "tell the steps and do none")
	cmd.Flags().DurationVar(&m.patience, "timeout", 5*time.Minute, "how long to wait for one step")
	if checked {
		cmd.Flags().BoolVar(&m.force, "force", false, "begin although checks failed")
		m.account = accountFlag(cmd)
	}
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		if m.patience <= 0 {
			return usagef("--timeout %s is not above 0; write for example 5m", m.patience)
		}
		return p.move(cmd.Context(), m)
	})
	return cmd
}

// errStopped is the answer no; there is nothing to explain about it.
var errStopped = errors.New("stopped, as you said; run it again to go on from here")

// move does one step after the other, looking at the cluster anew before each.
func (p *program) move(ctx context.Context, m mover) error {
	c, err := p.connect(m.flags, p.streams.ErrOut)
	if err != nil {
		return err
	}
	doer := migration.Mover{Reader: p.migrationReader(c, *m.lease), Now: p.now, Patience: m.patience, Said: p.sayOnce("   waiting: ")}
	doer.Account = *m.account
	seen, err := doer.Read(ctx, p.now())
	if err != nil {
		return err
	}
	if len(migration.Left(m.steps(seen))) == 0 {
		fmt.Fprintln(p.streams.Out, "Nothing to do: every step is done.")
		return nil
	}
	if m.checked && seen.Saved == nil && !m.force {
		if err := p.checkedFirst(ctx, doer.Reader); err != nil {
			return err
		}
	}
	answers := bufio.NewReader(p.streams.In)
	for {
		if seen, err = doer.Read(ctx, p.now()); err != nil {
			return err
		}
		left := migration.Left(m.steps(seen))
		if len(left) == 0 {
			fmt.Fprintln(p.streams.Out, "Done.")
			return nil
		}
		if m.dryRun {
			return p.tellSteps(left)
		}
		if err := p.step(ctx, doer, seen, left[0], m, answers); err != nil {
			return err
		}
	}
}

// checkedFirst keeps a hand-over from beginning that would go wrong.
func (p *program) checkedFirst(ctx context.Context, reader migration.Reader) error {
	ctx, cancel := context.WithTimeout(ctx, lookTime)
	defer cancel()
	c, err := reader.ReadAll(ctx, p.now())
	if err != nil {
		return err
	}
	if failed := checks.FirstFailed(migration.Check(c)); failed != nil {
		return fmt.Errorf("%s\n%s\n\"certwright migrate check\" tells all, and --force begins all the same", failed.Text, failed.Remedy)
	}
	return nil
}

func (p *program) tellSteps(left []migration.Step) error {
	for _, s := range left {
		fmt.Fprintln(p.streams.Out, "would: "+s.Says)
	}
	return nil
}

// step asks for one step and does it.
func (p *program) step(ctx context.Context, doer migration.Mover, seen migration.Cluster, s migration.Step, m mover, answers *bufio.Reader) error {
	fmt.Fprintln(p.streams.Out, "-> "+s.Says)
	if s.By != "" {
		fmt.Fprintln(p.streams.ErrOut, "   this is yours to do: "+s.By)
	}
	if !m.yes {
		fmt.Fprint(p.streams.ErrOut, "   go on? [y/N] ")
		answer, err := answers.ReadString('\n')
		if err != nil && answer == "" {
			return usagef("nobody answers: give --yes where no person is")
		}
		if a := strings.ToLower(strings.TrimSpace(answer)); a != "y" && a != "yes" {
			return errStopped
		}
	}
	return doer.Do(ctx, seen, s, m.steps)
}

// sayOnce says what is new.
func (p *program) sayOnce(prefix string) func(string) {
	last := ""
	return func(text string) {
		if text != last {
			last = text
			fmt.Fprintln(p.streams.ErrOut, prefix+text)
		}
	}
}
