package pki

import (
	"crypto"
	"crypto/x509"
	"crypto/x509/pkix"
	"fmt"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

const (
	// temporarySerial is the serialNumber attribute in the subject of a
	// temporary certificate: the mark by which the API's clients know it.
	temporarySerial = "1234567890"
	// temporaryLife outlasts any issuance; the certificate goes when that ends.
	temporaryLife = 90 * 24 * time.Hour
)

// Temporary signs a certificate with the names and usages of a spec by a CA
// that is thrown away at once, so that a program can start before the real
// issuer has answered. Nobody should trust it: the Chain has no CA.
func Temporary(crt *cmapi.Certificate, key crypto.Signer, now time.Time) (Chain, error) {
	csr, err := NewRequest(crt, key)
	if err != nil {
		return Chain{}, err
	}
	template, err := Template(&cmapi.CertificateRequest{Spec: cmapi.CertificateRequestSpec{
		Request: csr, IsCA: crt.Spec.IsCA, Usages: crt.Spec.Usages}}, now)
	if err != nil {
		return Chain{}, err
	}
	template.RawSubject, template.Subject.SerialNumber = nil, temporarySerial
	template.NotAfter = now.Add(temporaryLife).UTC().Truncate(time.Second)
	ca, err := throwawayCA(now)
	if err != nil {
		return Chain{}, fmt.Errorf("make a throwaway CA: %w", err)
	}
	chain, err := ca.Sign(template, key.Public())
	chain.CA = nil
	return chain, err
}

// IsTemporary reports whether a certificate is one that Temporary made for a spec.
func IsTemporary(cert *x509.Certificate, crt *cmapi.Certificate) bool {
	if cert == nil || cert.Subject.SerialNumber != temporarySerial {
		return false
	}
	wanted := crt.Spec.Subject
	return wanted == nil || wanted.SerialNumber != temporarySerial
}

func throwawayCA(now time.Time) (KeyPair, error) {
	key, err := GenerateKey(KeySpec{Algorithm: cmapi.ECDSAKeyAlgorithm, Size: DefaultECDSAKeySize})
	if err != nil {
		return KeyPair{}, err
	}
	template, err := NewTemplate(now, temporaryLife)
	if err != nil {
		return KeyPair{}, err
	}
	template.Subject = pkix.Name{CommonName: "certwright temporary CA"}
	template.IsCA, template.KeyUsage = true, x509.KeyUsageCertSign
	template.PublicKey = key.Public()
	chain, err := SelfSign(template, key)
	if err != nil {
		return KeyPair{}, err
	}
	certs, err := ParseCertificates(chain.Certificates)
	return KeyPair{Certificates: certs, Key: key}, err
}
