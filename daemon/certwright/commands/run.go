package commands

import (
	"context"
	"errors"
	"os"
	"sync"

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
--shutdown-grace-period to end, and a second signal ends it at once. SIGHUP has
the configuration read anew: a faulty one is told and not used; with a good one
the daemon ends what is in flight and starts again in the same process.

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
		if err := begin(cfg, notices, err); err != nil {
			return err
		}
		return p.serveUntilDone(cmd.Context(), cfg, binding)
	})
	return cmd
}

// begin judges a configuration and takes its logging options into use.
func begin(cfg config.Config, notices []string, err error) error {
	if err := faultList(errors.Join(err, cfg.Validate())); err != nil {
		return err
	}
	if err := startLogging(cfg, os.Stderr); err != nil {
		return err
	}
	for _, n := range append(notices, cfg.Notices()...) {
		klog.Info(n)
	}
	return nil
}

// serveUntilDone runs the daemon, anew with each configuration that p.reloads
// asks to read. An end that was asked for is a success.
func (p *program) serveUntilDone(ctx context.Context, cfg config.Config, binding *config.Binding) error {
	for {
		next, err := p.serveUntilReload(ctx, cfg, binding)
		switch {
		case ctx.Err() != nil && errors.Is(err, context.Canceled):
			return nil
		case next == nil || ctx.Err() != nil || err != nil && !errors.Is(err, context.Canceled):
			return err
		}
		cfg = *next
	}
}

// serveUntilReload runs the daemon until it ends by itself, or until there is
// another configuration for it, which it returns. What is in flight then ends
// in order, as on a stop. A faulty configuration is told and not used.
func (p *program) serveUntilReload(ctx context.Context, cfg config.Config, binding *config.Binding) (*config.Config, error) {
	serving, end := context.WithCancelCause(ctx)
	defer end(nil)
	var next *config.Config
	var reading sync.WaitGroup
	reading.Go(func() {
		for next == nil {
			select {
			case <-serving.Done():
				return
			case <-p.reloads:
				next = p.reload(binding)
			}
		}
		end(config.ErrReload)
	})
	err := p.serve(serving, cfg, versionInfo().Version)
	end(nil)
	reading.Wait()
	return next, err
}

// reload reads the configuration again; nil when it cannot be used.
func (p *program) reload(binding *config.Binding) *config.Config {
	cfg, notices, err := binding.Again(p.environ)
	if err := begin(cfg, notices, err); err != nil {
		klog.Error(err, "; going on with the old one")
		return nil
	}
	klog.Info("The configuration was read anew; starting again with it")
	return &cfg
}

// faultList puts a title over the faults of a configuration.
func faultList(err error) error {
	if err == nil {
		return nil
	}
	return usagef("the configuration cannot be used:\n%w", err)
}

func (p *program) optionsCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "options",
		Short: "Print every option of run with its reason, as Markdown",
		Example: `  certwright options > options.md
  certwright options --commands > commands.md`,
		Args: cobra.NoArgs,
	}
	commands := cmd.Flags().Bool("commands", false, "all commands and their flags instead")
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		if *commands {
			return writeReference(p.streams.Out, cmd.Root())
		}
		return config.WriteReference(p.streams.Out)
	})
	return cmd
}
