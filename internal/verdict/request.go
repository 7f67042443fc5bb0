package verdict

import (
	"fmt"
	"strings"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/when"
)

// underway is the request of the issuance at hand, or nil: the newest one may
// also be that of the certificate already in use, or of an attempt before.
func underway(o Observed) *cmapi.CertificateRequest {
	cr, stored := o.Request, o.Certificate.Status.Revision
	if cr == nil || stored != nil && Revision(cr) <= *stored {
		return nil
	}
	begun := api.CertificateCondition(o.Certificate, cmapi.CertificateConditionIssuing)
	if api.RequestFailed(cr) != nil && begun != nil && begun.Status == cmmeta.ConditionTrue &&
		begun.LastTransitionTime != nil && begun.LastTransitionTime.After(cr.CreationTimestamp.Time) && failedBefore(cr, begun.LastTransitionTime) {
		return nil
	}
	return cr
}

// failedBefore reports whether a failed request ended before t. One that does
// not say when is taken by its age alone.
func failedBefore(cr *cmapi.CertificateRequest, t *metav1.Time) bool {
	return cr.Status.FailureTime == nil || !cr.Status.FailureTime.After(t.Time)
}

func denied(o Observed, now time.Time) (Verdict, bool) {
	cr := underway(o)
	if cr == nil || !api.RequestIs(cr, cmapi.CertificateRequestConditionDenied) {
		return Verdict{}, false
	}
	c := api.RequestCondition(cr, cmapi.CertificateRequestConditionDenied)
	return Verdict{
		Waiting: "another attempt" + retryTime(o, now),
		Because: sentence("Request "+cr.Name+" was denied", c.Reason, c.Message),
		Remedy:  "Change the Certificate so that the policy admits it, or ask who decides; then: " + renewCommand(o),
	}, true
}

// failed is about the wait after a failure; a new attempt under way ends it.
func failed(o Observed, now time.Time) (Verdict, bool) {
	next, cr := NextAttempt(o.Certificate), underway(o)
	live := cr != nil && api.RequestFailed(cr) == nil
	begun := cr == nil && api.CertificateIs(o.Certificate, cmapi.CertificateConditionIssuing)
	if next == nil || live || begun {
		return Verdict{}, false
	}
	return Verdict{
		Waiting: "another attempt" + retryTime(o, now),
		Because: strings.TrimSpace(fmt.Sprintf("The last attempt failed %s. %s", when.Relative(o.Certificate.Status.LastFailureTime.Time, now), failureOf(o, cr))),
		Remedy:  "Mend the cause; to try again at once: " + renewCommand(o),
	}, true
}

// retryTime is when a failure is tried again, to end a phrase.
func retryTime(o Observed, now time.Time) string {
	switch next := NextAttempt(o.Certificate); {
	case next == nil:
		return ""
	case !next.After(now):
		return ", due now"
	default:
		return ", " + when.Relative(*next, now)
	}
}

// failureOf is what is told about the last failure, nearest to its source.
func failureOf(o Observed, cr *cmapi.CertificateRequest) string {
	if cr != nil {
		if c := api.RequestFailed(cr); c != nil {
			return sentence("Request "+cr.Name+" says", c.Reason, c.Message)
		}
	}
	if c := api.CertificateCondition(o.Certificate, cmapi.CertificateConditionIssuing); c != nil && c.Message != "" {
		return sentence("The Issuing condition says", c.Reason, c.Message)
	}
	return ""
}

// unrequested asks for a request only where one is due.
func unrequested(o Observed, now time.Time) (Verdict, bool) {
	crt := o.Certificate
	if underway(o) != nil {
		return Verdict{}, false
	}
	if o.RequestUnread {
		return Verdict{
			Waiting: "what its request would tell",
			Because: "You may not read its CertificateRequests.",
			Remedy:  "Ask for the right to list certificaterequests in namespace " + crt.Namespace + ".",
		}, true
	}
	v := Verdict{
		Waiting: "the daemon to make a request",
		Remedy:  askWhetherAtWork,
	}
	issuing := api.CertificateCondition(crt, cmapi.CertificateConditionIssuing)
	switch {
	case api.CertificateIs(crt, cmapi.CertificateConditionIssuing):
		v.Because = sentence("Issuance was begun", issuing.Reason, issuing.Message)
	case passed(crt.Status.NotAfter, now):
		v.Because = fmt.Sprintf("The certificate expired %s.", when.Relative(crt.Status.NotAfter.Time, now))
	case passed(crt.Status.RenewalTime, now):
		v.Because = fmt.Sprintf("Its renewal was due %s.", when.Relative(crt.Status.RenewalTime.Time, now))
	default:
		if c := api.CertificateCondition(crt, cmapi.CertificateConditionReady); c != nil {
			v.Because = sentence("The Ready condition says", c.Reason, c.Message)
		}
	}
	return v, true
}

func unapproved(o Observed, _ time.Time) (Verdict, bool) {
	cr := underway(o)
	if api.RequestIs(cr, cmapi.CertificateRequestConditionApproved) {
		return Verdict{}, false
	}
	return Verdict{
		Waiting: "approval of " + cr.Name,
		Because: "Nobody has approved or denied it: neither the daemon's approver (--controllers, --approve-signer-names) nor a policy program.",
		Remedy:  fmt.Sprintf("If the decision is yours: certwright approve %s -n %s", cr.Name, cr.Namespace),
	}, true
}

func unsigned(o Observed, _ time.Time) (Verdict, bool) {
	cr := underway(o)
	if api.RequestIssued(cr) {
		return Verdict{}, false
	}
	if o.Order != nil {
		return ordered(o), true
	}
	v := Verdict{
		Waiting: o.Issuer.String() + " to sign " + cr.Name,
		Because: "The request has no Ready condition yet.",
		Remedy:  "If that lasts, look at the events below and at the daemon's log.",
	}
	if o.Issuer.State == IssuerExternal {
		v.Remedy = "Look at the log of the controller that serves group " + o.Issuer.Group + "."
	}
	if c := api.RequestCondition(cr, cmapi.CertificateRequestConditionReady); c != nil {
		v.Because = sentence("The request says", c.Reason, c.Message)
	}
	return awaitsExternal(o.Issuer, v), true
}

func renewCommand(o Observed) string {
	return fmt.Sprintf("certwright renew %s -n %s", o.Certificate.Name, o.Certificate.Namespace)
}

func passed(t *metav1.Time, now time.Time) bool { return t != nil && !t.After(now) }

// sentence is "Who: Reason: message." with one full stop at its end.
func sentence(who, reason, message string) string {
	text := who
	for _, part := range []string{reason, message} {
		if part != "" {
			text += ": " + strings.TrimSpace(part)
		}
	}
	return strings.TrimSuffix(text, ".") + "."
}
