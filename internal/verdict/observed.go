package verdict

import (
	"strconv"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"

	"github.com/certwright/certwright/internal/api"
)

// Observed is a Certificate with all that decides on its state.
type Observed struct {
	Certificate *cmapi.Certificate
	// Request is the newest CertificateRequest of the Certificate, or nil.
	Request *cmapi.CertificateRequest
	// RequestUnread says that Request is nil only for want of rights.
	RequestUnread bool
	// Order is what an ACME server is asked for that request, or nil, and
	// Challenges are the names that are proved for it.
	Order      *cmacme.Order
	Challenges []*cmacme.Challenge
	Issuer     Issuer
	// Secret is nil if there is none, or if it was not looked at.
	Secret *corev1.Secret
	// Events of the Certificate and its request, oldest first.
	Events []corev1.Event
	// Unread says what could not be read and why, so that a missing part is
	// not taken for an absent one.
	Unread []string
}

// IssuerState is what is known of an issuer.
type IssuerState string

// The states of an issuer.
const (
	IssuerReady    IssuerState = "Ready"
	IssuerNotReady IssuerState = "NotReady"
	IssuerMissing  IssuerState = "Missing"
	// IssuerExternal is served by another program, in a group we cannot read.
	IssuerExternal IssuerState = "External"
	// IssuerNoKind is of our group, but no kind of it.
	IssuerNoKind IssuerState = "NoSuchKind"
	// IssuerUnread may be anything: we were not allowed to look.
	IssuerUnread IssuerState = "Unknown"
)

// Issuer is what is known of the issuer a Certificate names.
type Issuer struct {
	Kind  string      `json:"kind"`
	Group string      `json:"group"`
	Name  string      `json:"name"`
	State IssuerState `json:"state"`
	// Reason and Message are of its Ready condition.
	Reason  string `json:"reason,omitempty"`
	Message string `json:"message,omitempty"`
	// External is what an issuer of another group is like: Ready, NotReady or
	// Missing; empty where that cannot be told, as without a Ready condition.
	External IssuerState `json:"external,omitempty"`
}

// String is Kind/name, with the group where it is not our own.
func (i Issuer) String() string {
	if i.State == IssuerExternal {
		return i.Kind + "." + i.Group + "/" + i.Name
	}
	return i.Kind + "/" + i.Name
}

// NewIssuer describes the issuer that crt names; found is nil if there is none.
func NewIssuer(crt *cmapi.Certificate, found cmapi.GenericIssuer) Issuer {
	ref := api.IssuerRef(crt.Spec.IssuerRef)
	i := Issuer{Kind: ref.Kind, Group: ref.Group, Name: ref.Name, State: IssuerMissing}
	switch {
	case !api.OwnGroup(ref):
		i.State = IssuerExternal
	case !api.KnownKind(ref):
		i.State = IssuerNoKind
	case found != nil:
		i.State = IssuerNotReady
		if api.IssuerReady(found) {
			i.State = IssuerReady
		}
		if c := api.IssuerCondition(found.GetStatus()); c != nil {
			i.Reason, i.Message = c.Reason, c.Message
		}
	}
	return i
}

// Revision is the revision a request was made for, 0 if it does not say.
func Revision(cr *cmapi.CertificateRequest) int {
	n, err := strconv.Atoi(cr.Annotations[cmapi.CertificateRequestRevisionAnnotationKey])
	if err != nil {
		return 0
	}
	return n
}

// Newest returns the latest request made for crt: the highest revision, then
// the youngest. A request owned by an earlier Certificate of that name is none.
func Newest(crt *cmapi.Certificate, requests []*cmapi.CertificateRequest) *cmapi.CertificateRequest {
	var best *cmapi.CertificateRequest
	for _, cr := range requests {
		if madeFor(cr, crt) && (best == nil || later(cr, best)) {
			best = cr
		}
	}
	return best
}

func madeFor(cr *cmapi.CertificateRequest, crt *cmapi.Certificate) bool {
	if cr.Namespace != crt.Namespace || cr.Annotations[cmapi.CertificateNameKey] != crt.Name {
		return false
	}
	for _, owner := range cr.OwnerReferences {
		if owner.Kind == cmapi.CertificateKind && owner.UID != crt.UID {
			return false
		}
	}
	return true
}

func later(a, b *cmapi.CertificateRequest) bool {
	if ra, rb := Revision(a), Revision(b); ra != rb {
		return ra > rb
	}
	return a.CreationTimestamp.After(b.CreationTimestamp.Time)
}

// The daemon's default back-off, which its status does not tell.
const (
	leastBackoff = time.Hour
	mostBackoff  = 32 * time.Hour
)

// NextAttempt is when a failed issuance is tried again, or nil if none failed.
func NextAttempt(crt *cmapi.Certificate) *time.Time {
	if crt.Status.LastFailureTime == nil {
		return nil
	}
	attempts := 1
	if n := crt.Status.FailedIssuanceAttempts; n != nil {
		attempts = max(*n, 1)
	}
	// From the sixth failure on it is the longest; shifting further overflows.
	wait := min(leastBackoff<<min(attempts-1, 10), mostBackoff)
	at := crt.Status.LastFailureTime.Add(wait)
	return &at
}
