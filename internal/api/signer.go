package api

import (
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
)

// Signer is the issuer that a Kubernetes CertificateSigningRequest names.
type Signer struct {
	Kind      string // Issuer or ClusterIssuer
	Namespace string // of an Issuer
	Name      string
}

// The domains of our signers: the plural and the group of an issuer's kind.
const (
	issuerSigners        = "issuers.cert-manager.io/"
	clusterIssuerSigners = "clusterissuers.cert-manager.io/"
)

// ParseSigner reads a signer name of ours (contract 1.5):
// issuers.cert-manager.io/NAMESPACE.NAME or clusterissuers.cert-manager.io/NAME.
// No namespace has a dot, but a name may. ours is false for the signers of
// others. One of ours that lacks a part names no issuer.
func ParseSigner(signerName string) (s Signer, ours bool) {
	if name, ok := strings.CutPrefix(signerName, clusterIssuerSigners); ok {
		return Signer{Kind: cmapi.ClusterIssuerKind, Name: name}, true
	}
	rest, ok := strings.CutPrefix(signerName, issuerSigners)
	if !ok {
		return Signer{}, false
	}
	s.Kind = cmapi.IssuerKind
	if namespace, name, _ := strings.Cut(rest, "."); namespace != "" && name != "" {
		s.Namespace, s.Name = namespace, name
	}
	return s, true
}

// String is how a Signer's issuer is named to a person.
func (s Signer) String() string {
	if s.Namespace == "" {
		return s.Kind + " " + s.Name
	}
	return s.Kind + " " + s.Namespace + "/" + s.Name
}

// SigningRequestIs reports whether a condition of a Kubernetes
// CertificateSigningRequest is True.
func SigningRequestIs(csr *certificatesv1.CertificateSigningRequest, t certificatesv1.RequestConditionType) bool {
	for _, c := range csr.Status.Conditions {
		if c.Type == t && c.Status == corev1.ConditionTrue {
			return true
		}
	}
	return false
}

// SigningRequestFinal reports whether csr has reached an end: signed, denied
// or failed.
func SigningRequestFinal(csr *certificatesv1.CertificateSigningRequest) bool {
	return len(csr.Status.Certificate) > 0 ||
		SigningRequestIs(csr, certificatesv1.CertificateDenied) || SigningRequestIs(csr, certificatesv1.CertificateFailed)
}
