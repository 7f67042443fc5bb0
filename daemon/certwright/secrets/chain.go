package secrets

import (
	"crypto/x509"
	"fmt"
	"time"

	"github.com/certwright/certwright/daemon/certwright/page"
)

// checkChain judges validity, order and trust of what tls.crt holds.
func (r *Report) checkChain(chain, ca []*x509.Certificate, now time.Time) {
	if len(chain) == 0 {
		return
	}
	r.checkValidity(chain, now)
	if r.checkOrder(chain) && len(ca) > 0 {
		r.checkTrust(chain, ca, now)
	}
}

func (r *Report) checkValidity(chain []*x509.Certificate, now time.Time) {
	leaf := chain[0]
	switch {
	case now.Before(leaf.NotBefore):
		r.add(Bad, "the certificate is not valid yet, only from "+page.Moment(leaf.NotBefore, now)+": compare the clocks of issuer and client")
	case now.After(leaf.NotAfter):
		r.add(Bad, "the certificate has expired "+page.Relative(leaf.NotAfter, now)+": have it issued anew (certwright renew)")
	default:
		r.add(OK, "the certificate is valid until "+page.Moment(leaf.NotAfter, now))
	}
	for _, c := range chain[1:] {
		switch {
		case now.After(c.NotAfter):
			r.add(Bad, fmt.Sprintf("the intermediate %q has expired %s: have the certificate issued anew by a renewed CA", c.Subject, page.Relative(c.NotAfter, now)))
		case c.NotAfter.Before(leaf.NotAfter):
			r.add(Note, fmt.Sprintf("the intermediate %q ends before the certificate, %s", c.Subject, page.Relative(c.NotAfter, now)))
		}
	}
}

// checkOrder reports whether each certificate is signed by the one after it
// (RFC 8446 section 4.4.2 asks for that; many clients insist).
func (r *Report) checkOrder(chain []*x509.Certificate) bool {
	for i, c := range chain[1:] {
		if err := chain[i].CheckSignatureFrom(c); err != nil {
			r.add(Bad, fmt.Sprintf("certificate %d of the chain (%q) is not signed by certificate %d (%q): clients that need the chain refuse it", i+1, chain[i].Subject, i+2, c.Subject))
			return false
		}
	}
	last := chain[len(chain)-1]
	selfSigned := signedByItself(last)
	switch {
	case len(chain) > 1 && selfSigned:
		r.add(Note, fmt.Sprintf("the chain ends in the root %q, which a server need not send", last.Subject))
	case len(chain) > 1:
		r.add(OK, fmt.Sprintf("the chain is in order: %d certificates, leaf first", len(chain)))
	case selfSigned:
		r.add(Note, "the certificate is self-signed: clients must trust this very certificate")
	}
	return true
}

// signedByItself is also true of leaves, which CheckSignatureFrom refuses as
// parents because they are no CA.
func signedByItself(c *x509.Certificate) bool {
	return c.CheckSignature(c.SignatureAlgorithm, c.RawTBSCertificate, c.Signature) == nil
}

// checkTrust reports whether a client that knows only ca.crt accepts the chain.
// An expired leaf is judged as of its last moment: that it has expired was said.
func (r *Report) checkTrust(chain, ca []*x509.Certificate, now time.Time) {
	roots, intermediates := x509.NewCertPool(), x509.NewCertPool()
	for _, c := range ca {
		roots.AddCert(c)
	}
	for _, c := range chain[1:] {
		intermediates.AddCert(c)
	}
	at := now
	if now.After(chain[0].NotAfter) || now.Before(chain[0].NotBefore) {
		at = chain[0].NotAfter
	}
	_, err := chain[0].Verify(x509.VerifyOptions{
		Roots: roots, Intermediates: intermediates, CurrentTime: at, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny},
	})
	if err != nil {
		r.add(Bad, fmt.Sprintf("who trusts ca.crt does not trust the certificate: %v", err))
		return
	}
	r.add(OK, "the chain leads to ca.crt")
}
