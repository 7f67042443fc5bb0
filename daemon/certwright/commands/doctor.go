package commands

import (
	"errors"
	"io"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
	authorizationv1 "k8s.io/api/authorization/v1"

	"github.com/certwright/certwright/daemon/certwright/checks"
	"github.com/certwright/certwright/daemon/certwright/doctor"
	"github.com/certwright/certwright/daemon/config"
)

// Rights are what a daemon with some options must be allowed to do.
type Rights func(cfg config.Config) []authorizationv1.ResourceAttributes

var errIll = errors.New("something must be mended; what is marked as fail says how")

func (p *program) doctorCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "doctor [flags] [-- flags of certwright run]",
		Short: "Find out why certwright does not work, and what to do",
		Long: `Look at everything that certwright depends on: the line to the API server,
clocks, credentials, CustomResourceDefinitions, rights, admission policies and
webhooks, the DNS, the servers of issuers, the DNS01 webhook solvers that they name,
the responder of HTTP-01, objects that do not go away, and Secrets whose key and
certificate do not belong together.
Each thing that is wrong comes with what to do. Nothing is changed, and nothing
secret is printed. The exit code is 1 if anything must be mended.

Run it where the daemon runs, and give it the daemon's own flags after --, so
that it asks the same name servers and looks for the same Lease.`,
		Example: `  certwright doctor
  certwright doctor --account system:serviceaccount:cert-manager:certwright
  certwright doctor --kubeconfig /etc/certwright/kubeconfig -- --config /etc/certwright/config.yaml
  certwright doctor -o json`,
	}
	flags, out := clusterFlags(cmd), outputFlag(cmd)
	p.completeNamespaces(cmd, flags)
	account := cmd.Flags().String("account", "", "whose rights to look at, such as system:serviceaccount:cert-manager:certwright; yours if empty")
	cmd.RunE = p.action(func(cmd *cobra.Command, args []string) error {
		if err := out.check(); err != nil {
			return err
		}
		options, err := p.daemonOptions(args)
		if err != nil {
			return err
		}
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		source := doctor.Source{
			Config: c.config, Kube: c.kube, Certs: c.certs, Dynamic: c.dynamic, Namespace: c.namespace,
			Options: options, Account: *account, Now: p.now,
		}
		if options.LeaderElect {
			source.Lease = checks.LeaseName{Namespace: options.LeaderElectionNamespace, Name: options.LeaderElectionLeaseName}
		}
		if p.rights != nil {
			source.Rights = p.rights(options)
		}
		return p.reportHealth(doctor.Judge(doctor.Observe(cmd.Context(), source), p.now()), out)
	})
	return cmd
}

// daemonOptions reads the daemon's flags, as run would.
func (p *program) daemonOptions(args []string) (config.Config, error) {
	var cfg config.Config
	fs := pflag.NewFlagSet("run", pflag.ContinueOnError)
	binding := config.Bind(fs, &cfg)
	if err := fs.Parse(args); err != nil {
		return cfg, usagef("after --: %w", err)
	}
	if fs.NArg() > 0 {
		return cfg, usagef("%q is no flag of certwright run", fs.Arg(0))
	}
	if _, err := binding.Load(p.environ); err != nil {
		return cfg, faultList(err)
	}
	return cfg, faultList(cfg.Validate())
}

func (p *program) reportHealth(findings []doctor.Finding, out *output) error {
	report := map[string]any{"healthy": !doctor.Failed(findings), "findings": findings}
	err := out.print(p.streams.Out, report, func(w io.Writer) error { return doctor.Table(w, findings) })
	if err == nil && doctor.Failed(findings) {
		err = errIll
	}
	return err
}
