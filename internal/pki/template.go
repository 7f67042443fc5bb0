package pki

import (
	"bytes"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

const (
	// maxBackdate is how far before now a certificate begins, so that a machine
	// whose clock is behind accepts it at once. Five minutes is what Kerberos
	// (RFC 4120 section 8.2) and most peers tolerate.
	maxBackdate = 5 * time.Minute
	// backdateShare keeps that below a hundredth of a short duration: a renewal
	// at any percentage of the lifetime then still lies ahead.
	backdateShare = 100
)

func backdate(duration time.Duration) time.Duration {
	return min(maxBackdate, duration/backdateShare)
}

// serialBytes is the length of a serial number: 128 random bits. RFC 5280
// section 4.1.2.2 allows 20 bytes; public CAs must use at least 64 random bits.
const serialBytes = 16

// Template makes the certificate that a CertificateRequest asks for, ready to
// be signed. Everything in the CSR that a certificate may carry is kept: the
// subject byte for byte, all alternative names including kinds Go has no field
// for, name constraints and the path length of a CA. Usages, the CA flag and
// the duration come from the spec of the request. The certificate begins five
// minutes before now, or a hundredth of the duration if that is less, and ends
// at now plus the duration (90 days if it has none), in whole seconds.
//
// All checks of CheckRequest are made; its errors come back unchanged.
func Template(cr *cmapi.CertificateRequest, now time.Time) (*x509.Certificate, error) {
	csr, err := checkedRequest(cr)
	if err != nil {
		return nil, err
	}
	basic, extended, err := KeyUsages(cr.Spec.Usages, cr.Spec.IsCA)
	if err != nil {
		return nil, err
	}
	cert, err := NewTemplate(now, durationOf(cr.Spec.Duration))
	if err != nil {
		return nil, err
	}
	cert.RawSubject, cert.Subject = csr.RawSubject, csr.Subject
	cert.PublicKeyAlgorithm, cert.PublicKey = csr.PublicKeyAlgorithm, csr.PublicKey
	cert.SignatureAlgorithm = csr.SignatureAlgorithm
	cert.KeyUsage, cert.ExtKeyUsage = basic, extended
	cert.IsCA = cr.Spec.IsCA
	cert.DNSNames, cert.EmailAddresses = csr.DNSNames, csr.EmailAddresses
	cert.IPAddresses, cert.URIs = csr.IPAddresses, csr.URIs
	cert.ExtraExtensions = copiedExtensions(csr)
	return cert, setPathLength(cert, csr)
}

// NewTemplate begins a certificate that no CertificateRequest asks for: a
// random serial number, basic constraints without CA, and the dates as Template
// sets them. The rest is the caller's; KeyPair.Sign and SelfSign add the key
// identifiers and the signature algorithm.
func NewTemplate(now time.Time, duration time.Duration) (*x509.Certificate, error) {
	serial, err := newSerial()
	return &x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             now.UTC().Add(-backdate(duration)).Truncate(time.Second),
		NotAfter:              now.UTC().Add(duration).Truncate(time.Second),
		BasicConstraintsValid: true,
	}, err
}

// emptySequence is an ASN.1 SEQUENCE of nothing: an empty subject or an empty
// list of names.
var emptySequence = []byte{0x30, 0}

// copiedExtensions takes over those extensions of a CSR that the fields of a
// template cannot carry in full. Alternative names are critical exactly when
// there is no subject (RFC 5280 section 4.2.1.6), whatever the CSR says.
func copiedExtensions(csr *x509.CertificateRequest) []pkix.Extension {
	var list []pkix.Extension
	if names := extension(csr.Extensions, oidSubjectAltName); names != nil && !bytes.Equal(names.Value, emptySequence) {
		ext := *names
		ext.Critical = bytes.Equal(csr.RawSubject, emptySequence)
		list = append(list, ext)
	}
	if constraints := extension(csr.Extensions, oidNameConstraints); constraints != nil {
		list = append(list, *constraints)
	}
	return list
}

// setPathLength copies the path length of a CA. In a template -1 means none,
// and 0 has to be said twice.
func setPathLength(cert *x509.Certificate, csr *x509.CertificateRequest) error {
	if !cert.IsCA {
		return nil
	}
	cert.MaxPathLen = -1
	ext := extension(csr.Extensions, oidBasicConstraints)
	if ext == nil {
		return nil
	}
	c, err := parseBasicConstraints(ext.Value)
	cert.MaxPathLen, cert.MaxPathLenZero = c.MaxPathLen, c.MaxPathLen == 0
	return err
}

// newSerial draws a positive random serial number.
func newSerial() (*big.Int, error) {
	raw := make([]byte, serialBytes)
	if _, err := rand.Read(raw); err != nil {
		return nil, err
	}
	serial := new(big.Int).SetBytes(raw)
	if serial.Sign() == 0 {
		serial.SetInt64(1)
	}
	return serial, nil
}
