package commands

import (
	"context"
	"errors"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/labels"
	"k8s.io/client-go/util/retry"

	"github.com/certwright/certwright/internal/api"
)

// What the Issuing condition says of a renewal asked for. The reason is
// cmctl's, by which other programs know it.
const (
	renewReason  = "ManuallyTriggered"
	renewMessage = `Renewal was asked for by hand, with "certwright renew"`
)

// choice is which Certificates to renew.
type choice struct {
	names      []string
	all        bool
	selector   string
	everywhere bool
}

// check refuses what could renew more, or other, than was meant.
func (ch choice) check() error {
	switch {
	case len(ch.names) > 0 && (ch.all || ch.selector != ""):
		return usagef("names exclude --all and --selector; give one of them")
	case ch.all && ch.selector != "":
		return usagef("--all and --selector exclude each other; give one of them")
	case len(ch.names) == 0 && !ch.all && ch.selector == "":
		return usagef("nothing to renew; give names, --selector, or --all")
	case len(ch.names) > 0 && ch.everywhere:
		return usagef("names are of one namespace; use -n, or --all with --all-namespaces")
	}
	if _, err := labels.Parse(ch.selector); err != nil {
		return usagef("--selector %q: %w", ch.selector, err)
	}
	return nil
}

func (p *program) renewCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "renew (NAME... | --all | --selector SELECTOR)",
		Short: "Have Certificates issued anew",
		Long: `Have Certificates issued anew, also those that are not due or that wait after a
failure. The certificate in use stays until the new one is there.`,
		Example: `  certwright renew web
  certwright renew --selector app=shop --namespace shop
  certwright renew --all --all-namespaces    # after a CA was replaced`,
	}
	flags := clusterFlags(cmd)
	p.completeNamespaces(cmd, flags)
	cmd.ValidArgsFunction = p.completeNames(flags, certificateNames, 0)
	var ch choice
	cmd.Flags().BoolVar(&ch.all, "all", false, "all Certificates of the namespace")
	cmd.Flags().StringVarP(&ch.selector, "selector", "l", "", "Certificates with these labels, such as app=shop")
	cmd.Flags().BoolVarP(&ch.everywhere, "all-namespaces", "A", false, "those of all namespaces, with --all or --selector")
	cmd.Args = func(_ *cobra.Command, args []string) error {
		ch.names = args
		return ch.check()
	}
	cmd.RunE = p.action(func(cmd *cobra.Command, _ []string) error {
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		return p.renewChosen(cmd.Context(), c, ch)
	})
	return cmd
}

// renewChosen goes on after a failure: those that can be renewed are.
func (p *program) renewChosen(ctx context.Context, c cluster, ch choice) error {
	if len(ch.names) > 0 {
		var faults []error
		for _, name := range ch.names {
			faults = append(faults, p.renewOne(ctx, c, c.namespace, name, ""))
		}
		return errors.Join(faults...)
	}
	if ch.everywhere {
		c.namespace = ""
	}
	list, err := c.certs.CertmanagerV1().Certificates(c.namespace).List(ctx, metav1.ListOptions{LabelSelector: ch.selector})
	if err != nil {
		return err
	}
	if len(list.Items) == 0 {
		fmt.Fprintln(p.streams.ErrOut, "No such Certificates found"+in(c.namespace)+".")
	}
	var faults []error
	for _, crt := range list.Items {
		shown := ""
		if ch.everywhere {
			shown = " -n " + crt.Namespace
		}
		faults = append(faults, p.renewOne(ctx, c, crt.Namespace, crt.Name, shown))
	}
	return errors.Join(faults...)
}

// renewOne says what it did in one line, with the namespace as shown.
func (p *program) renewOne(ctx context.Context, c cluster, namespace, name, shown string) error {
	certs := c.certs.CertmanagerV1().Certificates(namespace)
	said := "renewal asked for"
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		crt, err := certs.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if api.CertificateIs(crt, cmapi.CertificateConditionIssuing) {
			said = "is being issued already"
			return nil
		}
		api.SetCertificateCondition(crt, cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: renewReason, Message: renewMessage,
		}, metav1.NewTime(p.now()))
		_, err = certs.UpdateStatus(ctx, crt, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		c.namespace = namespace
		return notFoundHint(ctx, c, err, name, certificateNames)
	}
	fmt.Fprintf(p.streams.Out, "certificate.cert-manager.io/%s%s %s\n", name, shown, said)
	return nil
}
