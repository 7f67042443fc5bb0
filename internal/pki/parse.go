package pki

import (
	"bytes"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
)

// PEM labels of RFC 7468 sections 5 and 7. The label with NEW is what old
// tools write.
const (
	labelCertificate = "CERTIFICATE"
	labelRequest     = "CERTIFICATE REQUEST"
	labelNewRequest  = "NEW CERTIFICATE REQUEST"
)

// ParseCertificates reads a certificate or a chain from PEM, in the order
// given, at most MaxChainPEM bytes. Text ahead of a block is passed over (RFC
// 7468 section 2 permits it); no certificate at all, a damaged block, a block
// of another kind, or text behind the last block is an error.
func ParseCertificates(data []byte) ([]*x509.Certificate, error) {
	return parseCertificates("certificate", data, MaxChainPEM)
}

// ParseBundle is ParseCertificates for a bundle of CA certificates, at most
// MaxBundlePEM bytes.
func ParseBundle(data []byte) ([]*x509.Certificate, error) {
	return parseCertificates("CA bundle", data, MaxBundlePEM)
}

func parseCertificates(what string, data []byte, limit int) ([]*x509.Certificate, error) {
	if err := checkSize(what, data, limit); err != nil {
		return nil, err
	}
	var certs []*x509.Certificate
	for {
		n := len(certs) + 1
		block, rest, err := nextBlock(data, n)
		switch {
		case err != nil:
			return nil, fmt.Errorf("%s: %w", what, err)
		case block == nil && len(certs) == 0:
			return nil, fmt.Errorf("%s: no PEM block found", what)
		case block == nil && len(bytes.TrimSpace(data)) > 0:
			return nil, fmt.Errorf("%s: text follows the last PEM block (block %d)", what, n-1)
		case block == nil:
			return certs, nil
		case block.Type != labelCertificate:
			return nil, fmt.Errorf("%s: PEM block %d is a %q, not a %q", what, n, label(block), labelCertificate)
		}
		cert, err := x509.ParseCertificate(block.Bytes)
		if err != nil {
			return nil, fmt.Errorf("%s: PEM block %d: %w", what, n, err)
		}
		certs, data = append(certs, cert), rest
	}
}

// ParseRequest reads one certificate signing request (RFC 2986) from PEM, at
// most MaxCertificatePEM bytes, and checks that it is signed by its own key.
func ParseRequest(data []byte) (*x509.CertificateRequest, error) {
	csr, err := parseRequest(data)
	if err != nil {
		return nil, err
	}
	if err := csr.CheckSignature(); err != nil {
		return nil, fmt.Errorf("certificate request: its signature was not made by its own key: %w", err)
	}
	return csr, nil
}

func parseRequest(data []byte) (*x509.CertificateRequest, error) {
	if err := checkSize("certificate request", data, MaxCertificatePEM); err != nil {
		return nil, err
	}
	block, rest, err := nextBlock(data, 1)
	switch {
	case err != nil:
		return nil, fmt.Errorf("certificate request: %w", err)
	case block == nil:
		return nil, errors.New("certificate request: no PEM block found")
	case block.Type != labelRequest && block.Type != labelNewRequest:
		return nil, fmt.Errorf("certificate request: the PEM block is a %q, not a %q", label(block), labelRequest)
	case len(bytes.TrimSpace(rest)) > 0:
		return nil, errors.New("certificate request: something follows its PEM block")
	}
	csr, err := x509.ParseCertificateRequest(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("certificate request: %w", err)
	}
	return csr, nil
}

// EncodeCertificates writes certificates as PEM, one block behind the other,
// in the order given. Without a certificate the result is nil.
func EncodeCertificates(certs ...*x509.Certificate) []byte {
	var out bytes.Buffer
	for _, cert := range certs {
		// Writing to a bytes.Buffer cannot fail.
		_ = pem.Encode(&out, &pem.Block{Type: labelCertificate, Bytes: cert.Raw})
	}
	return out.Bytes()
}
