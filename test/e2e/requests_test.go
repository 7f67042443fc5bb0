package e2e

import (
	"bytes"
	"crypto/ecdsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// certificateIn reads the first certificate of a request's status.
func certificateIn(s *suite.Space, cr *cmapi.CertificateRequest) *x509.Certificate {
	s.Helper()
	block, _ := pem.Decode(cr.Status.Certificate)
	if block == nil {
		s.Fatal("the status holds no certificate")
	}
	certificate, err := x509.ParseCertificate(block.Bytes)
	s.Must(err)
	return certificate
}

func TestForeignRequestIsApprovedAndSigned(t *testing.T) {
	s := space(t)
	ca := s.CA("ca")
	key := s.NewKey()
	s.Ask("foreign", suite.IssuerRef("ca"), s.SimpleCSR(key), func(cr *cmapi.CertificateRequest) {
		cr.Spec.Duration = &metav1.Duration{Duration: 3 * time.Hour}
		cr.Spec.Usages = []cmapi.KeyUsage{cmapi.UsageDigitalSignature, cmapi.UsageClientAuth}
	})
	cr, _ := s.RequestEnds("foreign", cmapi.CertificateRequestReasonIssued)
	assertVerdicts(t, cr)
	leaf := certificateIn(s, cr)
	if err := leaf.CheckSignatureFrom(ca.Certificate); err != nil {
		t.Errorf("it is not signed by the CA: %v", err)
	}
	if !key.PublicKey.Equal(leaf.PublicKey.(*ecdsa.PublicKey)) {
		t.Error("it is for another key")
	}
	if off := (time.Until(leaf.NotAfter) - 3*time.Hour).Abs(); off > 10*time.Minute {
		t.Errorf("it ends at %s, want in 3 hours", leaf.NotAfter)
	}
	if len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageClientAuth {
		t.Errorf("its usages are %v, want client auth", leaf.ExtKeyUsage)
	}
	if root := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Certificate.Raw}); !bytes.Equal(cr.Status.CA, root) {
		t.Errorf("status.ca is not the CA: %s", cr.Status.CA)
	}
}

func TestForeignRequestOfASelfSignedIssuer(t *testing.T) {
	s := space(t)
	s.SelfSigned("self")
	ca, err := harness.NewRoot("holder") // for its key and how it is stored
	s.Must(err)
	csr := s.CSR(&x509.CertificateRequest{DNSNames: []string{"self.example.com"}}, ca.Key)
	named := func(cr *cmapi.CertificateRequest) {
		cr.Annotations = map[string]string{"cert-manager.io/private-key-secret-name": "key"}
	}

	s.Ask("no-annotation", suite.IssuerRef("self"), csr)
	_, message := s.RequestEnds("no-annotation", cmapi.CertificateRequestReasonFailed)
	s.Mentions(message, "cert-manager.io/private-key-secret-name")

	s.Ask("early", suite.IssuerRef("self"), csr, named)
	_, message = s.RequestEnds("early", cmapi.CertificateRequestReasonPending)
	s.Mentions(message, `"key"`, "does not exist")

	secret := s.CASecret("key", ca)
	secret.Type = corev1.SecretTypeOpaque
	s.PutSecret(secret)
	s.Ask("good", suite.IssuerRef("self"), csr, named)
	cr, _ := s.RequestEnds("good", cmapi.CertificateRequestReasonIssued)
	leaf := certificateIn(s, cr)
	if err := leaf.CheckSignature(leaf.SignatureAlgorithm, leaf.RawTBSCertificate, leaf.Signature); err != nil {
		t.Errorf("it is not signed by itself: %v", err)
	}
	// The one that was early is finished when its Secret comes.
	s.RequestEnds("early", cmapi.CertificateRequestReasonIssued)

	s.Ask("wrong-key", suite.IssuerRef("self"), s.SimpleCSR(s.NewKey()), named)
	_, message = s.RequestEnds("wrong-key", cmapi.CertificateRequestReasonFailed)
	s.Mentions(message, `"key"`, "not the key of the request")
}

