package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"github.com/certwright/certwright/daemon/certwright/webhooks"
	"github.com/certwright/certwright/daemon/config/nearest"
	"github.com/certwright/certwright/internal/webhookset"
)

func (p *program) statusWebhooksCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "webhooks",
		Aliases: []string{"webhook"},
		Short:   "Tell how the sets of webhook certificates stand",
		Long: `Tell for each set of webhook certificates when its CA and its server certificate
expire, where a rotation stands, and whether the webhook configurations carry
the CA bundle of this moment. Sets are found by the labels that the daemon puts
on their Secrets; private keys are never shown.`,
		Example: `  certwright status webhooks -A
  certwright status webhooks -n kyma-system -o yaml`,
		Args: cobra.NoArgs,
	}
	flags, out := clusterFlags(cmd), outputFlag(cmd)
	p.completeNamespaces(cmd, flags)
	everywhere := cmd.Flags().BoolP("all-namespaces", "A", false, "the sets of all namespaces")
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
		return p.statusOfWebhooks(cmd.Context(), c, out)
	})
	return cmd
}

func (p *program) statusOfWebhooks(ctx context.Context, c cluster, out *output) error {
	reports, err := webhooks.All(ctx, c.kube, c.namespace)
	if err != nil {
		return err
	}
	return out.print(p.streams.Out, map[string]any{"webhookSets": reports}, func(w io.Writer) error {
		if len(reports) == 0 {
			_, err := fmt.Fprintln(p.streams.ErrOut, "No sets of webhook certificates found"+in(c.namespace)+".")
			return err
		}
		return webhooks.Table(w, reports, c.namespace == "", p.now())
	})
}

func (p *program) rotateCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:     "rotate",
		Short:   "Have webhook certificates made anew",
		Example: `  certwright rotate webhook btp-manager -n kyma-system`,
		Args:    noSuchCommand,
		RunE:    func(cmd *cobra.Command, _ []string) error { return cmd.Help() },
	}
	cmd.AddCommand(p.rotateWebhookCommand())
	return cmd
}

func (p *program) rotateWebhookCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "webhook NAME",
		Short: "Have the server certificate, or the CA, of a set made anew",
		Long: `Have the server certificate of a set of webhook certificates made anew; with
--ca the CA, and a server certificate by it. The daemon does it, so that no
admission call is lost: "certwright status webhooks" shows how far it is.`,
		Example: `  certwright rotate webhook btp-manager -n kyma-system
  certwright rotate webhook btp-manager -n kyma-system --ca`,
		Args: names("set", 1),
	}
	flags := clusterFlags(cmd)
	p.completeNamespaces(cmd, flags)
	cmd.ValidArgsFunction = p.completeNames(flags, setNames, 1)
	ca := cmd.Flags().Bool("ca", false, "the CA too")
	cmd.RunE = p.action(func(cmd *cobra.Command, args []string) error {
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		return p.rotateWebhook(cmd.Context(), c, args[0], *ca)
	})
	return cmd
}

// rotateWebhook leaves a request on the CA Secret. The time makes it unlike
// the one before; the daemon repeats it where it has been done.
func (p *program) rotateWebhook(ctx context.Context, c cluster, name string, ca bool) error {
	secret, err := caSecret(ctx, c, name)
	if err != nil {
		return err
	}
	word := webhookset.RotateServer
	if ca {
		word = webhookset.RotateCA
	}
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"annotations": map[string]string{
		webhookset.RotateAnnotation: word + " " + p.now().UTC().Format(time.RFC3339Nano),
	}}})
	if err != nil {
		return err
	}
	_, err = c.kube.CoreV1().Secrets(secret.Namespace).Patch(ctx, secret.Name, types.MergePatchType, patch, metav1.PatchOptions{})
	if err != nil {
		return err
	}
	fmt.Fprintf(p.streams.Out, "webhook set %s: rotation of the %s asked for\n", name, map[bool]string{true: "CA", false: "server certificate"}[ca])
	return nil
}

// caSecret finds the CA Secret of a set by its labels.
func caSecret(ctx context.Context, c cluster, name string) (*corev1.Secret, error) {
	list, err := c.kube.CoreV1().Secrets(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: webhooks.Selector})
	if err != nil {
		return nil, err
	}
	var known []string
	for i := range list.Items {
		s := &list.Items[i]
		if s.Labels[webhookset.SetLabel] == name {
			return s, nil
		}
		known = append(known, s.Labels[webhookset.SetLabel])
	}
	return nil, fmt.Errorf("there is no set %q of webhook certificates%s%s", name, in(c.namespace), nearest.Hint(name, known))
}

func setNames(ctx context.Context, c cluster) ([]string, error) {
	list, err := c.kube.CoreV1().Secrets(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: webhooks.Selector})
	if err != nil {
		return nil, err
	}
	return namesOf(list.Items, func(s *corev1.Secret) string { return s.Labels[webhookset.SetLabel] }), nil
}
