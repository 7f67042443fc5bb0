package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Key sizes in bits. Below 2048 RSA is no longer taken by browsers or public
// CAs; above 8192 one signature takes longer than a handshake may.
const (
	MinRSAKeySize       = 2048
	MaxRSAKeySize       = 8192
	DefaultRSAKeySize   = 2048
	DefaultECDSAKeySize = 256
)

// Names of the spec fields that violations and errors speak of.
const (
	fieldKeyAlgorithm = "spec.privateKey.algorithm"
	fieldKeySize      = "spec.privateKey.size"
)

// KeySpec says what kind of private key a Certificate asks for, with all
// defaults applied. Size is in bits and 0 for Ed25519.
type KeySpec struct {
	Algorithm cmapi.PrivateKeyAlgorithm
	Size      int
}

// KeySpecOf reads spec.privateKey with its defaults: RSA 2048, ECDSA 256. The
// size of an Ed25519 key is fixed, so a size given with it is ignored, as the
// API documents. The error names the field, its fault and the remedy.
func KeySpecOf(crt *cmapi.Certificate) (KeySpec, error) {
	return keySpec(crt.Spec.PrivateKey)
}

func keySpec(k *cmapi.CertificatePrivateKey) (KeySpec, error) {
	if k == nil {
		k = &cmapi.CertificatePrivateKey{}
	}
	s := KeySpec{Algorithm: k.Algorithm, Size: k.Size}
	if s.Algorithm == "" {
		s.Algorithm = cmapi.RSAKeyAlgorithm
	}
	switch {
	case s.Algorithm == cmapi.Ed25519KeyAlgorithm:
		s.Size = 0
	case s.Size == 0 && s.Algorithm == cmapi.RSAKeyAlgorithm:
		s.Size = DefaultRSAKeySize
	case s.Size == 0 && s.Algorithm == cmapi.ECDSAKeyAlgorithm:
		s.Size = DefaultECDSAKeySize
	}
	return s, s.check()
}

// check refuses what GenerateKey cannot or should not make.
func (s KeySpec) check() error {
	switch {
	case !knownKeyAlgorithm(s.Algorithm):
		return &fault{fieldKeyAlgorithm, s.Algorithm, "it is not known: use RSA, ECDSA or Ed25519, or leave it out for RSA"}
	case s.Algorithm == cmapi.RSAKeyAlgorithm && (s.Size < MinRSAKeySize || s.Size > MaxRSAKeySize):
		return &fault{fieldKeySize, s.Size, fmt.Sprintf("an RSA key of %d bits is not allowed: use a size from %d to %d, or leave it out for %d",
			s.Size, MinRSAKeySize, MaxRSAKeySize, DefaultRSAKeySize)}
	case s.Algorithm == cmapi.ECDSAKeyAlgorithm && curveOf(s.Size) == nil:
		return &fault{fieldKeySize, s.Size, fmt.Sprintf("there is no ECDSA curve of %d bits: use 256, 384 or 521, or leave it out for %d",
			s.Size, DefaultECDSAKeySize)}
	}
	return nil
}

func knownKeyAlgorithm(a cmapi.PrivateKeyAlgorithm) bool {
	return a == cmapi.RSAKeyAlgorithm || a == cmapi.ECDSAKeyAlgorithm || a == cmapi.Ed25519KeyAlgorithm
}

func curveOf(bits int) elliptic.Curve {
	switch bits {
	case 256:
		return elliptic.P256()
	case 384:
		return elliptic.P384()
	case 521:
		return elliptic.P521()
	}
	return nil
}

// GenerateKey makes a new private key. It returns an error for a spec that
// KeySpecOf would refuse. An RSA key of 2048 bits takes tens of milliseconds, one of
// 8192 bits several seconds; ECDSA and Ed25519 take microseconds.
func GenerateKey(s KeySpec) (crypto.Signer, error) {
	if err := s.check(); err != nil {
		return nil, err
	}
	switch s.Algorithm {
	case cmapi.ECDSAKeyAlgorithm:
		return ecdsa.GenerateKey(curveOf(s.Size), rand.Reader)
	case cmapi.Ed25519KeyAlgorithm:
		_, key, err := ed25519.GenerateKey(rand.Reader)
		return key, err
	default:
		return rsa.GenerateKey(rand.Reader, s.Size)
	}
}

// KeyViolations names the spec fields in which an existing public key differs
// from what is asked for. The result is empty when the key fits. A difference
// of algorithm hides the size, which then cannot be compared.
func KeyViolations(pub crypto.PublicKey, s KeySpec) []string {
	have := keySpecOfKey(pub)
	switch {
	case have.Algorithm != s.Algorithm:
		return []string{fieldKeyAlgorithm}
	case have.Size != s.Size:
		return []string{fieldKeySize}
	}
	return nil
}

// keySpecOfKey describes an existing public key; the zero value stands for a
// kind of key that the API does not know.
func keySpecOfKey(pub crypto.PublicKey) KeySpec {
	switch k := pub.(type) {
	case *rsa.PublicKey:
		return KeySpec{cmapi.RSAKeyAlgorithm, k.N.BitLen()}
	case *ecdsa.PublicKey:
		return KeySpec{cmapi.ECDSAKeyAlgorithm, k.Curve.Params().BitSize}
	case ed25519.PublicKey:
		return KeySpec{Algorithm: cmapi.Ed25519KeyAlgorithm}
	}
	return KeySpec{}
}

// SamePublicKey tells whether two public keys are the same one. Keys of
// different or unknown kinds, and nil, are never the same.
func SamePublicKey(a, b crypto.PublicKey) bool {
	k, ok := a.(interface{ Equal(crypto.PublicKey) bool })
	return ok && b != nil && k.Equal(b)
}

// KeyEncodingOf reads spec.privateKey.encoding with its default PKCS1. For an
// Ed25519 key the answer is always PKCS8, the only encoding there is for it
// (RFC 8410 section 7), so the result can be compared with KeyEncoding.
func KeyEncodingOf(crt *cmapi.Certificate) cmapi.PrivateKeyEncoding {
	k := crt.Spec.PrivateKey
	switch {
	case k == nil:
		return cmapi.PKCS1
	case k.Algorithm == cmapi.Ed25519KeyAlgorithm, k.Encoding == cmapi.PKCS8:
		return cmapi.PKCS8
	}
	return cmapi.PKCS1
}

// SamePrivateKey tells whether two private keys are the same one. Keys of
// different or unknown kinds, and nil, are never the same.
func SamePrivateKey(a, b crypto.PrivateKey) bool {
	k, ok := a.(interface{ Equal(crypto.PrivateKey) bool })
	return ok && b != nil && k.Equal(b)
}
