package pki

import (
	"bytes"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
)

// Chain is an issued certificate in the shape a Secret holds it, all PEM.
type Chain struct {
	// Leaf is the issued certificate alone.
	Leaf []byte
	// Certificates is the leaf followed by its intermediates, each signed by
	// the next, without the root (RFC 8446 section 4.4.2 lets a server leave
	// it out: who trusts it has it). It is the content of tls.crt.
	Certificates []byte
	// CA is the root, or the topmost issuer known when the root is not, or
	// empty when no issuer is known. It is the content of ca.crt.
	CA []byte
}

// NewChain puts certificates in order. The pool may be unordered, hold the
// leaf again, or hold one certificate twice. A self-signed certificate ends the
// chain and becomes CA only; a self-signed leaf is both Certificates and CA.
// When several certificates could be the issuer (cross-signing), the first that
// is not self-signed is taken for Certificates and a self-signed one for CA.
//
// A certificate of the pool that issued none of the others up to the leaf is
// an error that names it.
func NewChain(leaf *x509.Certificate, pool []*x509.Certificate) (Chain, error) {
	path, root, err := buildPath(leaf, pool)
	if err != nil {
		return Chain{}, err
	}
	chain := Chain{Leaf: EncodeCertificates(leaf)}
	chain.Certificates = slices.Concat(chain.Leaf, EncodeCertificates(path[1:]...))
	switch {
	case root != nil:
		chain.CA = EncodeCertificates(root)
	case len(path) > 1:
		chain.CA = EncodeCertificates(path[len(path)-1])
	}
	return chain, nil
}

// buildPath walks from the leaf to its issuers. path starts with the leaf and
// holds no self-signed certificate above it; root is that, when there is one.
func buildPath(leaf *x509.Certificate, pool []*x509.Certificate) (path []*x509.Certificate, root *x509.Certificate, err error) {
	if leaf == nil {
		return nil, nil, errors.New("certificate chain: there is no certificate to start from")
	}
	rest := distinct(pool, leaf)
	path = []*x509.Certificate{leaf}
	if selfSigned(leaf) {
		root = leaf
	}
	for current := leaf; current != nil && root != leaf; {
		var issuers []*x509.Certificate
		issuers, rest = takeIssuers(current, rest)
		current = nil
		for _, issuer := range issuers {
			switch {
			case selfSigned(issuer):
				root = issuer
			case current == nil:
				current = issuer
				path = append(path, issuer)
			}
		}
	}
	if len(rest) > 0 {
		return nil, nil, fmt.Errorf("certificate chain: %s does not belong to the chain of %s: remove it or add its missing link", nameOf(rest[0]), nameOf(leaf))
	}
	return path, root, nil
}

// takeIssuers splits a pool into those that issued the certificate and the
// rest.
func takeIssuers(of *x509.Certificate, pool []*x509.Certificate) (issuers, rest []*x509.Certificate) {
	for _, candidate := range pool {
		if issued(candidate, of) {
			issuers = append(issuers, candidate)
		} else {
			rest = append(rest, candidate)
		}
	}
	return issuers, rest
}

// issued tells whether parent's key signed child. Names are compared first
// because they cost nothing; the key identifiers are only hints and not needed
// where the signature itself is checked. A signature in an algorithm that is
// too old to be checked counts when the names agree: order is decided here,
// not trust, and old roots carry such signatures.
func issued(parent, child *x509.Certificate) bool {
	if !bytes.Equal(parent.RawSubject, child.RawIssuer) {
		return false
	}
	err := parent.CheckSignature(child.SignatureAlgorithm, child.RawTBSCertificate, child.Signature)
	var tooOld x509.InsecureAlgorithmError
	return err == nil || errors.As(err, &tooOld)
}

func selfSigned(cert *x509.Certificate) bool {
	return issued(cert, cert)
}

// distinct drops repeats and every copy of the leaf, and keeps the order.
func distinct(pool []*x509.Certificate, leaf *x509.Certificate) []*x509.Certificate {
	out := make([]*x509.Certificate, 0, len(pool))
	for _, cert := range pool {
		if !cert.Equal(leaf) && !slices.ContainsFunc(out, cert.Equal) {
			out = append(out, cert)
		}
	}
	return out
}

// nameOf describes a certificate in an error, in a length fit for a status.
func nameOf(cert *x509.Certificate) string {
	const most = 120
	if subject := cert.Subject.String(); len(subject) > most {
		return fmt.Sprintf("certificate %q...", subject[:most])
	} else if subject != "" {
		return fmt.Sprintf("certificate %q", subject)
	}
	return fmt.Sprintf("the certificate with serial number %x", cert.SerialNumber)
}
