package certificates

import (
	"context"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// silentAfter is how long another group's controller may say nothing about a
// request before the Certificate tells of it: one that is there takes the
// request up in less.
const silentAfter = 10 * time.Second

// waitedFor is what the request waits for: in its signer's words or, where that
// belongs to another group and says nothing, in ours.
func (o *Observed) waitedFor(pending *cmapi.CertificateRequestCondition, now time.Time) string {
	switch {
	case pending != nil:
		return pending.Message
	case o.mute(now) && o.Foreign != "":
		return o.Foreign
	case o.mute(now):
		ref := api.IssuerRef(o.Certificate.Spec.IssuerRef)
		return fmt.Sprintf("no controller of group %s has said anything about it: check that the one that serves %s runs, and that this is there and ready",
			ref.Group, api.DescribeIssuer(ref))
	}
	return ""
}

// silent tells whether the request is approved and another group's to sign.
func (o *Observed) silent() bool {
	return !api.OwnGroup(o.Certificate.Spec.IssuerRef) && api.RequestIs(o.Next, cmapi.CertificateRequestConditionApproved)
}

// mute tells whether that other group has had time enough for a first word.
func (o *Observed) mute(now time.Time) bool {
	return o.silent() && !now.Before(o.Next.CreationTimestamp.Add(silentAfter))
}

// untilSilent is how long there is still time for the first word, and then how
// soon the issuer is looked at again, which no event tells of.
func (o *Observed) untilSilent(pending *cmapi.CertificateRequestCondition, now time.Time) time.Duration {
	switch {
	case pending != nil || !o.silent():
		return 0
	case o.Foreign != "":
		return foreignAgain
	}
	return min(o.Next.CreationTimestamp.Add(silentAfter).Sub(now), silentAfter) // whatever the API server's clock says
}

// foreignAgain is how often an issuer of another group is looked at, while it
// has a request of ours and says nothing.
const foreignAgain = time.Minute

// foreign is what an issuer of another group says of itself, asked only where
// its controller says nothing of the request.
func (h *Handler) foreign(ctx context.Context, o *Observed) string {
	if h.External == nil || o.Next == nil || !o.mute(h.Clock.Now()) || api.RequestCondition(o.Next, cmapi.CertificateRequestConditionReady) != nil {
		return ""
	}
	return h.External(ctx, o.Certificate.Namespace, api.IssuerRef(o.Certificate.Spec.IssuerRef))
}
