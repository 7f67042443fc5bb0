package pki

import (
	"crypto"
	"crypto/x509"
	"fmt"
	"maps"
	"slices"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// signatureAlgorithms lists what the API can name, with the key it needs.
var signatureAlgorithms = map[cmapi.SignatureAlgorithm]struct {
	key cmapi.PrivateKeyAlgorithm
	id  x509.SignatureAlgorithm
}{
	cmapi.SHA256WithRSA:   {cmapi.RSAKeyAlgorithm, x509.SHA256WithRSA},
	cmapi.SHA384WithRSA:   {cmapi.RSAKeyAlgorithm, x509.SHA384WithRSA},
	cmapi.SHA512WithRSA:   {cmapi.RSAKeyAlgorithm, x509.SHA512WithRSA},
	cmapi.ECDSAWithSHA256: {cmapi.ECDSAKeyAlgorithm, x509.ECDSAWithSHA256},
	cmapi.ECDSAWithSHA384: {cmapi.ECDSAKeyAlgorithm, x509.ECDSAWithSHA384},
	cmapi.ECDSAWithSHA512: {cmapi.ECDSAKeyAlgorithm, x509.ECDSAWithSHA512},
	cmapi.PureEd25519:     {cmapi.Ed25519KeyAlgorithm, x509.PureEd25519},
}

// signatureAlgorithmFor picks the hash whose strength fits the key (NIST
// SP 800-57 part 1, table 2): a weaker one would waste the key, a stronger one
// gains nothing. It is 0 for an unknown kind of key.
func signatureAlgorithmFor(pub crypto.PublicKey) x509.SignatureAlgorithm {
	k := keySpecOfKey(pub)
	switch {
	case k.Algorithm == cmapi.Ed25519KeyAlgorithm:
		return x509.PureEd25519
	case k.Algorithm == cmapi.RSAKeyAlgorithm && k.Size >= 4096:
		return x509.SHA512WithRSA
	case k.Algorithm == cmapi.RSAKeyAlgorithm && k.Size >= 3072:
		return x509.SHA384WithRSA
	case k.Algorithm == cmapi.RSAKeyAlgorithm:
		return x509.SHA256WithRSA
	case k.Algorithm == cmapi.ECDSAKeyAlgorithm && k.Size >= 521:
		return x509.ECDSAWithSHA512
	case k.Algorithm == cmapi.ECDSAKeyAlgorithm && k.Size >= 384:
		return x509.ECDSAWithSHA384
	case k.Algorithm == cmapi.ECDSAKeyAlgorithm:
		return x509.ECDSAWithSHA256
	}
	return x509.UnknownSignatureAlgorithm
}

// signatureFits tells whether a key can sign with an algorithm of the API.
func signatureFits(id x509.SignatureAlgorithm, pub crypto.PublicKey) bool {
	for _, a := range signatureAlgorithms {
		if a.id == id {
			return a.key == keySpecOfKey(pub).Algorithm
		}
	}
	return false
}

// requestSignature reads spec.signatureAlgorithm; without it the key decides.
// The error names the field, its fault and the remedy.
func requestSignature(want cmapi.SignatureAlgorithm, pub crypto.PublicKey) (x509.SignatureAlgorithm, error) {
	if want == "" {
		return signatureAlgorithmFor(pub), nil
	}
	if err := checkSignatureAlgorithm(want, keySpecOfKey(pub).Algorithm); err != nil {
		return 0, fmt.Errorf("spec.signatureAlgorithm: %q: %w", want, err)
	}
	return signatureAlgorithms[want].id, nil
}

func checkSignatureAlgorithm(want cmapi.SignatureAlgorithm, key cmapi.PrivateKeyAlgorithm) error {
	if signatureAlgorithms[want].key == key {
		return nil
	}
	var fit []string
	for _, name := range slices.Sorted(maps.Keys(signatureAlgorithms)) {
		if signatureAlgorithms[name].key == key {
			fit = append(fit, string(name))
		}
	}
	return fmt.Errorf("a key of spec.privateKey.algorithm %s cannot make it: use %s, or leave it out", key, strings.Join(fit, ", "))
}
