package certificates

import (
	"context"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Outlook is what would become of a Certificate, from its state now.
type Outlook string

// The outlooks.
const (
	Stays     Outlook = "stays"     // nothing is written
	Tells     Outlook = "tells"     // its status is written
	Dresses   Outlook = "dresses"   // labels, annotations or derived data of its Secret are written; key and certificate stay
	Continues Outlook = "continues" // the issuance that began is finished
	Restarts  Outlook = "restarts"  // the issuance that began is begun once more, since its key is lost or its spec has changed
	Renews    Outlook = "renews"    // it is due by the calendar
	Issues    Outlook = "issues"    // it has never had a certificate
	Reissues  Outlook = "reissues"  // it has a certificate that does not do
	Waits     Outlook = "waits"     // it failed before, and its back-off goes on
	Refused   Outlook = "refused"   // nothing is done before a person changes something
)

// Foresight is what the handler would do next with a Certificate, and why.
type Foresight struct {
	Outlook Outlook
	// Why is the message that a user would see; empty where there is none.
	Why string
}

// Foresee decides as Handle does and does nothing. It knows what is in the cache
// alone, like a process that has just begun.
func (h *Handler) Foresee(ctx context.Context, crt *cmapi.Certificate) (Foresight, error) {
	o, err := h.observe(ctx, crt)
	if err != nil {
		return Foresight{}, err
	}
	now := h.Clock.Now()
	step := Next(o, now)
	due := Finding{}
	if o.Invalid == "" && o.Owner == crt.Name {
		if due = inspect(&o); !due.found() {
			due = nearsEnd(&o, now)
		}
	}
	return Foresight{outlook(&o, due, step), due.Message}.said(&o, step), nil
}

// outlook names a step for who does not know the others.
func outlook(o *Observed, due Finding, step Step) Outlook {
	switch s := step.(type) {
	case Rest, Inquire, Guard, Drop, Revoke:
		return resting(o, due)
	case Redress:
		return Dresses
	case Store, Temporize:
		return Continues
	case Discard:
		if s.Request == o.Next {
			return Restarts
		}
		return Stays
	case Settle:
		return settled(o, due, s)
	}
	return anew(o, due)
}

// resting tells apart why nothing is to be done now.
func resting(o *Observed, due Finding) Outlook {
	switch {
	case o.Invalid != "" || o.Owner != o.Certificate.Name:
		return Refused
	case o.Next != nil && (due.found() || api.CertificateIs(o.Certificate, cmapi.CertificateConditionIssuing)):
		return Continues
	case due.found():
		return Waits
	}
	return Stays
}

func settled(o *Observed, due Finding, s Settle) Outlook {
	begins := api.CertificateIs(s.Certificate, cmapi.CertificateConditionIssuing)
	switch {
	case s.Failed:
		return Waits
	case begins && o.Next != nil:
		return Continues
	case begins:
		return anew(o, due)
	case s.Issued:
		return Continues
	case o.Invalid != "" || o.Owner != o.Certificate.Name:
		return Refused
	case due.found():
		return Waits
	}
	return Tells
}

func anew(o *Observed, due Finding) Outlook {
	switch {
	case o.Certificate.Status.Revision == nil && o.Stored.Certificate == nil:
		return Issues
	case !due.found(), due.Reason == reasonRenewing, due.Reason == reasonWindowError:
		return Renews // by the calendar, or as somebody asked
	}
	return Reissues
}

// said adds the words of the step where the chain has none.
func (f Foresight) said(o *Observed, step Step) Foresight {
	switch s := step.(type) {
	case Discard:
		if f.Outlook == Restarts && !o.keyIsOf(s.Request) {
			f.Why = "the private key of CertificateRequest " + s.Request.Name + " is not to be had"
		}
	case Settle:
		if c := api.CertificateCondition(s.Certificate, cmapi.CertificateConditionReady); f.Why == "" && f.Outlook == Refused && c != nil {
			f.Why = c.Message
		}
	}
	return f
}
