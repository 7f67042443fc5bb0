// Package keystore writes the private key and the certificates of a Secret as
// Java keystores (JKS) and PKCS#12 files (RFC 7292), and recognizes one that
// already says the same.
//
// Both formats are salted: encoding the same content twice gives different
// bytes. So whoever keeps a Secret in step must not encode and compare, but ask
// HasKeystore and HasTruststore first, or it would write for ever.
//
// What is stored is not trusted: it is somebody's data in a Secret. Its lengths
// and the work it asks for are checked before a library decodes it, and
// whatever cannot be decoded is simply not a match.
package keystore

import (
	"bytes"
	"crypto"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/pki"
)

// Format is one of the keystore formats with its settings: JKS or PKCS12.
type Format interface {
	// Keystore writes key, chain and CA. It is an error when the password is
	// empty or cannot be expressed in the format.
	Keystore(c Content, now time.Time) ([]byte, error)
	// Truststore writes the CA certificates alone; without any it is an error.
	Truststore(c Content, now time.Time) ([]byte, error)
	// HasKeystore tells whether data is a keystore with this content and these
	// settings.
	HasKeystore(data []byte, c Content) bool
	// HasTruststore is HasKeystore for a truststore.
	HasTruststore(data []byte, c Content) bool
}

// Content is what keystores are made of.
type Content struct {
	Key   crypto.Signer
	Chain []*x509.Certificate // the leaf first, then its intermediates
	CA    []*x509.Certificate // may be empty
}

// maxSize bounds stored data in bytes before anything is decoded: a Secret
// holds no more.
const maxSize = 1 << 20

var (
	errNoPassword = errors.New("the keystore password is empty: give passwordSecretRef or password a text")
	errNoCA       = errors.New("there is no CA certificate for a truststore")
)

// Read takes the content from the PEM of a Secret's tls.key, tls.crt and
// ca.crt, of which the last may be empty. The key must be that of the leaf.
func Read(keyPEM, chainPEM, caPEM []byte) (Content, error) {
	key, err := pki.ParseKey(keyPEM)
	if err != nil {
		return Content{}, err
	}
	c := Content{Key: key}
	if c.Chain, err = pki.ParseCertificates(chainPEM); err != nil {
		return Content{}, err
	}
	if !pki.SamePublicKey(c.Chain[0].PublicKey, key.Public()) {
		return Content{}, errors.New("keystore: the private key and the certificate do not belong together")
	}
	if len(bytes.TrimSpace(caPEM)) == 0 {
		return c, nil
	}
	if c.CA, err = pki.ParseBundle(caPEM); err != nil {
		return Content{}, err
	}
	return c, nil
}

// otherCA is the CA certificates that are not in the chain already: a keystore
// needs none of them twice.
func (c Content) otherCA() []*x509.Certificate {
	var out []*x509.Certificate
	for _, cert := range c.CA {
		if !slices.ContainsFunc(c.Chain, cert.Equal) && !slices.ContainsFunc(out, cert.Equal) {
			out = append(out, cert)
		}
	}
	return out
}

// caAlias names the CA certificates of a store: ca, ca-1, ca-2 ...
func caAlias(i int) string {
	if i == 0 {
		return "ca"
	}
	return fmt.Sprintf("ca-%d", i)
}

func sameCertificates(a, b []*x509.Certificate) bool {
	return slices.EqualFunc(a, b, (*x509.Certificate).Equal)
}

// recovered runs a decoder of a library. Both libraries panic on some data
// that a Secret may hold; such data is not what we wrote.
func recovered(decode func() bool) (ok bool) {
	defer func() {
		if recover() != nil {
			ok = false
		}
	}()
	return decode()
}
