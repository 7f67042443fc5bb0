package commands

import (
	"strings"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/daemon/certwright/page"
	"github.com/certwright/certwright/daemon/certwright/secrets"
)

func (p *program) inspectCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "inspect",
		Short:   "Show what is in a TLS Secret",
		Example: "  certwright inspect secret web-tls",
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.inspectSecretCommand())
	return cmd
}

func (p *program) inspectSecretCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "secret NAME",
		Short: "Show the certificates of a TLS Secret, and whether its parts belong together",
		Long: `Show the certificates of a TLS Secret in words: subject, names, usages, key and
validity of each; whether they are in order and lead to ca.crt, and whether the
private key belongs to them. The private key itself is never shown.`,
		Example: `  certwright inspect secret web-tls
  certwright inspect secret web-tls -n shop -o json`,
		Args: names("Secret", 1),
	}
	flags, out := clusterFlags(cmd), outputFlag(cmd)
	p.completeNamespaces(cmd, flags)
	cmd.ValidArgsFunction = p.completeNames(flags, tlsSecretNames, 1)
	cmd.RunE = p.action(func(cmd *cobra.Command, args []string) error {
		if err := out.check(); err != nil {
			return err
		}
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		secret, err := c.kube.CoreV1().Secrets(c.namespace).Get(cmd.Context(), args[0], metav1.GetOptions{})
		if err != nil {
			return notFoundHint(cmd.Context(), c, err, args[0], tlsSecretNames)
		}
		now := p.now()
		report := secrets.Describe(secret, now)
		return out.print(p.streams.Out, report, onPage(func(page *page.Page) { report.Write(page, now) }))
	})
	return cmd
}

// upperFirst makes a title of a verb.
func upperFirst(s string) string { return strings.ToUpper(s[:1]) + s[1:] }
