package informers

import (
	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	experimental "github.com/cert-manager/cert-manager/pkg/apis/experimental/v1alpha1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/cache"
)

// Index names. Each answers one "who is concerned" question.
const (
	bySecret        = "secret"         // Certificates, Issuers: the Secrets they name
	byCertificate   = "certificate"    // CertificateRequests, key Secrets: the Certificate they belong to
	byWaitingIssuer = "waiting-issuer" // requests of both kinds without an end: the issuer they wait for
	byWaitingKey    = "waiting-key"    // requests of both kinds without an end: the key Secret they name
)

// indexBy makes an index function out of one that gives the values for a T.
func indexBy[T any](values func(T) []string) cache.IndexFunc {
	return func(obj any) ([]string, error) {
		o, ok := obj.(T)
		if !ok {
			return nil, nil
		}
		return values(o), nil
	}
}

func certificateSecrets(crt *cmapi.Certificate) []string {
	names := []string{cacheKey(crt.Namespace, crt.Spec.SecretName)}
	for _, ref := range keystorePasswords(crt.Spec.Keystores) {
		names = append(names, cacheKey(crt.Namespace, ref))
	}
	return names
}

func keystorePasswords(k *cmapi.CertificateKeystores) []string {
	var names []string
	if k != nil && k.JKS != nil && k.JKS.PasswordSecretRef.Name != "" {
		names = append(names, k.JKS.PasswordSecretRef.Name)
	}
	if k != nil && k.PKCS12 != nil && k.PKCS12.PasswordSecretRef.Name != "" {
		names = append(names, k.PKCS12.PasswordSecretRef.Name)
	}
	return names
}

// requestCertificate files a CertificateRequest under the Certificate that
// controls it; one made by another program belongs to none.
func requestCertificate(cr *cmapi.CertificateRequest) []string { return ownerCertificate(cr) }

func ownerCertificate(o metav1.Object) []string {
	owner := metav1.GetControllerOf(o)
	if owner == nil || owner.Kind != cmapi.CertificateKind {
		return nil
	}
	return []string{cacheKey(o.GetNamespace(), owner.Name)}
}

// keySecretCertificate files next-private-key Secrets under their Certificate.
func keySecretCertificate(s *corev1.Secret) []string {
	if s.Labels[cmapi.IsNextPrivateKeySecretLabelKey] != "true" {
		return nil
	}
	return ownerCertificate(s)
}

// waitingIssuer files only requests without an end, so that an issuer's change
// wakes those it can help and not the thousands already issued.
func waitingIssuer(cr *cmapi.CertificateRequest) []string {
	if api.RequestFinal(cr) || !api.OwnGroup(cr.Spec.IssuerRef) {
		return nil
	}
	return []string{issuerValue(cr.Namespace, cr.Spec.IssuerRef)}
}

// issuerValue is namespaced for an Issuer and not for a ClusterIssuer.
func issuerValue(namespace string, ref cmmeta.IssuerReference) string {
	ref = api.IssuerRef(ref)
	if ref.Kind == cmapi.ClusterIssuerKind {
		return cmapi.ClusterIssuerKind + "/" + ref.Name
	}
	return ref.Kind + "/" + namespace + "/" + ref.Name
}

func waitingKey(cr *cmapi.CertificateRequest) []string {
	name := cr.Annotations[cmapi.CertificateRequestPrivateKeyAnnotationKey]
	if name == "" || api.RequestFinal(cr) {
		return nil
	}
	return []string{cacheKey(cr.Namespace, name)}
}

// signingIssuer files the signing requests that are for a signer of ours, of
// which the cache holds in full only those without an end (trim.go).
func signingIssuer(csr *certificatesv1.CertificateSigningRequest) []string {
	s, ours := api.ParseSigner(csr.Spec.SignerName)
	if !ours {
		return nil
	}
	return []string{issuerValue(s.Namespace, cmmeta.IssuerReference{Kind: s.Kind, Name: s.Name})}
}

// signingKey files the same under the key Secret they name, which is where the
// issuer's Secrets are.
func (s *Set) signingKey(csr *certificatesv1.CertificateSigningRequest) []string {
	signer, ours := api.ParseSigner(csr.Spec.SignerName)
	name := csr.Annotations[experimental.CertificateSigningRequestPrivateKeyAnnotationKey]
	if !ours || name == "" {
		return nil
	}
	namespace := signer.Namespace
	if signer.Kind == cmapi.ClusterIssuerKind {
		namespace = s.options.ClusterNamespace
	}
	return []string{cacheKey(namespace, name)}
}

// issuerSecrets files an issuer under the Secrets it reads, all of which are
// in one namespace: the Issuer's own, or the one for cluster resources.
func issuerSecrets(namespace string, spec *cmapi.IssuerSpec) []string {
	var names []string
	if spec.CA != nil {
		names = append(names, cacheKey(namespace, spec.CA.SecretName))
	}
	if spec.ACME != nil {
		names = append(names, cacheKey(namespace, spec.ACME.PrivateKey.Name))
		if eab := spec.ACME.ExternalAccountBinding; eab != nil {
			names = append(names, cacheKey(namespace, eab.Key.Name))
		}
	}
	for _, name := range append(vaultSecrets(spec.Vault), venafiSecrets(spec.Venafi)...) {
		if name != "" {
			names = append(names, cacheKey(namespace, name))
		}
	}
	return names
}
