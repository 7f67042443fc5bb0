package certificates

import (
	"context"
	"crypto"
	"crypto/x509"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/apply"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
)

// Observed is all that Next looks at.
type Observed struct {
	Certificate *cmapi.Certificate
	// Invalid is what is wrong with the spec; empty when nothing is.
	Invalid string
	// Owner names the Certificate that the Secret belongs to: this one, unless
	// several name the same Secret.
	Owner string

	Secret *corev1.Secret // nil when it does not exist
	Stored Stored         // what the Secret holds
	Wanted apply.Content  // how the Secret should look around what it holds
	// DressFault is why Wanted cannot be made, such as a missing keystore
	// password; empty when it can.
	DressFault string

	Revision int                         // of what is stored; one more than the status says while that is being settled
	Current  *cmapi.CertificateRequest   // of Revision, nil when it is gone
	Next     *cmapi.CertificateRequest   // of Revision+1, nil before it is made
	Old      []*cmapi.CertificateRequest // of no use any more

	// Blocker has the name that the next request is to have, and is not one of
	// this Certificate's revisions; nil when the name is free.
	Blocker *cmapi.CertificateRequest
	// Foreign is what an issuer of another group lacks, in its own words; empty
	// where nobody knows.
	Foreign string
	Began   time.Time // when this process saw the issuance begin; zero when it did not

	Key        crypto.Signer    // of the issuance under way, nil when there is none
	KeyKept    bool             // Key is in one of KeySecrets
	KeySecrets []*corev1.Secret // next-private-key Secrets of this Certificate

	Path    Path
	Renewal RenewalInfo
	Revokes bool // the issuer can revoke what it has issued
	// Unrevoking is true when the issuer is known, and is of a type that cannot
	// revoke.
	Unrevoking bool
	// Superseded is the certificate before, in PEM, while it is still to be
	// revoked; nil when it is not.
	Superseded []byte
	Settings   Settings
	// LastFailed is the request that this process recorded as failed, or
	// discarded, last.
	LastFailed types.UID
	// Damped is until when re-issuing waits because somebody keeps spoiling the Secret.
	Damped time.Time

	fault     Finding        // of the trigger chain, set by Next
	directory acme.Directory // of the issuer's server, to ask it
	issuer    cmapi.GenericIssuer
}

// Stored is what a target Secret holds.
type Stored struct {
	Key         crypto.Signer
	KeyErr      error
	Certificate *x509.Certificate // the leaf
	CertErr     error
}

func parseStored(s *corev1.Secret) Stored {
	var got Stored
	if s == nil {
		return got
	}
	if data := s.Data[corev1.TLSPrivateKeyKey]; len(data) > 0 {
		got.Key, got.KeyErr = pki.ParseKey(data)
	}
	if data := s.Data[corev1.TLSCertKey]; len(data) > 0 {
		var chain []*x509.Certificate
		if chain, got.CertErr = pki.ParseCertificates(data); got.CertErr == nil {
			got.Certificate = chain[0]
		}
	}
	return got
}

// observe reads everything about a Certificate from the caches.
func (h *Handler) observe(ctx context.Context, crt *cmapi.Certificate) (Observed, error) {
	o := Observed{Certificate: crt, Settings: h.Settings, KeySecrets: h.Cache.KeySecretsOf(crt)}
	if faults := h.Settings.Limits.Validate(&crt.Spec); len(faults) > 0 {
		o.Invalid = faults.ToAggregate().Error()
	}
	if err := h.observeSecret(ctx, &o); err != nil {
		return o, err
	}
	o.Owner = owner(crt, o.Secret, h.Cache.CertificatesBySecret(crt.Namespace, crt.Spec.SecretName))
	o.observeRequests(h.Cache.RequestsOf(crt))
	o.Foreign = h.foreign(ctx, &o)
	if o.Next == nil {
		o.Blocker = h.Cache.Request(crt.Namespace, api.RequestName(crt.Name, o.Revision+1))
	}
	h.observeKey(&o)
	issuer := h.Cache.IssuerFor(crt.Namespace, crt.Spec.IssuerRef)
	h.observeRenewalInfo(&o, issuer)
	o.issuer, o.Superseded = issuer, h.memory.superseded(crt)
	o.Revokes = h.Revoke != nil && issuer != nil && issuer.GetSpec().ACME != nil
	o.Unrevoking = unrevoking(crt.Spec.IssuerRef, issuer)
	o.Path = path(issuer, h.Approves(crt.Namespace, crt.Spec.IssuerRef))
	o.Began = h.memory.began(crt)
	o.Damped, o.LastFailed = h.memory.paused(crt), h.memory.lastFailed(crt)
	return h.observeDress(ctx, o)
}

