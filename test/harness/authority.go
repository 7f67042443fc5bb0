package harness

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Authority is a CA made without the product, so that what the product signs
// with it is judged from outside.
type Authority struct {
	// Certificate is the CA's own, Chain what leads from it to its root, both PEM.
	Certificate *x509.Certificate
	Key         crypto.Signer
	// Issuers are the certificates above, nearest first; empty for a root.
	Issuers []*x509.Certificate
}

// NewRoot makes a root CA.
func NewRoot(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := caTemplate(name)
	return sign(template, template, key, key, nil)
}

// Sub makes an intermediate CA below this one.
func (a *Authority) Sub(name string) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	above := append([]*x509.Certificate{a.Certificate}, a.Issuers...)
	return sign(caTemplate(name), a.Certificate, key, a.Key, above)
}

func caTemplate(name string) *x509.Certificate {
	return &x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		Subject:      pkix.Name{CommonName: name},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(10 * 365 * 24 * time.Hour),
		KeyUsage:     x509.KeyUsageCertSign | x509.KeyUsageCRLSign | x509.KeyUsageDigitalSignature,
		IsCA:         true, BasicConstraintsValid: true,
	}
}

// Issue signs any template with this CA, for certificates that are wrong in
// some way.
func (a *Authority) Issue(template *x509.Certificate, key crypto.Signer) (*Authority, error) {
	above := append([]*x509.Certificate{a.Certificate}, a.Issuers...)
	return sign(template, a.Certificate, key, a.Key, above)
}

func sign(template, parent *x509.Certificate, key, parentKey crypto.Signer, above []*x509.Certificate) (*Authority, error) {
	der, err := x509.CreateCertificate(rand.Reader, template, parent, key.Public(), parentKey)
	if err != nil {
		return nil, err
	}
	certificate, err := x509.ParseCertificate(der)
	return &Authority{Certificate: certificate, Key: key, Issuers: above}, err
}

// PEM is the certificate and what leads to its root, nearest first.
func (a *Authority) PEM() []byte {
	out := encode("CERTIFICATE", a.Certificate.Raw)
	for _, above := range a.Issuers {
		out = append(out, encode("CERTIFICATE", above.Raw)...)
	}
	return out
}

// Root is the certificate at the top.
func (a *Authority) Root() *x509.Certificate {
	if n := len(a.Issuers); n > 0 {
		return a.Issuers[n-1]
	}
	return a.Certificate
}

// KeyPEM is the private key in PKCS#8.
func (a *Authority) KeyPEM() ([]byte, error) {
	der, err := x509.MarshalPKCS8PrivateKey(a.Key)
	if err != nil {
		return nil, err
	}
	return encode("PRIVATE KEY", der), nil
}

// Secret is the CA as users keep it for a CA issuer.
func (a *Authority) Secret(namespace, name string) (*corev1.Secret, error) {
	key, err := a.KeyPEM()
	if err != nil {
		return nil, err
	}
	return &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name},
		Type:       corev1.SecretTypeTLS,
		Data:       map[string][]byte{corev1.TLSCertKey: a.PEM(), corev1.TLSPrivateKeyKey: key},
	}, nil
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}

// Server makes the certificate of a TLS server on this machine: for localhost,
// 127.0.0.1 and the addresses given.
func (a *Authority) Server(addresses ...net.IP) (*Authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	return a.Issue(&x509.Certificate{
		SerialNumber: big.NewInt(time.Now().UnixNano()),
		NotBefore:    time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		DNSNames: []string{"localhost"}, IPAddresses: append([]net.IP{net.IPv4(127, 0, 0, 1)}, addresses...),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth},
	}, key)
}
