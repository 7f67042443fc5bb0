package commands

import (
	"context"
	"errors"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/certwright/certwright/internal/api"
)

// cliReason is who decided, as the condition's reason tells it by default.
const cliReason = "CertwrightCLI"

// decision is one of the two things that can be said of a request.
type decision struct {
	verb, past    string
	set, excludes cmapi.CertificateRequestConditionType
	long          string
	example       string
}

func approval() decision {
	return decision{
		verb: "approve", past: "approved",
		set: cmapi.CertificateRequestConditionApproved, excludes: cmapi.CertificateRequestConditionDenied,
		long: `Approve CertificateRequests, so that their issuer signs them. A decision stands:
it cannot be changed, by anybody.`,
		example: `  certwright approve web-1
  certwright approve web-1 -n shop --reason Ticket4711 --message "checked by the shop team"`,
	}
}

func denial() decision {
	return decision{
		verb: "deny", past: "denied",
		set: cmapi.CertificateRequestConditionDenied, excludes: cmapi.CertificateRequestConditionApproved,
		long: `Deny CertificateRequests, so that they are never signed. A decision stands: it
cannot be changed, by anybody. The Certificate makes a new request later, or at
once with certwright renew.`,
		example: `  certwright deny web-1
  certwright deny web-1 -n shop --reason Policy --message "not one of our names"`,
	}
}

// words are the reason and message of the condition.
type words struct{ reason, message string }

func (p *program) decisionCommand(d decision) *cobra.Command {
	cmd := &cobra.Command{
		Use:     d.verb + " NAME...",
		Short:   upperFirst(d.verb) + " CertificateRequests",
		Long:    d.long,
		Example: d.example,
		Args:    names("CertificateRequest", 0),
	}
	flags := clusterFlags(cmd)
	p.completeNamespaces(cmd, flags)
	cmd.ValidArgsFunction = p.completeNames(flags, requestNames, 0)
	var w words
	cmd.Flags().StringVar(&w.reason, "reason", cliReason, "reason of the condition: one word")
	cmd.Flags().StringVar(&w.message, "message", fmt.Sprintf("manually %s by %q", d.past, "certwright "+d.verb), "message of the condition: why")
	cmd.RunE = p.action(func(cmd *cobra.Command, args []string) error {
		if w.reason == "" || w.message == "" {
			return usagef("--reason and --message cannot be empty; leave them out for the defaults")
		}
		c, err := p.connect(flags, p.streams.ErrOut)
		if err != nil {
			return err
		}
		var faults []error
		for _, name := range args {
			faults = append(faults, p.decide(cmd.Context(), c, name, d, w))
		}
		return errors.Join(faults...)
	})
	return cmd
}

// decide writes the decision on one request and says so.
func (p *program) decide(ctx context.Context, c cluster, name string, d decision, w words) error {
	requests := c.certs.CertmanagerV1().CertificateRequests(c.namespace)
	said := d.past
	err := retry.RetryOnConflict(retry.DefaultRetry, func() error {
		cr, err := requests.Get(ctx, name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		if made := api.RequestCondition(cr, d.set); made != nil && made.Status == cmmeta.ConditionTrue {
			said = fmt.Sprintf("was %s already (%s: %s)", d.past, made.Reason, made.Message)
			return nil
		}
		if err := d.possible(cr); err != nil {
			return err
		}
		api.SetRequestCondition(cr, cmapi.CertificateRequestCondition{
			Type: d.set, Status: cmmeta.ConditionTrue, Reason: w.reason, Message: w.message,
		}, metav1.NewTime(p.now()))
		_, err = requests.UpdateStatus(ctx, cr, metav1.UpdateOptions{})
		return err
	})
	if err != nil {
		return notFoundHint(ctx, c, err, name, requestNames)
	}
	fmt.Fprintf(p.streams.Out, "certificaterequest.cert-manager.io/%s %s\n", name, said)
	return nil
}

// possible says why a request is past deciding, or nil.
func (d decision) possible(cr *cmapi.CertificateRequest) error {
	if other := api.RequestCondition(cr, d.excludes); other != nil && other.Status == cmmeta.ConditionTrue {
		return fmt.Errorf("CertificateRequest %s cannot be %s: the opposite was decided (%s: %s), and a decision stands; %s",
			cr.Name, d.past, other.Reason, other.Message, newRequestHint(cr))
	}
	if c := api.RequestFailed(cr); c != nil {
		return fmt.Errorf("CertificateRequest %s cannot be %s: it has failed for good (%s: %s); %s",
			cr.Name, d.past, c.Reason, c.Message, newRequestHint(cr))
	}
	if api.RequestIssued(cr) {
		return fmt.Errorf("CertificateRequest %s cannot be %s: it is signed already", cr.Name, d.past)
	}
	return nil
}

// newRequestHint says how to get a request that can be decided on.
func newRequestHint(cr *cmapi.CertificateRequest) string {
	if owner := cr.Annotations[cmapi.CertificateNameKey]; owner != "" {
		return fmt.Sprintf("for a new request: certwright renew %s -n %s", owner, cr.Namespace)
	}
	return "make a new request"
}
