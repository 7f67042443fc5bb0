package commands

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/certwright/certwright/daemon/certwright/page"
	"github.com/certwright/certwright/daemon/certwright/status"
)

func (p *program) statusCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "status",
		Short: "Tell what Certificates wait for",
		Long: `Tell for each Certificate whether it is ready, when it expires and is renewed,
and what it waits for. For everything about one, and what to do about it:
certwright status certificate NAME` + watchHelp,
		Example: `  certwright status
  certwright status -A
  certwright status -A --watch
  certwright status certificate web -n shop`,
		Args: noNameHere,
	}
	flags, out := clusterFlags(cmd), outputFlag(cmd)
	p.completeNamespaces(cmd, flags)
	everywhere := cmd.Flags().BoolP("all-namespaces", "A", false, "the Certificates of all namespaces")
	watch := watchFlag(cmd)
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		if err := out.check(); err != nil {
			return err
		}
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		if *everywhere {
			c.namespace = ""
		}
		if *watch {
			return p.watch(cmd.Context(), c, "", out)
		}
		return p.statusOfAll(cmd, c, out)
	})
	cmd.AddCommand(p.statusCertificateCommand(), p.statusWebhooksCommand())
	return cmd
}

// noNameHere helps whoever writes `status web`.
func noNameHere(cmd *cobra.Command, args []string) error {
	if len(args) == 0 {
		return nil
	}
	return usagef("%s has no command %q; for one Certificate: %[1]s certificate %[2]s", cmd.CommandPath(), args[0])
}

func (p *program) statusOfAll(cmd *cobra.Command, c cluster, out *output) error {
	all, err := c.reader().All(cmd.Context(), c.namespace)
	if err != nil {
		return err
	}
	now, reports := p.now(), []status.Report{}
	for _, o := range all {
		reports = append(reports, status.New(o, now))
	}
	listed := map[string]any{"certificates": reports}
	return out.print(p.streams.Out, listed, func(w io.Writer) error {
		if len(reports) == 0 {
			_, err := fmt.Fprintln(p.streams.ErrOut, "No Certificates found"+in(c.namespace)+".")
			return err
		}
		if all[0].RequestUnread {
			fmt.Fprintln(p.streams.ErrOut, "You may not read CertificateRequests; what follows is told without them.")
		}
		return status.Table(w, reports, c.namespace == "", now)
	})
}

// in names a namespace in a sentence.
func in(namespace string) string {
	if namespace == "" {
		return ""
	}
	return " in namespace " + namespace
}

func (p *program) statusCertificateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "certificate NAME",
		Aliases: []string{"certificates", "cert", "certs"},
		Short:   "Tell everything about one Certificate, and what it waits for",
		Long: `Tell everything about one Certificate: what it waits for and what to do about
it, its conditions, its issuer, its newest CertificateRequest, what its Secret
holds, and the events. Private keys are never shown.` + watchHelp,
		Example: `  certwright status certificate web
  certwright status certificate web -n shop --watch
  certwright status certificate web -n shop -o yaml`,
		Args: names("Certificate", 1),
	}
	flags, out := clusterFlags(cmd), outputFlag(cmd)
	p.completeNamespaces(cmd, flags)
	cmd.ValidArgsFunction = p.completeNames(flags, certificateNames, 1)
	watch := watchFlag(cmd)
	cmd.RunE = p.action(func(cmd *cobra.Command, args []string) error {
		if err := out.check(); err != nil {
			return err
		}
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		if *watch {
			return p.watch(cmd.Context(), c, args[0], out)
		}
		o, err := c.reader().One(cmd.Context(), c.namespace, args[0])
		if err != nil {
			return notFoundHint(cmd.Context(), c, err, args[0], certificateNames)
		}
		now := p.now()
		report := status.New(o, now)
		return out.print(p.streams.Out, report, onPage(func(page *page.Page) { report.Write(page, now) }))
	})
	return cmd
}
