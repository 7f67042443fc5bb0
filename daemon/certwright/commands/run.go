package commands

import (
	"context"
	"errors"
	"os"

	"github.com/spf13/cobra"
	"k8s.io/klog/v2"

	"github.com/certwright/certwright/daemon/config"
)

func (p *program) runCommand() *cobra.Command {
	var cfg config.Config
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon",
		Long: `Run the daemon until SIGTERM or an interrupt; work in flight is then given
--shutdown-grace-period to end, and a second signal ends it at once.

Every option is also an environment variable (--kube-api-qps is
CERTWRIGHT_KUBE_API_QPS) and a key of the --config file (kubeApiQps). A flag
wins over the environment, the environment over the file. The flags of
cert-manager's controller are understood, or accepted with a notice.
"certwright options" tells the why of each.`,
		Example: `  # in a cluster, with the pod's service account
  certwright run --cluster-resource-namespace=certwright

  # outside, for one namespace
  certwright run --kubeconfig=/etc/certwright/kubeconfig --context=prod --namespace=web

  # beside approver-policy, which decides on requests
  certwright run --controllers='*,-certificaterequests-approver'`,
		Args: cobra.NoArgs,
	}
	binding := config.Bind(cmd.Flags(), &cfg)
	cmd.Flags().SortFlags = false
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		notices, err := binding.Load(p.environ)
		if err := faultList(errors.Join(err, cfg.Validate())); err != nil {
			return err
		}
		if err := startLogging(cfg, os.Stderr); err != nil {
			return err
		}
		for _, n := range append(notices, cfg.Notices()...) {
			klog.Info(n)
		}
		return p.serveUntilDone(cmd.Context(), cfg)
	})
	return cmd
}

// serveUntilDone takes an end that was asked for as success.
func (p *program) serveUntilDone(ctx context.Context, cfg config.Config) error {
	err := p.serve(ctx, cfg, versionInfo().Version)
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		return nil
	}
	return err
}

// faultList puts a title over the faults of a configuration.
func faultList(err error) error {
	if err == nil {
		return nil
	}
	return usagef("the configuration cannot be used:\n%w", err)
}

func (p *program) optionsCommand() *cobra.Command {
	return &cobra.Command{
		Use:     "options",
		Short:   "Print every option of run with its reason, as Markdown",
		Example: "  certwright options > options.md",
		Args:    cobra.NoArgs,
		RunE:    p.action(func(*cobra.Command, []string) error { return config.WriteReference(p.streams.Out) }),
	}
}
