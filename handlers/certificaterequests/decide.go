package certificaterequests

import (
	"fmt"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Observed is all that Next looks at.
type Observed struct {
	Request *cmapi.CertificateRequest
	// Invalid is what is wrong with the request itself, nil when nothing is.
	Invalid error
	// Approves tells whether approving this request falls to us.
	Approves bool
	// Issuer is the issuer referred to, nil when it does not exist.
	Issuer cmapi.GenericIssuer
	// Confined is true when cluster-scoped resources are out of reach.
	Confined bool
}

// outOfReach tells of a ClusterIssuer that a daemon of some namespaces does not
// serve. What it cannot sign it does not approve either: that would take a right
// which it has no use for.
func (o Observed) outOfReach() bool {
	ref := api.IssuerRef(o.Request.Spec.IssuerRef)
	return o.Confined && o.Issuer == nil && api.OwnGroup(ref) && ref.Kind == cmapi.ClusterIssuerKind
}

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the request alone until the next event.
	Rest struct{}
	// Approve approves a request that another controller is to sign.
	Approve struct{}
	// Hold says in the status what the request waits for.
	Hold struct{ Reason, Message string }
	// Refuse ends the request without a certificate.
	Refuse struct {
		Reason  string // of the Ready condition: Failed or Denied
		Invalid bool   // the request itself is at fault
		Message string
	}
	// Sign has the request signed, and approved in the same write where that
	// falls to us.
	Sign struct{}
)

func (Rest) step()    {}
func (Approve) step() {}
func (Hold) step()    {}
func (Refuse) step()  {}
func (Sign) step()    {}

// messageDenied is the contract's text for a denied request.
const messageDenied = "The CertificateRequest was denied by an approval controller"

// Next decides on the one step to take.
func Next(o Observed) Step {
	cr := o.Request
	approved := api.RequestIs(cr, cmapi.CertificateRequestConditionApproved)
	switch ours := api.OwnGroup(cr.Spec.IssuerRef); {
	case cr.DeletionTimestamp != nil || api.RequestFinal(cr):
		return Rest{}
	case api.RequestIs(cr, cmapi.CertificateRequestConditionDenied):
		return denied(ours)
	case o.Invalid != nil && (ours || !approved):
		return Refuse{Reason: cmapi.CertificateRequestReasonFailed, Invalid: true, Message: o.Invalid.Error()}
	case o.outOfReach():
		return Hold{"IssuerNotFound", fmt.Sprintf(
			"spec.issuerRef: %s is out of reach, because certwright serves a list of namespaces only (--namespace): use an Issuer", api.DescribeIssuer(cr.Spec.IssuerRef))}
	case !approved && !o.Approves:
		return unapproved(ours)
	case !ours && !approved:
		return Approve{}
	case !ours:
		return Rest{}
	default:
		return sign(o)
	}
}

// denied ends a request of our group; another group's controller ends its own.
func denied(ours bool) Step {
	if !ours {
		return Rest{}
	}
	return Refuse{Reason: cmapi.CertificateRequestReasonDenied, Message: messageDenied}
}

func unapproved(ours bool) Step {
	if !ours {
		return Rest{}
	}
	return Hold{"WaitingForApproval", "Waiting for an approver to approve or deny this request (for example: certwright approve NAME)"}
}

// sign asks for a signature once the issuer is there and ready.
func sign(o Observed) Step {
	ref := api.IssuerRef(o.Request.Spec.IssuerRef)
	switch {
	case !api.KnownKind(ref):
		return Refuse{Reason: cmapi.CertificateRequestReasonFailed, Message: fmt.Sprintf(
			"spec.issuerRef.kind: %q is not a kind of group %s: use Issuer or ClusterIssuer", ref.Kind, ref.Group)}
	case o.Issuer == nil:
		return Hold{"IssuerNotFound", fmt.Sprintf("spec.issuerRef: %s does not exist%s: create it, or make a request that names another",
			api.DescribeIssuer(ref), inNamespace(ref.Kind, o.Request.Namespace))}
	case !api.IssuerReady(o.Issuer):
		return Hold{"IssuerNotReady", fmt.Sprintf("spec.issuerRef: %s is not ready%s", api.DescribeIssuer(ref), because(o.Issuer))}
	default:
		return Sign{}
	}
}

func inNamespace(kind, namespace string) string {
	if kind == cmapi.ClusterIssuerKind {
		return ""
	}
	return fmt.Sprintf(" in namespace %q", namespace)
}

// because passes on the issuer's own words.
func because(issuer cmapi.GenericIssuer) string {
	if c := api.IssuerCondition(issuer.GetStatus()); c != nil && c.Message != "" {
		return ": " + c.Message
	}
	return " yet"
}
