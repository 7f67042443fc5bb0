package suite

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/util/retry"
)

// NewKey makes an ECDSA key without the product.
func (s *Space) NewKey() *ecdsa.PrivateKey {
	s.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	return must(s, key, err)
}

// CSR makes a PEM signing request without the product.
func (s *Space) CSR(template *x509.CertificateRequest, key crypto.Signer) []byte {
	s.Helper()
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: must(s, der, err)})
}

// SimpleCSR is a request for one DNS name.
func (s *Space) SimpleCSR(key crypto.Signer) []byte {
	s.Helper()
	return s.CSR(&x509.CertificateRequest{DNSNames: []string{"foreign.example.com"}}, key)
}

// Ask creates a CertificateRequest as csi-driver or istio-csr do: by itself,
// without a Certificate.
func (s *Space) Ask(name string, issuer cmmeta.IssuerReference, csr []byte, edits ...func(*cmapi.CertificateRequest)) *cmapi.CertificateRequest {
	s.Helper()
	cr, err := s.TryAsk(name, issuer, csr, edits...)
	return must(s, cr, err)
}

// TryAsk is Ask where the API may refuse.
func (s *Space) TryAsk(name string, issuer cmmeta.IssuerReference, csr []byte, edits ...func(*cmapi.CertificateRequest)) (*cmapi.CertificateRequest, error) {
	cr := &cmapi.CertificateRequest{
		ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: name},
		Spec:       cmapi.CertificateRequestSpec{Request: csr, IssuerRef: issuer},
	}
	for _, edit := range edits {
		edit(cr)
	}
	return s.CertManager.CertmanagerV1().CertificateRequests(s.Namespace).Create(s.Context(), cr, metav1.CreateOptions{})
}

// Judge approves or denies a request as another approver does: by a condition.
func (s *Space) Judge(name string, verdict cmapi.CertificateRequestConditionType) {
	s.Helper()
	requests := s.CertManager.CertmanagerV1().CertificateRequests(s.Namespace)
	s.Must(retry.RetryOnConflict(retry.DefaultRetry, func() error {
		cr, err := requests.Get(s.Context(), name, metav1.GetOptions{})
		if err != nil {
			return err
		}
		now := metav1.Now()
		cr.Status.Conditions = append(cr.Status.Conditions, cmapi.CertificateRequestCondition{
			Type: verdict, Status: cmmeta.ConditionTrue, Reason: "policy.example.com",
			Message: "judged by the test", LastTransitionTime: &now,
		})
		_, err = requests.UpdateStatus(s.Context(), cr, metav1.UpdateOptions{})
		return err
	}))
}
