package informers

import (
	"context"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// What follows answers the handlers' questions from the cache. Every object
// returned is shared: copy it before changing it.

// Certificate returns a Certificate, or nil.
func (s *Set) Certificate(namespace, name string) *cmapi.Certificate {
	crt, _ := s.certificates.get(namespace, name)
	return crt
}

// Certificates returns every Certificate, for metrics.
func (s *Set) Certificates() []*cmapi.Certificate { return s.certificates.list() }

// CertificatesBySecret returns the Certificates whose target is a Secret.
func (s *Set) CertificatesBySecret(namespace, secretName string) []*cmapi.Certificate {
	var named []*cmapi.Certificate
	for _, crt := range s.certificates.by(bySecret, namespace, cacheKey(namespace, secretName)) {
		if crt.Spec.SecretName == secretName { // the index also files keystore passwords
			named = append(named, crt)
		}
	}
	return named
}

// Request returns a CertificateRequest, or nil.
func (s *Set) Request(namespace, name string) *cmapi.CertificateRequest {
	cr, _ := s.requests.get(namespace, name)
	return cr
}

// RequestsOf returns the CertificateRequests a Certificate controls.
func (s *Set) RequestsOf(crt *cmapi.Certificate) []*cmapi.CertificateRequest {
	var own []*cmapi.CertificateRequest
	for _, cr := range s.requests.by(byCertificate, crt.Namespace, cacheKey(crt.Namespace, crt.Name)) {
		if controlledBy(cr.OwnerReferences, crt) {
			own = append(own, cr)
		}
	}
	return own
}

// KeySecretsOf returns the next-private-key Secrets a Certificate controls.
func (s *Set) KeySecretsOf(crt *cmapi.Certificate) []*corev1.Secret {
	var own []*corev1.Secret
	for _, secret := range s.secrets.own.by(byCertificate, crt.Namespace, cacheKey(crt.Namespace, crt.Name)) {
		if controlledBy(secret.OwnerReferences, crt) {
			own = append(own, secret)
		}
	}
	return own
}

// SigningRequest returns a CertificateSigningRequest, or nil. Of one that is
// not for us, or has come to its end, the cache has the name only.
func (s *Set) SigningRequest(name string) *certificatesv1.CertificateSigningRequest {
	if s.signing == nil {
		return nil
	}
	csr, _ := s.signing.get("", name)
	return csr
}

// signingBy returns the signing requests that an index files under value.
func (s *Set) signingBy(index, value string) []*certificatesv1.CertificateSigningRequest {
	if s.signing == nil {
		return nil
	}
	return s.signing.byAnywhere(index, value)
}

// Issuer returns an Issuer, or nil.
func (s *Set) Issuer(namespace, name string) *cmapi.Issuer {
	i, _ := s.issuers.get(namespace, name)
	return i
}

// ClusterIssuer returns a ClusterIssuer, or nil.
func (s *Set) ClusterIssuer(name string) *cmapi.ClusterIssuer {
	if s.clusterIssuers == nil {
		return nil
	}
	i, _ := s.clusterIssuers.get("", name)
	return i
}

// Issuers returns every Issuer, for metrics.
func (s *Set) Issuers() []*cmapi.Issuer { return s.issuers.list() }

// ClusterIssuers returns every ClusterIssuer, for metrics.
func (s *Set) ClusterIssuers() []*cmapi.ClusterIssuer {
	if s.clusterIssuers == nil {
		return nil
	}
	return s.clusterIssuers.list()
}

// IssuerFor resolves a reference made in a namespace, or returns nil. Only
// references to our own group can be resolved.
func (s *Set) IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer {
	switch ref = api.IssuerRef(ref); {
	case !api.OwnGroup(ref):
		return nil
	case ref.Kind == cmapi.IssuerKind:
		if i := s.Issuer(namespace, ref.Name); i != nil {
			return i
		}
	case ref.Kind == cmapi.ClusterIssuerKind:
		if i := s.ClusterIssuer(ref.Name); i != nil {
			return i
		}
	}
	return nil
}

// Secret returns a Secret: from the cache when it is ours, else read by name
// once for each of its resourceVersions. Errors: NotFound when it does not
// exist, else what the API server answered.
func (s *Set) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return s.secrets.get(ctx, namespace, name)
}

// KnownSecret returns a Secret that is in memory anyway, or nil: one of ours, or
// one that was read before and has not changed since.
func (s *Set) KnownSecret(namespace, name string) *corev1.Secret {
	return s.secrets.known(namespace, name)
}

// LiveSecret reads a Secret from the API server, past every cache.
func (s *Set) LiveSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return s.secrets.live(ctx, namespace, name)
}

// controlledBy compares the owner's UID, so that the children of a deleted
// Certificate are not taken for those of its namesake.
func controlledBy(owners []metav1.OwnerReference, crt *cmapi.Certificate) bool {
	for _, o := range owners {
		if o.Controller != nil && *o.Controller {
			return o.UID == crt.UID
		}
	}
	return false
}