func TestRequestsThatMustNotBeSigned(t *testing.T) {
	usages := func(s *suite.Space) []byte {
		value, err := asn1.Marshal([]asn1.ObjectIdentifier{{1, 3, 6, 1, 5, 5, 7, 3, 3}}) // code signing
		s.Must(err)
		return s.CSR(&x509.CertificateRequest{
			DNSNames:        []string{"a.example.com"},
			ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 37}, Value: value}},
		}, s.NewKey())
	}
	for name, row := range map[string]struct {
		csr   func(s *suite.Space) []byte
		edit  func(*cmapi.CertificateRequest)
		words []string
	}{
		"garbage":               {csr: func(*suite.Space) []byte { return []byte("this is no request") }, words: []string{"spec.request"}},
		"other PEM":             {csr: certificatePEM, words: []string{"spec.request"}},
		"bad inside":            {csr: func(*suite.Space) []byte { return pemRequest([]byte("not DER")) }, words: []string{"spec.request"}},
		"not signed by its key": {csr: forged, words: []string{"spec.request"}},
		"one megabyte":          {csr: huge, words: []string{"spec.request"}},
		"other usages":          {csr: usages, words: []string{"usages"}},
		"is CA and is not":      {csr: authority, words: []string{"isCA"}},
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			edits := []func(*cmapi.CertificateRequest){}
			if row.edit != nil {
				edits = append(edits, row.edit)
			}
			if _, err := s.TryAsk("bad", suite.IssuerRef("ca"), row.csr(s), edits...); err != nil {
				s.Mentions(err.Error(), row.words...) // refused at admission: better still
				return
			}
			cr, message := s.RequestEnds("bad", cmapi.CertificateRequestReasonFailed)
			s.Mentions(message, row.words...)
			invalid := harness.RequestCondition(cr, cmapi.CertificateRequestConditionInvalidRequest)
			if invalid == nil || invalid.Status != cmmeta.ConditionTrue {
				t.Errorf("InvalidRequest is %+v", invalid)
			}
			if len(cr.Status.Certificate) > 0 || cr.Status.FailureTime == nil {
				t.Errorf("certificate of %d bytes, failure at %v", len(cr.Status.Certificate), cr.Status.FailureTime)
			}
			// The daemon goes on with the others.
			s.Issue("good", suite.IssuerRef("ca"))
		})
	}
}

func pemRequest(der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE REQUEST", Bytes: der})
}

func certificatePEM(s *suite.Space) []byte {
	ca, err := harness.NewRoot("no request")
	s.Must(err)
	return ca.PEM()
}

// forged has one bit of its signature turned.
func forged(s *suite.Space) []byte {
	block, _ := pem.Decode(s.SimpleCSR(s.NewKey()))
	block.Bytes[len(block.Bytes)-1] ^= 1
	return pemRequest(block.Bytes)
}

// huge is a megabyte before the API encodes it, which is near what etcd takes.
func huge(s *suite.Space) []byte {
	names := make([]string, 0, 50_000)
	for len(names) < cap(names) {
		names = append(names, "a-name-of-some.example.com")
	}
	csr := s.CSR(&x509.CertificateRequest{DNSNames: names}, s.NewKey())
	return csr[:min(len(csr), 1<<20)]
}

// authority asks to be a CA in the CSR, and not in the spec.
func authority(s *suite.Space) []byte {
	value, err := asn1.Marshal(struct {
		IsCA bool `asn1:"optional"`
	}{true})
	s.Must(err)
	return s.CSR(&x509.CertificateRequest{
		DNSNames:        []string{"a.example.com"},
		ExtraExtensions: []pkix.Extension{{Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: value}},
	}, s.NewKey())
}

func TestRequestForAnIssuerThatComesLater(t *testing.T) {
	s := space(t)
	s.Ask("early", suite.IssuerRef("ca"), s.SimpleCSR(s.NewKey()))
	_, message := s.RequestEnds("early", cmapi.CertificateRequestReasonPending)
	s.Mentions(message, "spec.issuerRef", "Issuer.cert-manager.io/ca", "does not exist")
	s.CA("ca")
	s.RequestEnds("early", cmapi.CertificateRequestReasonIssued)
}

func TestRequestForAnUnknownKindOfIssuer(t *testing.T) {
	s := space(t)
	ref := suite.IssuerRef("ca")
	ref.Kind = "Isuer"
	s.Ask("typo", ref, s.SimpleCSR(s.NewKey()))
	_, message := s.RequestEnds("typo", cmapi.CertificateRequestReasonFailed)
	s.Mentions(message, "spec.issuerRef.kind", "Isuer", "ClusterIssuer")
}

// TestRequestForAnExternalIssuer plays the external issuer's controller: we
// approve, it signs, and the Certificate takes what it gave.
func TestRequestForAnExternalIssuer(t *testing.T) {
	s := space(t)
	ref := cmmeta.IssuerReference{Name: "theirs", Kind: "TheirIssuer", Group: "issuers.example.com"}
	s.Create("web", ref)
	cr := s.AwaitRequest("web-1", func(cr *cmapi.CertificateRequest) bool {
		c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved)
		return c != nil && c.Status == cmmeta.ConditionTrue
	})
	if c := harness.RequestCondition(cr, cmapi.CertificateRequestConditionReady); c != nil {
		t.Errorf("the Ready condition is the external issuer's, but it says %+v", c)
	}
	s.Await("web", func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return c != nil && c.Status == cmmeta.ConditionTrue && c.Reason == "DoesNotExist" && crt.Status.NextPrivateKeySecretName != nil
	})
	s.SignElsewhere(cr)
	s.Ready("web")
	s.Bundle("web")
	s.NoLeftovers()
}
