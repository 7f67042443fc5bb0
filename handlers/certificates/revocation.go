package certificates

import (
	"crypto/x509"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
)

// Reasons of RFC 5280, section 5.3.1.
const (
	superseded           = 4
	cessationOfOperation = 5
)

const (
	// revokePatience bounds how long a deleted Certificate is kept for a server
	// that cannot be reached.
	revokePatience = 24 * time.Hour

	reasonRevoked    = "Revoked"    // ours
	reasonNotRevoked = "NotRevoked" // ours
)

func guarded(crt *cmapi.Certificate) bool {
	return slices.Contains(crt.Finalizers, api.RevokeFinalizer)
}

// guard sees that a Certificate cannot go before what it asks for was done; nil
// when it need not, or does.
func (o *Observed) guard() Step {
	wanted := asksFor(o.Certificate, onDeletion)
	switch {
	case wanted && !guarded(o.Certificate) && o.Revokes:
		return Guard{On: true}
	case !wanted && guarded(o.Certificate):
		return Guard{}
	}
	return nil
}

// farewell is what remains to be done for a deleted Certificate.
func (o *Observed) farewell(now time.Time) Step {
	crt := o.Certificate
	switch {
	case !guarded(crt):
		return Rest{}
	case !asksFor(crt, onDeletion):
		return Guard{}
	}
	leaf := o.revocable(now)
	switch {
	case !o.Revokes:
		return Guard{Event: warning(reasonNotRevoked, "The certificate was not revoked: its issuer is gone, or cannot revoke")}
	case leaf == nil:
		return Guard{Event: normal(reasonNotRevoked, "There is no certificate that would have to be revoked")}
	case now.Sub(crt.DeletionTimestamp.Time) > revokePatience:
		return Guard{Event: warning(reasonNotRevoked, "The certificate was not revoked: the issuer's server could not be reached for a day")}
	}
	return Revoke{Leaf: leaf, Reason: cessationOfOperation}
}

// revocable is what was issued, in PEM; nil when that is nothing, or has ended.
func (o *Observed) revocable(now time.Time) []byte {
	if o.Current != nil && api.RequestIssued(o.Current) {
		if chain, err := pki.ParseCertificates(o.Current.Status.Certificate); err == nil && now.Before(chain[0].NotAfter) {
			return o.Current.Status.Certificate
		}
		return nil
	}
	if leaf := o.Stored.Certificate; leaf == nil || o.Owner != o.Certificate.Name || pki.IsTemporary(leaf, o.Certificate) || !now.Before(leaf.NotAfter) {
		return nil
	}
	return o.Secret.Data[corev1.TLSCertKey]
}

// supersedes is what a new certificate takes the place of, in PEM, where that is
// to be revoked because its key is not used any more; else nil.
func (o *Observed) supersedes(next *x509.Certificate, now time.Time) []byte {
	leaf := o.Stored.Certificate
	if leaf == nil || !o.Revokes || !asksFor(o.Certificate, onKeyChange) || secretHasIssuer(o).found() ||
		pki.IsTemporary(leaf, o.Certificate) || !now.Before(leaf.NotAfter) || pki.SamePublicKey(leaf.PublicKey, next.PublicKey) {
		return nil
	}
	return o.Secret.Data[corev1.TLSCertKey]
}
