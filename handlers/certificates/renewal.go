package certificates

import (
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
)

// renewalTime is when the stored certificate is due for renewal, as the status
// shows it; nil when it is never renewed. The error says that no renewal
// window opens before the end: then the plain time holds, since a certificate
// renewed outside its window is better than one that has run out.
func renewalTime(o *Observed) (*time.Time, error) {
	crt, leaf := o.Certificate, o.Stored.Certificate
	if crt.Spec.Renewal != nil && crt.Spec.Renewal.Policy == cmapi.CertificateRenewalPolicyDisabled {
		return nil, nil
	}
	at, end := o.ownRenewal(), leaf.NotAfter
	if wish, last, ok := o.suggested(); ok && wish.Before(at) {
		at = wish
		if last.Before(end) {
			end = last // it may be revoked then
		}
	}
	if crt.Spec.Renewal != nil && len(crt.Spec.Renewal.Windows) > 0 {
		opening, err := pki.NextWindow(crt.Spec.Renewal.Windows, at, end)
		if err != nil {
			return &at, err
		}
		at = opening
	}
	return &at, nil
}

// ownRenewal is when the spec has the stored certificate renewed, whatever its
// windows and the server say.
func (o *Observed) ownRenewal() time.Time {
	spec, leaf := o.Certificate.Spec, o.Stored.Certificate
	at := pki.RenewalTime(leaf.NotBefore, leaf.NotAfter, spec.RenewBefore, spec.RenewBeforePercentage)
	if issued := o.issuedAt(); !at.After(issued) {
		// What is asked for cannot be had from this issuer, which gives a
		// shorter life or backdates it far: renewing at once would never end.
		at = pki.RenewalTime(issued, leaf.NotAfter, nil, nil)
	}
	return at
}

// issuedAt is when what is stored was signed; the zero time when the request
// that could tell is gone.
func (o *Observed) issuedAt() time.Time {
	if o.Current == nil {
		return time.Time{}
	}
	c := api.RequestCondition(o.Current, cmapi.CertificateRequestConditionReady)
	if c == nil || c.LastTransitionTime == nil {
		return time.Time{}
	}
	return c.LastTransitionTime.Time
}

// spreadShare bounds the delay of a renewal to this part of the time left.
const spreadShare = 20

// renewsAt is when a renewal due at a time really begins: later by an offset
// that is always the same for a Certificate and different between them, so
// that thousands made in one minute are not renewed in one minute.
func (o *Observed) renewsAt(due time.Time) time.Time {
	if wish, _, ok := o.suggested(); ok && due.Equal(wish) {
		return due // spread already
	}
	window := min(o.Settings.RenewalSpread, o.Stored.Certificate.NotAfter.Sub(due)/spreadShare)
	if window <= 0 {
		return due
	}
	return due.Add(fraction(window, string(o.Certificate.UID)))
}

// backoffEnd is until when a failed issuance is not tried again; the zero
// time when it may be. It doubles with each failure up to the longest, and
// ends at once when the spec no longer says what failed. A request made since
// the failure is not held up.
func backoffEnd(o *Observed) time.Time {
	status := o.Certificate.Status
	switch {
	case status.LastFailureTime == nil,
		o.Next == nil && o.editedSinceFailure(),
		o.Next != nil && (!o.recorded(o.Next) || len(pki.RequestViolations(o.Next, o.Certificate)) > 0):
		return time.Time{}
	}
	attempts := 1
	if status.FailedIssuanceAttempts != nil {
		attempts = max(*status.FailedIssuanceAttempts, 1)
	}
	wait := o.Settings.MinBackoff
	for range min(attempts-1, 30) { // 2^30 hours is beyond any longest
		wait = min(2*wait, o.Settings.MaxBackoff)
	}
	return status.LastFailureTime.Add(wait)
}

// editedSinceFailure tells by the generation that failed. It counts where the
// failed request is gone, which is kept while the spec still says the same.
func (o *Observed) editedSinceFailure() bool {
	c := api.CertificateCondition(o.Certificate, cmapi.CertificateConditionIssuing)
	return c != nil && c.Status == cmmeta.ConditionFalse && c.ObservedGeneration != o.Certificate.Generation
}
