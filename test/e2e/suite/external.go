package suite

import (
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// SignElsewhere plays the controller of an external issuer: it signs a request
// with a CA of its own and writes the outcome into the request's status.
func (s *Space) SignElsewhere(cr *cmapi.CertificateRequest) {
	s.Helper()
	root, err := harness.NewRoot("external")
	ca := must(s, root, err)
	block, _ := pem.Decode(cr.Spec.Request)
	parsed, err := x509.ParseCertificateRequest(block.Bytes)
	csr := must(s, parsed, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(4711), Subject: csr.Subject, DNSNames: csr.DNSNames,
		NotBefore: time.Now().Add(-time.Minute), NotAfter: time.Now().Add(24 * time.Hour),
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.Certificate, csr.PublicKey, ca.Key)
	signed := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: must(s, der, err)})
	s.finish(cr, signed, ca.PEM())
}

func (s *Space) finish(cr *cmapi.CertificateRequest, certificate, ca []byte) {
	s.Helper()
	now := metav1.Now()
	cr.Status.Certificate, cr.Status.CA = certificate, ca
	cr.Status.Conditions = append(cr.Status.Conditions, cmapi.CertificateRequestCondition{
		Type: cmapi.CertificateRequestConditionReady, Status: cmmeta.ConditionTrue,
		Reason: cmapi.CertificateRequestReasonIssued, Message: "signed elsewhere", LastTransitionTime: &now,
	})
	_, err := s.CertManager.CertmanagerV1().CertificateRequests(cr.Namespace).UpdateStatus(s.Context(), cr, metav1.UpdateOptions{})
	s.Must(err)
}
