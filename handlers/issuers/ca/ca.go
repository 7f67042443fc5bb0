// Package ca signs requests with the CA certificate and key of a Secret.
//
// The pair is parsed and checked once for each state of the Secret, not for
// each request.
package ca

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/pki"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/utils/clock"
)

// Reasons of the API contract, section 1.3.
const (
	reasonVerified    = "KeyPairVerified"
	reasonGetPair     = "ErrGetKeyPair"
	reasonInvalidPair = "ErrInvalidKeyPair"
)

// Backend is the CA issuer type.
type Backend struct {
	secrets issuers.Secrets
	clock   clock.PassiveClock

	mu    sync.Mutex
	pairs map[types.NamespacedName]pair
}

// pair is a CA as parsed from one state of its Secret.
type pair struct {
	resourceVersion string
	keys            pki.KeyPair
}

// New returns a backend that reads CA Secrets from secrets.
func New(secrets issuers.Secrets, c clock.PassiveClock) *Backend {
	return &Backend{secrets: secrets, clock: c, pairs: map[types.NamespacedName]pair{}}
}

// Check tells whether the Secret holds a CA that can sign now, and when that ends.
func (b *Backend) Check(ctx context.Context, i issuers.Issuer) (issuers.Readiness, error) {
	name := types.NamespacedName{Namespace: i.Namespace, Name: i.Spec.CA.SecretName}
	keys, err := b.load(ctx, name)
	switch {
	case apierrors.IsNotFound(err):
		return issuers.Readiness{Reason: reasonGetPair, Message: fmt.Sprintf(
			"spec.ca.secretName: Secret %s does not exist: create it with the CA in %s and its key in %s",
			name, corev1.TLSCertKey, corev1.TLSPrivateKeyKey)}, nil
	case isTransient(err):
		return issuers.Readiness{}, fmt.Errorf("read the CA's Secret %s: %w", name, err)
	case err != nil:
		r := issuers.Readiness{Reason: reasonInvalidPair, Message: fmt.Sprintf("spec.ca.secretName: Secret %s: %v", name, err)}
		if errors.Is(err, pki.ErrCANotYetValid) {
			r.Recheck = keys.Certificates[0].NotBefore.Sub(b.clock.Now())
		}
		return r, nil
	}
	return issuers.Readiness{
		Ready: true, Reason: reasonVerified, Message: "Signing CA verified",
		Recheck: keys.Certificates[0].NotAfter.Sub(b.clock.Now()) + time.Second,
	}, nil
}

// Sign signs a request at once. It waits, as the issuer does, for a CA that is
// missing or unusable.
func (b *Backend) Sign(ctx context.Context, r issuers.Request) (issuers.Outcome, error) {
	name := types.NamespacedName{Namespace: r.Issuer.Namespace, Name: r.Issuer.Spec.CA.SecretName}
	keys, err := b.load(ctx, name)
	switch {
	case apierrors.IsNotFound(err):
		return issuers.Wait("SecretMissing", "the CA's Secret %s does not exist", name), nil
	case isTransient(err):
		return issuers.Outcome{}, fmt.Errorf("read the CA's Secret %s: %w", name, err)
	case err != nil:
		return issuers.Wait("SecretInvalidData", "the CA's Secret %s: %v", name, err), nil
	}
	spec, template := r.Issuer.Spec.CA, r.Template
	template.CRLDistributionPoints = spec.CRLDistributionPoints
	template.OCSPServer = spec.OCSPServers
	template.IssuingCertificateURL = spec.IssuingCertificateURLs
	chain, err := keys.Sign(template, template.PublicKey)
	if err != nil {
		return issuers.Outcome{}, issuers.Refuse("SigningError", "sign the certificate with the CA in Secret %s: %v", name, err)
	}
	return issuers.Outcome{Chain: chain.Certificates, CA: chain.CA}, nil
}

// load returns the CA of a Secret, parsed anew only when the Secret changed.
func (b *Backend) load(ctx context.Context, name types.NamespacedName) (pki.KeyPair, error) {
	secret, err := b.secrets.Secret(ctx, name.Namespace, name.Name)
	if err != nil {
		return pki.KeyPair{}, err
	}
	now := b.clock.Now()
	if p, ok := b.known(name, secret.ResourceVersion); ok && now.Before(p.Certificates[0].NotAfter) {
		return p, nil
	}
	keys, err := pki.ParseCA(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey], now)
	if err != nil {
		return keys, unusable{err} // of a CA at fault only for its dates the keys are there
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.pairs[name] = pair{secret.ResourceVersion, keys}
	return keys, nil
}

func (b *Backend) known(name types.NamespacedName, resourceVersion string) (pki.KeyPair, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.pairs[name]
	return p.keys, ok && resourceVersion != "" && p.resourceVersion == resourceVersion
}

// unusable marks what is wrong with the Secret itself, and not with reading it.
type unusable struct{ error }

func (u unusable) Unwrap() error { return u.error }

// isTransient tells a failure to read a Secret from a Secret that is no CA.
func isTransient(err error) bool {
	var bad unusable
	return err != nil && !errors.As(err, &bad) && !apierrors.IsNotFound(err)
}

// Ends tells when the CA in a Secret ends, if it was read for an issuer.
func (b *Backend) Ends(namespace, secretName string) (time.Time, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p, ok := b.pairs[types.NamespacedName{Namespace: namespace, Name: secretName}]
	if !ok {
		return time.Time{}, false
	}
	return p.keys.Certificates[0].NotAfter, true
}
