// Package selfsigned signs each request with the request's own private key:
// how a root comes to be.
//
// The key must be within reach, so a request names the Secret that holds it by
// the annotation cert-manager.io/private-key-secret-name, a Kubernetes
// CertificateSigningRequest by experimental.cert-manager.io/private-key-secret-name.
package selfsigned

import (
	"context"
	"fmt"

	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// keyAnnotation names the Secret with the request's private key.
const keyAnnotation = cmapi.CertificateRequestPrivateKeyAnnotationKey

// Backend is the SelfSigned issuer type.
type Backend struct{ Secrets issuers.Secrets }

// Check always finds a SelfSigned issuer ready: it depends on nothing.
func (Backend) Check(context.Context, issuers.Issuer) (issuers.Readiness, error) {
	return issuers.Readiness{Ready: true, Reason: "IsReady", Message: "Ready to sign requests with their own keys"}, nil
}

// Sign signs a request with the key in the Secret it names. It waits for a
// Secret that does not exist yet, and refuses a key that is not the request's.
func (b Backend) Sign(ctx context.Context, r issuers.Request) (issuers.Outcome, error) {
	name, annotation := r.Annotation(keyAnnotation)
	if name == "" {
		return issuers.Outcome{}, issuers.Refuse("MissingAnnotation",
			"a SelfSigned issuer signs with the request's own key: name the Secret that holds it in the annotation %s", annotation)
	}
	secret, err := b.Secrets.Secret(ctx, r.Namespace, name)
	if apierrors.IsNotFound(err) {
		return issuers.Wait("MissingSecret", "Secret %q with the request's private key does not exist in namespace %q: create it", name, r.Namespace), nil
	}
	if err != nil {
		return issuers.Outcome{}, fmt.Errorf("read Secret %q with the request's private key: %w", name, err)
	}
	return sign(r, name, secret.Data[corev1.TLSPrivateKeyKey])
}

func sign(r issuers.Request, name string, keyPEM []byte) (issuers.Outcome, error) {
	if len(keyPEM) == 0 {
		return issuers.Wait("MissingSecret", "Secret %q has no private key in %s: put the request's key there", name, corev1.TLSPrivateKeyKey), nil
	}
	key, err := pki.ParseKey(keyPEM)
	if err != nil {
		return issuers.Wait("ErrorParsingKey", "Secret %q holds no usable private key in %s (%v): put the request's key there", name, corev1.TLSPrivateKeyKey, err), nil
	}
	if !pki.SamePublicKey(key.Public(), r.Template.PublicKey) {
		_, annotation := r.Annotation(keyAnnotation)
		return issuers.Outcome{}, issuers.Refuse("ErrorKeyMatch",
			"the private key in Secret %q is not the key of the request: name the right Secret in the annotation %s", name, annotation)
	}
	template := r.Template
	template.CRLDistributionPoints = r.Issuer.Spec.SelfSigned.CRLDistributionPoints
	chain, err := pki.SelfSign(template, key)
	if err != nil {
		return issuers.Outcome{}, issuers.Refuse("ErrorSigning", "sign the certificate with its own key: %v", err)
	}
	return issuers.Outcome{Chain: chain.Certificates, CA: chain.CA}, nil
}