// observeSecret reads the target Secret. A Secret once issued that the cache
// does not show is looked for at the API server before it counts as gone: its
// label may just have been taken off.
func (h *Handler) observeSecret(ctx context.Context, o *Observed) error {
	crt := o.Certificate
	if crt.Spec.SecretName == "" {
		return nil
	}
	secret, err := h.Cache.Secret(ctx, crt.Namespace, crt.Spec.SecretName)
	if apierrors.IsNotFound(err) && crt.Status.Revision != nil {
		secret, err = h.Cache.LiveSecret(ctx, crt.Namespace, crt.Spec.SecretName)
	}
	if err != nil && !apierrors.IsNotFound(err) {
		return fmt.Errorf("read Secret %q: %w", crt.Spec.SecretName, err)
	}
	if err == nil {
		o.Secret, o.Stored = secret, parseStored(secret)
	}
	return nil
}

// owner names the Certificate that a Secret belongs to: the one its annotation
// names, while that still claims it; else the oldest claimant, then the first
// by name.
func owner(crt *cmapi.Certificate, s *corev1.Secret, claimants []*cmapi.Certificate) string {
	first := crt
	for _, c := range claimants {
		if s != nil && s.Annotations[cmapi.CertificateNameKey] == c.Name {
			return c.Name
		}
		if older(c, first) {
			first = c
		}
	}
	return first.Name
}

func older(a, b *cmapi.Certificate) bool {
	if !a.CreationTimestamp.Equal(&b.CreationTimestamp) {
		return a.CreationTimestamp.Before(&b.CreationTimestamp)
	}
	return a.Name < b.Name
}

// observeRequests tells the requests of a Certificate apart by revision.
func (o *Observed) observeRequests(all []*cmapi.CertificateRequest) {
	slices.SortFunc(all, func(a, b *cmapi.CertificateRequest) int { return revisionOf(a) - revisionOf(b) })
	if r := o.Certificate.Status.Revision; r != nil {
		o.Revision = *r
	}
	if o.holds(find(all, o.Revision+1)) {
		o.Revision++ // stored, and the status does not say so yet
	}
	o.Current, o.Next = find(all, o.Revision), find(all, o.Revision+1)
	oldest := o.Revision - historyLimit(o.Certificate)
	for _, cr := range all {
		if r := revisionOf(cr); r > 0 && (r <= oldest || r > o.Revision+1) {
			o.Old = append(o.Old, cr)
		}
	}
}

// holds reports whether the Secret holds the very certificate of a request,
// with its key.
func (o *Observed) holds(cr *cmapi.CertificateRequest) bool {
	if cr == nil || !api.RequestIssued(cr) || o.Stored.Certificate == nil || o.Stored.Key == nil {
		return false
	}
	chain, err := pki.ParseCertificates(cr.Status.Certificate)
	return err == nil && chain[0].Equal(o.Stored.Certificate) &&
		pki.SamePublicKey(o.Stored.Key.Public(), chain[0].PublicKey)
}

func find(all []*cmapi.CertificateRequest, revision int) *cmapi.CertificateRequest {
	for _, cr := range all {
		if revision > 0 && revisionOf(cr) == revision {
			return cr
		}
	}
	return nil
}

// revisionOf is 0 for a request that is not one of a Certificate's revisions.
func revisionOf(cr *cmapi.CertificateRequest) int {
	n, err := strconv.Atoi(cr.Annotations[cmapi.CertificateRequestRevisionAnnotationKey])
	if err != nil || n < 0 {
		return 0
	}
	return n
}

func historyLimit(crt *cmapi.Certificate) int {
	if l := crt.Spec.RevisionHistoryLimit; l != nil && *l > 0 {
		return int(*l)
	}
	return 1
}
