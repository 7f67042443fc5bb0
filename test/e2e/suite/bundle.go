package suite

import (
	"bytes"
	"crypto"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/harness"
)

// Bundle is the content of a target Secret, parsed.
type Bundle struct {
	Secret *corev1.Secret
	Key    crypto.Signer
	// Leaf is the first of Chain; CA is what ca.crt holds.
	Leaf  *x509.Certificate
	Chain []*x509.Certificate
	CA    []*x509.Certificate
}

// Bundle reads a target Secret. It fails the test unless key and certificate
// belong together and the chain is in order and leads to ca.crt.
func (s *Space) Bundle(secretName string) *Bundle {
	s.Helper()
	secret, err := s.Kube.CoreV1().Secrets(s.Namespace).Get(s.Context(), secretName, metav1.GetOptions{})
	b := s.Parse(must(s, secret, err))
	b.verify(s)
	return b
}

// Parse reads a target Secret without verifying the chain.
func (s *Space) Parse(secret *corev1.Secret) *Bundle {
	s.Helper()
	pair, err := tls.X509KeyPair(secret.Data[corev1.TLSCertKey], secret.Data[corev1.TLSPrivateKeyKey])
	if err != nil {
		s.Fatalf("Secret %s: %v", secret.Name, err)
	}
	b := &Bundle{Secret: secret, Key: pair.PrivateKey.(crypto.Signer), Leaf: pair.Leaf}
	b.Chain = s.certificates(secret.Data[corev1.TLSCertKey])
	b.CA = s.certificates(secret.Data["ca.crt"])
	return b
}

func (s *Space) certificates(text []byte) []*x509.Certificate {
	s.Helper()
	var all []*x509.Certificate
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			if len(bytes.TrimSpace(rest)) > 0 {
				s.Errorf("there is something behind the last PEM block: %q", rest)
			}
			return all
		}
		certificate, err := x509.ParseCertificate(block.Bytes)
		s.Must(err)
		all, text = append(all, certificate), rest
	}
}

func (b *Bundle) verify(s *Space) {
	s.Helper()
	selfSigned := bytes.Equal(b.Leaf.RawIssuer, b.Leaf.RawSubject)
	roots, between := x509.NewCertPool(), x509.NewCertPool()
	for _, ca := range b.CA {
		roots.AddCert(ca)
	}
	for i, certificate := range b.Chain[1:] {
		between.AddCert(certificate)
		if err := b.Chain[i].CheckSignatureFrom(certificate); err != nil {
			s.Errorf("tls.crt is not in order: number %d is not signed by the next: %v", i, err)
		}
		if !selfSigned && bytes.Equal(certificate.RawIssuer, certificate.RawSubject) {
			s.Errorf("tls.crt holds a root, %s", certificate.Subject)
		}
	}
	options := x509.VerifyOptions{Roots: roots, Intermediates: between, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}}
	if _, err := b.Leaf.Verify(options); err != nil && !unhandledOnly(b.Leaf) {
		s.Errorf("the chain does not lead to ca.crt: %v", err)
	}
}

// unhandledOnly excuses critical extensions that crypto/x509 does not know,
// such as a subject alternative name of otherNames only.
func unhandledOnly(leaf *x509.Certificate) bool { return len(leaf.UnhandledCriticalExtensions) > 0 }

// SignedBy fails the test unless the leaf chains up to that root.
func (b *Bundle) SignedBy(s *Space, ca *harness.Authority) {
	s.Helper()
	if len(b.CA) != 1 || !b.CA[0].Equal(ca.Root()) {
		s.Errorf("ca.crt is not the root %s: %d certificate(s)", ca.Root().Subject, len(b.CA))
	}
}

// SameKey tells whether two bundles have the same private key.
func (b *Bundle) SameKey(other *Bundle) bool {
	return b.Key.Public().(interface{ Equal(crypto.PublicKey) bool }).Equal(other.Key.Public())
}

// KeyBlock is the PEM type of the private key as it is stored.
func (b *Bundle) KeyBlock() string {
	block, _ := pem.Decode(b.Secret.Data[corev1.TLSPrivateKeyKey])
	return block.Type
}
