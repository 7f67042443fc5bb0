package handlertest

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/asn1"
	"encoding/pem"
	"math/big"
	rand64 "math/rand/v2"
	"sync"
	"testing"
)

// NewKey makes an ECDSA P-256 key, which costs nothing.
func NewKey(t testing.TB) *ecdsa.PrivateKey {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// RSAKey is one RSA-2048 key for all tests, because RSA keys take long.
var RSAKey = sync.OnceValue(func() *rsa.PrivateKey {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		panic(err)
	}
	return key
})

// KeyPEM is a key in the encoding that API calls PKCS1: "EC PRIVATE KEY" or
// "RSA PRIVATE KEY", but PKCS#8 for Ed25519, which has no other.
func KeyPEM(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	switch key := key.(type) {
	case *rsa.PrivateKey:
		return block("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(key))
	case ed25519.PrivateKey:
		return PKCS8(t, key)
	}
	der, err := x509.MarshalECPrivateKey(key.(*ecdsa.PrivateKey))
	if err != nil {
		t.Fatal(err)
	}
	return block("EC PRIVATE KEY", der)
}

// PKCS8 is a key in PKCS#8.
func PKCS8(t testing.TB, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	return block("PRIVATE KEY", der)
}

func block(label string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der})
}

// Leaf reads the first certificate of a PEM text.
func Leaf(t testing.TB, text []byte) *x509.Certificate {
	t.Helper()
	b, _ := pem.Decode(text)
	if b == nil {
		t.Fatalf("no PEM in %q", text)
	}
	cert, err := x509.ParseCertificate(b.Bytes)
	if err != nil {
		t.Fatal(err)
	}
	return cert
}

// Authority is a CA made with crypto/x509.
type Authority struct {
	Certificate *x509.Certificate
	Key         *ecdsa.PrivateKey
	PEM         []byte // of the certificate
}

// NewAuthority makes a root, valid from a year before Now for ten years;
// edit changes it.
func NewAuthority(t testing.TB, name string, edit ...func(*x509.Certificate)) Authority {
	t.Helper()
	key := NewKey(t)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: name},
		NotBefore: Now.AddDate(-1, 0, 0), NotAfter: Now.AddDate(9, 0, 0),
		KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign, BasicConstraintsValid: true, IsCA: true,
	}
	for _, e := range edit {
		e(template)
	}
	a := Authority{Key: key, PEM: sign(t, template, template, key.Public(), key)}
	a.Certificate = Leaf(t, a.PEM)
	return a
}

// Issue makes a certificate for a public key, valid from thirty days before
// Now for ninety days, as for the fixture Certificate; edit changes it.
func (a Authority) Issue(t testing.TB, pub crypto.PublicKey, edit ...func(*x509.Certificate)) []byte {
	t.Helper()
	template := &x509.Certificate{
		SerialNumber: serial(), Subject: pkix.Name{CommonName: "web.example.com"},
		DNSNames: []string{"web.example.com"}, NotBefore: Issued, NotAfter: Ends,
		KeyUsage: x509.KeyUsageDigitalSignature | x509.KeyUsageKeyEncipherment, BasicConstraintsValid: true,
	}
	for _, e := range edit {
		e(template)
	}
	return sign(t, template, a.Certificate, pub, a.Key)
}

// serial is a number that no other certificate has.
func serial() *big.Int {
	return new(big.Int).SetUint64(rand64.Uint64())
}

func sign(t testing.TB, template, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) []byte {
	t.Helper()
	der, err := x509.CreateCertificate(rand.Reader, template, parent, pub, key)
	if err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE", der)
}

// CSR makes the signing request of the fixture Certificate: its names, and the
// default usages; edit changes it.
func CSR(t testing.TB, key crypto.Signer, edit ...func(*x509.CertificateRequest)) []byte {
	t.Helper()
	template := &x509.CertificateRequest{
		Subject: pkix.Name{CommonName: "web.example.com"}, DNSNames: []string{"web.example.com"},
		ExtraExtensions: []pkix.Extension{KeyUsageExtension},
	}
	for _, e := range edit {
		e(template)
	}
	der, err := x509.CreateCertificateRequest(rand.Reader, template, key)
	if err != nil {
		t.Fatal(err)
	}
	return block("CERTIFICATE REQUEST", der)
}

// Extensions of signing requests, RFC 5280 section 4.2.1.
var (
	// KeyUsageExtension is digital signature and key encipherment.
	KeyUsageExtension = pkix.Extension{
		Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: []byte{0x03, 0x02, 0x05, 0xa0}}
	// CertSignExtension is the key usage cert sign alone.
	CertSignExtension = pkix.Extension{
		Id: asn1.ObjectIdentifier{2, 5, 29, 15}, Critical: true, Value: []byte{0x03, 0x02, 0x02, 0x04}}
	// CAExtension is the basic constraint CA.
	CAExtension = pkix.Extension{
		Id: asn1.ObjectIdentifier{2, 5, 29, 19}, Critical: true, Value: []byte{0x30, 0x03, 0x01, 0x01, 0xff}}
)
