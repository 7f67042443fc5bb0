package certificates

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
)

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the Certificate alone until the next event or that time has passed.
	Rest struct{ After time.Duration }
	// Settle writes the status and tells of it.
	Settle struct {
		Certificate *cmapi.Certificate
		Event       *Event // nil: nothing that a person would want to see
		Issued      bool   // this ends an issuance
		Failed      bool   // this counts the failure of the next revision's request
	}
	// KeepKey puts the next private key, new if there is none, into its Secret.
	KeepKey struct{ Mends bool }
	// Request makes the CertificateRequest of the next revision, with a new
	// private key if there is none.
	Request struct {
		Revision int
		Mends    bool
		Event    *Event
	}
	// Discard deletes a CertificateRequest that is of no use any more.
	Discard struct{ Request *cmapi.CertificateRequest }
	// Store puts what was issued into the Secret, with its key.
	Store struct{ Request *cmapi.CertificateRequest }
	// Temporize puts a temporary certificate into the Secret, for a program
	// that must start before the issuer has answered.
	Temporize struct{}
	// Redress applies labels, annotations and derived data of the Secret
	// again, around the certificate it holds.
	Redress struct{}
	// Inquire has the ACME server asked when to renew, and goes on meanwhile.
	Inquire struct{}
	// Revoke has a certificate revoked, and the Certificate let go if it waits
	// for that.
	Revoke struct {
		Leaf   []byte // PEM
		Reason int
	}
	// Guard puts our finalizer on the Certificate, or takes it off.
	Guard struct {
		On    bool
		Event *Event
	}
	// Drop deletes a next-private-key Secret that is of no use any more.
	Drop struct{ Secret *corev1.Secret }
)

func (Rest) step()      {}
func (Settle) step()    {}
func (KeepKey) step()   {}
func (Request) step()   {}
func (Discard) step()   {}
func (Store) step()     {}
func (Temporize) step() {}
func (Redress) step()   {}
func (Inquire) step()   {}
func (Revoke) step()    {}
func (Guard) step()     {}
func (Drop) step()      {}

// Event is told once the step it comes with is done.
type Event struct{ Type, Reason, Message string }

func normal(reason, message string) *Event {
	return &Event{corev1.EventTypeNormal, reason, message}
}

func warning(reason, message string) *Event {
	return &Event{corev1.EventTypeWarning, reason, message}
}
