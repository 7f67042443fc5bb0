// Package commands is the command line of certwright: the daemon (run) and
// what its operators ask and do (status, renew, approve, deny, inspect, check).
//
// A command only binds flags, asks the API by way of one of the packages
// beside this one, and prints. Results go to standard output and everything
// else to standard error; the exit code is 0, 1 for a failure, or 2 for a
// command line that cannot be meant.
package commands

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/signal"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/cli-runtime/pkg/genericiooptions"

	"github.com/certwright/certwright/daemon/config"
)

// Serve is the daemon: it works until ctx ends and says which version it is.
type Serve func(ctx context.Context, cfg config.Config, version string) error

// Main runs the command that the process was started for and returns its exit
// code. The daemon itself is handed in, and what it foresees, so that this
// package does not link it.
func Main(serve Serve, foresee Foresee, rights Rights) int {
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	ctx, cancel := untilSignal(context.Background(), signals, func() {
		fmt.Fprintln(os.Stderr, "second signal: ending at once, without finishing what is in flight")
		os.Exit(exitFailure)
	})
	defer cancel()
	reloads := make(chan os.Signal, 1)
	signal.Notify(reloads, syscall.SIGHUP)
	p := &program{
		reloads: reloads,
		streams: genericiooptions.IOStreams{In: os.Stdin, Out: os.Stdout, ErrOut: os.Stderr},
		now:     time.Now, environ: os.Environ(), serve: serve, foresee: foresee, rights: rights, connect: connect,
	}
	return p.execute(ctx, os.Args[1:])
}

// Exit codes.
const (
	exitOK = iota
	exitFailure
	exitUsage
)

// program is what the commands share, all of it replaceable in a test.
type program struct {
	streams genericiooptions.IOStreams
	now     func() time.Time
	environ []string
	serve   Serve
	foresee Foresee          // nil: nobody tells
	rights  Rights           // nil: doctor asks for none
	reloads <-chan os.Signal // each has run's configuration read anew
	connect func(*genericclioptions.ConfigFlags, io.Writer) (cluster, error)
	// acme carries requests to ACME servers; nil: the network.
	acme http.RoundTripper
	// acting is set once a command line was understood.
	acting bool
}

func (p *program) execute(ctx context.Context, args []string) int {
	root := p.root()
	root.SetArgs(orRun(args))
	root.SetIn(p.streams.In)
	root.SetOut(p.streams.Out)
	root.SetErr(p.streams.ErrOut)
	cmd, err := root.ExecuteContextC(ctx)
	if err == nil {
		return exitOK
	}
	// Several faults stand below one another, each on its line.
	text := strings.ReplaceAll(explain(err).Error(), "\n", "\n       ")
	fmt.Fprintf(p.streams.ErrOut, "Error: %s\n", text)
	if p.acting && !isUsage(err) {
		return exitFailure
	}
	fmt.Fprintf(p.streams.ErrOut, "See \"%s --help\".\n", cmd.CommandPath())
	return exitUsage
}

// orRun makes flags without a command the daemon's: so the args of a
// Deployment of cert-manager start certwright's image unchanged.
func orRun(args []string) []string {
	if len(args) == 0 || !strings.HasPrefix(args[0], "-") || slices.Contains([]string{"-h", "--help", "--version"}, args[0]) {
		return args
	}
	return append([]string{"run"}, args...)
}

func (p *program) root() *cobra.Command {
	root := &cobra.Command{
		Use:   "certwright",
		Short: "Makes, keeps and renews the certificates of a Kubernetes cluster",
		Long: `certwright makes, keeps and renews the certificates of a Kubernetes cluster.

It serves the API of cert-manager.io/v1, so that existing manifests work as they
are. "certwright run" is the daemon; the other commands ask the cluster and tell
it what to do, and need no daemon beside them to be used.`,
		Example: `  certwright status -A                 what every Certificate waits for
  certwright status certificate web    everything about one, and what to do
  certwright renew web                 a new certificate now
  certwright check api --wait 2m       is the API there, is a daemon at work`,
		Version:       versionInfo().Version, // for --version
		SilenceErrors: true,
		SilenceUsage:  true,
		Args:          noSuchCommand,
		RunE:          func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	root.SetFlagErrorFunc(flagFault)
	root.AddCommand(
		p.runCommand(), p.optionsCommand(), p.versionCommand(),
		p.statusCommand(), p.renewCommand(), p.revokeCommand(), p.rotateCommand(), p.decisionCommand(approval()), p.decisionCommand(denial()),
		p.inspectCommand(), p.checkCommand(), p.doctorCommand(), p.migrateCommand(), p.solveCommand(),
	)
	return root
}

// action makes a command's function known as begun: what it returns is a
// failure, and no fault of the command line, unless it says so itself.
func (p *program) action(do func(cmd *cobra.Command, args []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		p.acting = true
		return do(cmd, args)
	}
}
