package pki

import (
	"crypto"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/asn1"
	"errors"
	"fmt"
	"slices"
)

// Sign issues a certificate for a public key from a template such as Template
// makes; with a nil key the template's own is taken. The certificate names the
// CA's key in its authority key identifier, and the signature algorithm is the
// one fit for the CA's key. Its end may lie behind the end of the CA: that is
// the requester's choice, and a chain with a renewed CA stays valid. The
// template is not changed.
func (p KeyPair) Sign(template *x509.Certificate, pub crypto.PublicKey) (Chain, error) {
	if len(p.Certificates) == 0 || p.Key == nil {
		return Chain{}, errors.New("sign: the CA has no certificate or no key")
	}
	ca := p.Certificates[0]
	cert := *template
	cert.SignatureAlgorithm = signatureAlgorithmFor(p.Key.Public())
	cert.AuthorityKeyId = ca.SubjectKeyId
	if len(cert.AuthorityKeyId) == 0 {
		cert.AuthorityKeyId = keyIdentifier(ca.RawSubjectPublicKeyInfo)
	}
	leaf, err := create(&cert, ca, pub, p.Key)
	if err != nil {
		return Chain{}, err
	}
	above, err := p.above()
	if err != nil {
		return Chain{}, err
	}
	chain := Chain{Leaf: EncodeCertificates(leaf), CA: above.CA}
	chain.Certificates = slices.Concat(chain.Leaf, above.Certificates)
	return chain, nil
}

// SelfSign issues a certificate for the public half of its own key. The
// signature algorithm of the template is used when the key can make it. A
// template made for another key is an error. The template is not changed.
func SelfSign(template *x509.Certificate, key crypto.Signer) (Chain, error) {
	pub := key.Public()
	if template.PublicKey != nil && !SamePublicKey(template.PublicKey, pub) {
		return Chain{}, errors.New("self-sign: the private key is not the one that made the request: a certificate can only sign itself with its own key")
	}
	cert := *template
	if !signatureFits(cert.SignatureAlgorithm, pub) {
		cert.SignatureAlgorithm = signatureAlgorithmFor(pub)
	}
	leaf, err := create(&cert, &cert, pub, key)
	if err != nil {
		return Chain{}, err
	}
	pem := EncodeCertificates(leaf)
	return Chain{Leaf: pem, Certificates: pem, CA: pem}, nil
}

// create signs and reads the result back: what cannot be read must not leave
// this package.
func create(cert, parent *x509.Certificate, pub crypto.PublicKey, key crypto.Signer) (*x509.Certificate, error) {
	if pub == nil {
		pub = cert.PublicKey
	}
	spki, err := x509.MarshalPKIXPublicKey(pub)
	if err != nil {
		return nil, fmt.Errorf("sign: the public key cannot be put into a certificate: %w", err)
	}
	if len(cert.SubjectKeyId) == 0 {
		cert.SubjectKeyId = keyIdentifier(spki)
	}
	der, err := x509.CreateCertificate(rand.Reader, cert, parent, pub, key)
	if err != nil {
		return nil, fmt.Errorf("sign: %w", err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		return nil, fmt.Errorf("sign: the request leads to a certificate that nobody could read: %w", err)
	}
	return leaf, nil
}

// keyIdentifier names a key by the first 160 bits of SHA-256 over it (RFC 7093
// section 2, method 1). It is nil for something that is no public key.
func keyIdentifier(spki []byte) []byte {
	var info struct {
		Algorithm asn1.RawValue
		Key       asn1.BitString
	}
	if unmarshalAll(spki, &info) != nil {
		return nil
	}
	sum := sha256.Sum256(info.Key.Bytes)
	return sum[:20]
}
