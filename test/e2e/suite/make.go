package suite

import (
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"

	"github.com/certwright/certwright/test/harness"
)

// IssuerRef refers to an Issuer of the space.
func IssuerRef(name string) cmmeta.IssuerReference {
	return cmmeta.IssuerReference{Name: name, Kind: cmapi.IssuerKind, Group: "cert-manager.io"}
}

// ClusterRef refers to a ClusterIssuer.
func ClusterRef(name string) cmmeta.IssuerReference {
	return cmmeta.IssuerReference{Name: name, Kind: cmapi.ClusterIssuerKind, Group: "cert-manager.io"}
}

// CreateIssuer creates an Issuer as it is given.
func (s *Space) CreateIssuer(name string, spec cmapi.IssuerConfig) *cmapi.Issuer {
	s.Helper()
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name}}
	issuer.Spec.IssuerConfig = spec
	made, err := s.CertManager.CertmanagerV1().Issuers(s.Namespace).Create(s.Context(), issuer, metav1.CreateOptions{})
	return must(s, made, err)
}

// SelfSigned makes a SelfSigned issuer and waits until it is ready.
func (s *Space) SelfSigned(name string) {
	s.Helper()
	s.CreateIssuer(name, cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}})
	s.IssuerReady(name)
}

// CA makes a CA of its own, without the product, and a ready issuer for it.
func (s *Space) CA(name string) *harness.Authority {
	s.Helper()
	root, err := harness.NewRoot(name)
	ca := must(s, root, err)
	s.CAOf(name, ca)
	return ca
}

// CAOf makes a ready issuer for a CA. The Secret has the issuer's name and "-ca".
func (s *Space) CAOf(name string, ca *harness.Authority) {
	s.Helper()
	s.PutSecret(s.CASecret(name+"-ca", ca))
	s.CreateIssuer(name, cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: name + "-ca"}})
	s.IssuerReady(name)
}

// CASecret is a CA as users keep it, not yet created.
func (s *Space) CASecret(name string, ca *harness.Authority) *corev1.Secret {
	s.Helper()
	secret, err := ca.Secret(s.Namespace, name)
	return must(s, secret, err)
}

// PutSecret creates a Secret, or overwrites it.
func (s *Space) PutSecret(secret *corev1.Secret) *corev1.Secret {
	s.Helper()
	secrets := s.Kube.CoreV1().Secrets(secret.Namespace)
	if secret.ResourceVersion != "" {
		put, err := secrets.Update(s.Context(), secret, metav1.UpdateOptions{})
		return must(s, put, err)
	}
	put, err := secrets.Create(s.Context(), secret, metav1.CreateOptions{})
	return must(s, put, err)
}

// IssuerReady waits until an Issuer is ready.
func (s *Space) IssuerReady(name string) *cmapi.Issuer {
	s.Helper()
	return s.AwaitIssuer(name, func(status cmapi.IssuerStatus) bool {
		ready, _, _ := harness.IssuerReady(status)
		return ready
	})
}

// AwaitIssuer waits until want holds of an Issuer's status.
func (s *Space) AwaitIssuer(name string, want func(cmapi.IssuerStatus) bool) *cmapi.Issuer {
	s.Helper()
	ctx, cancel := s.Within()
	defer cancel()
	issuer, err := s.Issuers().Until(ctx, s.Namespace, name, func(i *cmapi.Issuer) bool { return want(i.Status) })
	return must(s, issuer, err)
}

// Edit changes a Certificate before it is created or updated.
type Edit func(*cmapi.Certificate)

// Certificate is a small valid Certificate, with the edits made: an ECDSA key,
// one DNS name, and a Secret of its own name.
func (s *Space) Certificate(name string, issuer cmmeta.IssuerReference, edits ...Edit) *cmapi.Certificate {
	crt := &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name},
		Spec: cmapi.CertificateSpec{
			SecretName: name,
			DNSNames:   []string{name + ".example.com"},
			IssuerRef:  issuer,
			PrivateKey: &cmapi.CertificatePrivateKey{Algorithm: cmapi.ECDSAKeyAlgorithm},
		},
	}
	for _, edit := range edits {
		edit(crt)
	}
	return crt
}

// Create creates Certificate(name, issuer, edits...).
func (s *Space) Create(name string, issuer cmmeta.IssuerReference, edits ...Edit) *cmapi.Certificate {
	s.Helper()
	crt, err := s.TryCreate(name, issuer, edits...)
	return must(s, crt, err)
}

// TryCreate is Create where the API may refuse.
func (s *Space) TryCreate(name string, issuer cmmeta.IssuerReference, edits ...Edit) (*cmapi.Certificate, error) {
	crt := s.Certificate(name, issuer, edits...)
	return s.CertManager.CertmanagerV1().Certificates(s.Namespace).Create(s.Context(), crt, metav1.CreateOptions{})
}

// Issue creates a Certificate, waits until it is Ready and returns what its
// Secret holds.
func (s *Space) Issue(name string, issuer cmmeta.IssuerReference, edits ...Edit) *Bundle {
	s.Helper()
	crt := s.Create(name, issuer, edits...)
	s.Ready(name)
	return s.Bundle(crt.Spec.SecretName)
}

// Edit changes the spec of a Certificate that exists.
func (s *Space) Edit(name string, edits ...Edit) {
	s.Helper()
	s.Must(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		crt := s.Get(name)
		for _, edit := range edits {
			edit(crt)
		}
		_, err := s.CertManager.CertmanagerV1().Certificates(s.Namespace).Update(s.Context(), crt, metav1.UpdateOptions{})
		return err
	}))
}

// Get reads a Certificate.
func (s *Space) Get(name string) *cmapi.Certificate {
	s.Helper()
	crt, err := s.CertManager.CertmanagerV1().Certificates(s.Namespace).Get(s.Context(), name, metav1.GetOptions{})
	return must(s, crt, err)
}

// Renew asks for a renewal as cmctl does: by a condition in the status.
func (s *Space) Renew(name string) {
	s.Helper()
	s.Must(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		crt, now := s.Get(name), metav1.Now()
		crt.Status.Conditions = append(crt.Status.Conditions, cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue,
			Reason: "ManuallyTriggered", Message: "Certificate re-issuance manually triggered",
			LastTransitionTime: &now, ObservedGeneration: crt.Generation,
		})
		_, err := s.CertManager.CertmanagerV1().Certificates(s.Namespace).UpdateStatus(s.Context(), crt, metav1.UpdateOptions{})
		return err
	}))
}
