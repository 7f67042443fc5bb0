package commands

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/certwright/certwright/daemon/certwright/checks"
	"github.com/certwright/certwright/daemon/certwright/page"
	"github.com/certwright/certwright/daemon/config"
)

func (p *program) checkCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "check",
		Short:   "Check whether certwright can be used in a cluster",
		Example: "  certwright check api",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.checkAPICommand())
	return cmd
}

// betweenChecks is the pause of --wait: short for a person, and nothing to an
// API server.
const betweenChecks = 2 * time.Second

var errChecksFailed = errors.New("certwright cannot be used yet; what is marked as failed says what to do")

func (p *program) checkAPICommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "api",
		Short: "Check that the API is served and a daemon is at work",
		Long: `Check that both API groups are served, that a Certificate and a
CertificateRequest could be created (in a dry run that leaves nothing behind),
and that a daemon is at work. The exit code is 0 if nothing failed.`,
		Example: `  certwright check api
  certwright check api --wait 2m                  # in a deployment script
  certwright check api --leader-elect=false       # the daemon runs without a Lease`,
		Args: cobra.NoArgs,
	}
	flags, out := clusterFlags(cmd), outputFlag(cmd)
	p.completeNamespaces(cmd, flags)
	defaults := config.Default()
	wait := cmd.Flags().Duration("wait", 0, "try again until all is well, at most this long, such as 2m")
	elect := cmd.Flags().Bool("leader-elect", true, "look for the daemon's Lease")
	var lease checks.LeaseName
	cmd.Flags().StringVar(&lease.Namespace, "leader-election-namespace", defaults.LeaderElectionNamespace, "namespace of the daemon's Lease")
	cmd.Flags().StringVar(&lease.Name, "leader-election-lease-name", defaults.LeaderElectionLeaseName, "name of the daemon's Lease")
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		if err := out.check(); err != nil {
			return err
		}
		if *wait < 0 {
			return usagef("--wait %s is below 0; write for example 2m", *wait)
		}
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		api := checks.API{
			Discovery: c.kube.Discovery(), Groups: c.kube.Discovery(), Certs: c.certs.CertmanagerV1(),
			Leases: c.kube.CoordinationV1(), Reviews: c.kube.AuthorizationV1(), Namespace: c.namespace, Lease: lease,
		}
		if !*elect {
			api.Lease = checks.LeaseName{}
		}
		return p.reportChecks(p.untilPassed(cmd.Context(), api, *wait), out)
	})
	return cmd
}

// untilPassed checks again until nothing failed or the wait is over, and says
// meanwhile what it waits for. It checks at least once, and the end of the wait
// cuts no check short.
func (p *program) untilPassed(ctx context.Context, api checks.API, wait time.Duration) []checks.Finding {
	over := time.After(wait)
	said := ""
	for {
		findings := checks.Run(ctx, api, p.now())
		failed := checks.FirstFailed(findings)
		if failed == nil || wait == 0 {
			return findings
		}
		if failed.Text != said {
			said = failed.Text
			fmt.Fprintln(p.streams.ErrOut, "Waiting:", said)
		}
		select {
		case <-ctx.Done():
			return findings
		case <-over:
			return findings
		case <-time.After(betweenChecks):
		}
	}
}

func (p *program) reportChecks(findings []checks.Finding, out *output) error {
	report := map[string]any{"passed": checks.Passed(findings), "checks": findings}
	err := out.print(p.streams.Out, report, onPage(func(page *page.Page) { listChecks(page, findings) }))
	if err == nil && !checks.Passed(findings) {
		err = errChecksFailed
	}
	return err
}

// listChecks writes what was found, each with its remedy.
func listChecks(page *page.Page, findings []checks.Finding) {
	page.Section("Checks")
	for _, f := range findings {
		text := f.Text
		if f.Remedy != "" {
			text += "\n-> " + f.Remedy
		}
		page.Field(string(f.Verdict), text)
	}
}
