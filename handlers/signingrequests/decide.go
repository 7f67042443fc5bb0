package signingrequests

import (
	"fmt"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
)

// Observed is all that Next looks at.
type Observed struct {
	Request *certificatesv1.CertificateSigningRequest
	// Signer is the issuer that the request names.
	Signer api.Signer
	// Ours is false when the signer is somebody else's.
	Ours bool
	// Issuer is the one named, nil when it does not exist.
	Issuer cmapi.GenericIssuer
	// Reference tells whether the requester may reference the Issuer.
	Reference Answer
	// Asked is what the request asks for, in the words of a CertificateRequest;
	// nil when there is a Fault in it.
	Asked *cmapi.CertificateRequest
	Fault *Fail
}

// Answer is what is known of a right.
type Answer uint8

// The answers. Nobody asks before the answer counts.
const (
	Unasked Answer = iota
	Allowed
	Refused
)

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the request alone until the next event.
	Rest struct{}
	// Wait tells what the request waits for.
	Wait struct{ Reason, Message string }
	// Ask finds out whether the requester may reference the Issuer.
	Ask struct{}
	// Fail ends the request without a certificate.
	Fail struct{ Reason, Message string }
	// Sign has the request signed.
	Sign struct{}
)

func (Rest) step() {}
func (Wait) step() {}
func (Ask) step()  {}
func (Fail) step() {}
func (Sign) step() {}

// Reasons of the API contract, section 1.5.
const (
	reasonUnapproved = "WaitingApproval"
	reasonNotFound   = "IssuerNotFound"
	reasonNotReady   = "IssuerNotReady"
	reasonReference  = "DeniedReference"
)

// Next decides on the one step to take.
func Next(o Observed) Step {
	csr := o.Request
	switch {
	case !o.Ours || csr.DeletionTimestamp != nil || api.SigningRequestFinal(csr):
		return Rest{}
	case !api.SigningRequestIs(csr, certificatesv1.CertificateApproved):
		return Wait{reasonUnapproved, fmt.Sprintf(
			"Waiting for somebody to approve or deny this request: kubectl certificate approve %s", csr.Name)}
	case o.Signer.Name == "":
		return Fail{reasonNotFound, fmt.Sprintf("spec.signerName: %q names no issuer: make a new request, for "+
			"issuers.cert-manager.io/NAMESPACE.NAME or clusterissuers.cert-manager.io/NAME", csr.Spec.SignerName)}
	case o.Issuer == nil:
		return Wait{reasonNotFound, fmt.Sprintf(
			"spec.signerName: %s does not exist: create it, or make a new request that names another", o.Signer)}
	default:
		return sign(o)
	}
}

// sign asks for a signature once the requester has the right to it. Before
// that, nothing of the Issuer is told to whoever may not even reference it.
func sign(o Observed) Step {
	namespaced := o.Signer.Kind == cmapi.IssuerKind
	switch {
	case namespaced && o.Reference == Unasked:
		return Ask{}
	case namespaced && o.Reference == Refused:
		return Fail{reasonReference, fmt.Sprintf("spec.signerName: user %q may not reference %s: grant the verb %s on "+
			"resource %s of group cert-manager.io, name %s, in namespace %s, and make a new request",
			o.Request.Spec.Username, o.Signer, referenceVerb, referenceResource, o.Signer.Name, o.Signer.Namespace)}
	case o.Fault != nil:
		return *o.Fault
	case !api.IssuerReady(o.Issuer):
		return Wait{reasonNotReady, fmt.Sprintf("spec.signerName: %s is not ready%s", o.Signer, because(o.Issuer))}
	default:
		return Sign{}
	}
}

// because passes on the issuer's own words.
func because(issuer cmapi.GenericIssuer) string {
	if c := api.IssuerCondition(issuer.GetStatus()); c != nil && c.Message != "" {
		return ": " + c.Message
	}
	return " yet"
}
