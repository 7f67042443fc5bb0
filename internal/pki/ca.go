package pki

import (
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"
)

// Why a key pair cannot serve as a CA. ParseCA returns errors that wrap exactly
// one of these.
var (
	ErrCACertificate = errors.New("the CA certificate cannot be used")
	ErrCAKey         = errors.New("the CA private key cannot be used")
	ErrCAKeyMismatch = errors.New("the CA certificate and private key do not belong together")
	ErrNotCA         = errors.New("the certificate is not that of a CA")
	ErrCAExpired     = errors.New("the CA certificate has expired")
	ErrCANotYetValid = errors.New("the CA certificate is not valid yet")
)

// KeyPair is a CA that can sign: its certificate first, then the chain above
// it, and its private key.
type KeyPair struct {
	Certificates []*x509.Certificate
	Key          crypto.Signer

	// issuers is what every certificate of this CA carries behind its leaf,
	// encoded once. Nil when the pair was not made by ParseCA.
	issuers *Chain
}

// ParseCA reads a CA from the PEM of its certificate (with the chain above it,
// if any, in any order) and of its private key, and checks that it can sign now.
// Every error says what to do and wraps one of ErrCACertificate, ErrCAKey,
// ErrCAKeyMismatch, ErrNotCA, ErrCAExpired or ErrCANotYetValid. With the last
// two the pair is returned as well: it is sound but for its dates.
func ParseCA(certPEM, keyPEM []byte, now time.Time) (KeyPair, error) {
	certs, err := ParseCertificates(certPEM)
	if err != nil {
		return KeyPair{}, fmt.Errorf("%w: %w: store the PEM certificate of the CA (tls.crt)", ErrCACertificate, err)
	}
	key, err := ParseKey(keyPEM)
	if err != nil {
		return KeyPair{}, fmt.Errorf("%w: %w: store the PEM private key of the CA (tls.key)", ErrCAKey, err)
	}
	ca := certs[0]
	if !SamePublicKey(ca.PublicKey, key.Public()) {
		return KeyPair{}, fmt.Errorf("%w: %s was made for another key: store the certificate and the key of one CA, the CA's own certificate first", ErrCAKeyMismatch, nameOf(ca))
	}
	if err := checkIsCA(ca); err != nil {
		return KeyPair{}, err
	}
	pair := KeyPair{Key: key}
	if err := pair.order(certs); err != nil {
		return KeyPair{}, fmt.Errorf("%w: %w", ErrCACertificate, err)
	}
	return pair, checkDates(ca, now)
}

// order keeps the certificates in the order of the chain, each once.
func (p *KeyPair) order(certs []*x509.Certificate) error {
	path, root, err := buildPath(certs[0], certs[1:])
	if err != nil {
		return err
	}
	p.Certificates = path
	if root != nil && root != path[0] {
		p.Certificates = append(slices.Clip(path), root)
	}
	above := chainAbove(path, root)
	p.issuers = &above
	return nil
}

// checkIsCA reads RFC 5280 sections 4.2.1.9 and 4.2.1.3: the CA flag must be
// set, and a key usage extension, when there is one, must allow signing.
func checkIsCA(cert *x509.Certificate) error {
	if !cert.BasicConstraintsValid || !cert.IsCA {
		return fmt.Errorf("%w: the basic constraints of %s do not say CA: use a certificate issued with isCA: true", ErrNotCA, nameOf(cert))
	}
	if cert.KeyUsage != 0 && cert.KeyUsage&x509.KeyUsageCertSign == 0 {
		return fmt.Errorf(`%w: the key usage of %s lacks "cert sign": use a certificate issued with that usage`, ErrNotCA, nameOf(cert))
	}
	return nil
}

func checkDates(cert *x509.Certificate, now time.Time) error {
	switch {
	case now.After(cert.NotAfter):
		return fmt.Errorf("%w: it ended at %s: renew it", ErrCAExpired, cert.NotAfter.UTC().Format(time.RFC3339))
	case now.Before(cert.NotBefore):
		return fmt.Errorf("%w: it begins at %s: wait until then or check the clocks", ErrCANotYetValid, cert.NotBefore.UTC().Format(time.RFC3339))
	}
	return nil
}

// above gives what stands behind a leaf of this CA: Certificates without the
// root, and the root or topmost issuer as CA.
func (p KeyPair) above() (Chain, error) {
	if p.issuers != nil {
		return *p.issuers, nil
	}
	path, root, err := buildPath(p.Certificates[0], p.Certificates[1:])
	if err != nil {
		return Chain{}, err
	}
	return chainAbove(path, root), nil
}

func chainAbove(path []*x509.Certificate, root *x509.Certificate) Chain {
	switch {
	case root == path[0]:
		return Chain{CA: EncodeCertificates(root)}
	case root == nil:
		root = path[len(path)-1]
	}
	return Chain{Certificates: EncodeCertificates(path...), CA: EncodeCertificates(root)}
}
