package issuers

import (
	"bytes"
	"crypto/x509"

	"github.com/certwright/certwright/internal/pki"
)

// Issued makes the Outcome of a server's answer: leaf, and what it knows above
// it in any order. who names the server in a [Refusal], which is the error of a
// certificate for another key and of a chain that has no order.
func Issued(r Request, who string, leaf *x509.Certificate, pool []*x509.Certificate) (Outcome, error) {
	if !pki.SamePublicKey(leaf.PublicKey, r.Template.PublicKey) {
		return Outcome{}, Refuse("SigningError", "%s answered with a certificate for another key: check that the issuer leads to where requests are signed", who)
	}
	chain, err := pki.NewChain(leaf, related(leaf, pool))
	if err != nil {
		return Outcome{}, Refuse("SigningError", "the chain that %s answered with cannot be put in order: %v", who, err)
	}
	return Outcome{Chain: chain.Certificates, CA: chain.CA}, nil
}

// related drops what is no issuer of the leaf nor of its issuers, such as the
// other half of a cross-signed pair that a server sends along.
func related(leaf *x509.Certificate, pool []*x509.Certificate) (kept []*x509.Certificate) {
	reached := map[string]bool{string(leaf.RawIssuer): true}
	for range pool {
		for _, c := range pool {
			if reached[string(c.RawSubject)] {
				reached[string(c.RawIssuer)] = true
			}
		}
	}
	for _, c := range pool {
		if reached[string(c.RawSubject)] && !bytes.Equal(c.Raw, leaf.Raw) {
			kept = append(kept, c)
		}
	}
	return kept
}
