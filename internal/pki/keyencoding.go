package pki

import (
	"crypto"
	"crypto/ecdsa"
	"crypto/ed25519"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// PEM labels of private keys: RFC 8017 appendix A.1.2, RFC 5915 section 4 and
// RFC 5958.
const (
	labelPKCS1        = "RSA PRIVATE KEY"
	labelSEC1         = "EC PRIVATE KEY"
	labelPKCS8        = "PRIVATE KEY"
	labelECParameters = "EC PARAMETERS"
	labelEncrypted    = "ENCRYPTED PRIVATE KEY"
)

// EncodeKey writes a private key as PEM. PKCS1 (or an empty encoding) gives
// "RSA PRIVATE KEY" for RSA and "EC PRIVATE KEY" for ECDSA; Ed25519 has no
// such form and is always PKCS8, "PRIVATE KEY". A key that is kept in another
// place than memory cannot be written and is an error.
func EncodeKey(k crypto.Signer, enc cmapi.PrivateKeyEncoding) ([]byte, error) {
	var (
		der   []byte
		err   error
		title = labelPKCS8
	)
	switch key := k.(type) {
	case *rsa.PrivateKey:
		if enc != cmapi.PKCS8 {
			title, der = labelPKCS1, x509.MarshalPKCS1PrivateKey(key)
		}
	case *ecdsa.PrivateKey:
		if enc != cmapi.PKCS8 {
			title = labelSEC1
			der, err = x509.MarshalECPrivateKey(key)
		}
	case ed25519.PrivateKey:
	default:
		return nil, fmt.Errorf("private key: a %T cannot be written as PEM", k)
	}
	if der == nil && err == nil {
		der, err = x509.MarshalPKCS8PrivateKey(k)
	}
	if err != nil {
		return nil, fmt.Errorf("private key: encode as %s: %w", title, err)
	}
	return pem.EncodeToMemory(&pem.Block{Type: title, Bytes: der}), nil
}

// ParseKey reads the first private key of a PEM text: PKCS#1, SEC 1 or PKCS#8,
// at most MaxKeyPEM bytes. An "EC PARAMETERS" block ahead of it, as OpenSSL
// writes, is passed over. Errors say what was found, never any of its bytes.
func ParseKey(data []byte) (crypto.Signer, error) {
	block, err := keyBlock(data)
	if err != nil {
		return nil, err
	}
	var key any
	switch block.Type {
	case labelPKCS1:
		key, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	case labelSEC1:
		key, err = x509.ParseECPrivateKey(block.Bytes)
	default:
		key, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		// The cause stays out: it is the decoder's view of secret bytes.
		return nil, fmt.Errorf("private key: the content of the %q block is damaged or of another kind than its label", block.Type)
	}
	signer, ok := key.(crypto.Signer)
	if !ok || keySpecOfKey(signer.Public()).Algorithm == "" {
		return nil, fmt.Errorf("private key: a %T cannot sign: use RSA, ECDSA or Ed25519", key)
	}
	return signer, nil
}

// keyBlock finds the block of a PEM text that holds a private key.
func keyBlock(data []byte) (*pem.Block, error) {
	if err := checkSize("private key", data, MaxKeyPEM); err != nil {
		return nil, err
	}
	for n := 1; ; n++ {
		block, rest, err := nextBlock(data, n)
		switch {
		case err != nil:
			return nil, fmt.Errorf("private key: %w", err)
		case block == nil:
			return nil, errors.New("private key: no PEM block found")
		case block.Type == labelECParameters:
			data = rest
		case block.Type == labelEncrypted, block.Headers["DEK-Info"] != "":
			return nil, errors.New("private key: it is encrypted: store it without a pass phrase")
		case block.Type == labelPKCS1, block.Type == labelSEC1, block.Type == labelPKCS8:
			return block, nil
		default:
			return nil, fmt.Errorf("private key: PEM block %d is a %q", n, label(block))
		}
	}
}

// KeyEncoding tells in which encoding a stored PEM key is, so that a change of
// spec.privateKey.encoding can be seen; compare it with KeyEncodingOf. It is
// empty when the text holds no private key.
func KeyEncoding(data []byte) cmapi.PrivateKeyEncoding {
	block, err := keyBlock(data)
	switch {
	case err != nil:
		return ""
	case block.Type == labelPKCS8:
		return cmapi.PKCS8
	}
	return cmapi.PKCS1
}
