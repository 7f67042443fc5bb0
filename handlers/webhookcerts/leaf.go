package webhookcerts

import (
	"bytes"
	"crypto/x509"
	"fmt"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/webhookset"
)

// verdict is what a server certificate is worth.
type verdict struct {
	state state
	cause Cause // of due
	why   string
}

type state int

const (
	good    state = iota
	absent        // no Secret
	broken        // garbage, or certificate and key do not belong together
	foreign       // of none of our CAs
	former        // of a CA on its way out
	due           // ours, and to be made anew
)

// leaf judges the server certificate.
func (o *Observed) leaf(now time.Time) verdict {
	s := o.Server
	switch {
	case s.Secret == nil:
		return verdict{state: absent, why: s.Fault}
	case s.Fault != "":
		return verdict{state: broken, why: s.Fault}
	case signedBy(s.Cert, o.CA.Cert):
		return o.own(now)
	case slices.ContainsFunc(o.Old, func(ca *x509.Certificate) bool { return signedBy(s.Cert, ca) }):
		return verdict{state: former, why: "the CA is new"}
	}
	return verdict{state: foreign, why: fmt.Sprintf("Secret %q holds a certificate that the CA did not sign", o.Set.Server.Name)}
}

// own judges a certificate that our CA signed: its dates, names and use.
func (o *Observed) own(now time.Time) verdict {
	cert := o.Server.Cert
	if !now.Before(dueAt(cert, o.Set.RenewBefore)) {
		return verdict{due, ServerExpiring, fmt.Sprintf("it ends at %s", cert.NotAfter.UTC().Format(time.RFC3339))}
	}
	dns, ips := o.Set.Names()
	for _, name := range dns {
		if !slices.Contains(cert.DNSNames, name) {
			return verdict{due, ServerNames, fmt.Sprintf("it lacks the name %q", name)}
		}
	}
	for _, ip := range ips {
		if cert.VerifyHostname(ip.String()) != nil {
			return verdict{due, ServerNames, fmt.Sprintf("it lacks the address %s", ip)}
		}
	}
	roots := x509.NewCertPool()
	roots.AddCert(o.CA.Cert)
	if _, err := cert.Verify(x509.VerifyOptions{Roots: roots, CurrentTime: now}); err != nil { // for TLS servers
		return verdict{due, ServerUnusable, "an API server would not accept it: " + err.Error()}
	}
	return verdict{state: good}
}

// signedBy reports whether a CA signed a certificate, whatever their dates.
func signedBy(cert, ca *x509.Certificate) bool {
	return ca != nil && bytes.Equal(cert.RawIssuer, ca.RawSubject) && cert.CheckSignatureFrom(ca) == nil
}

// dueAt is when a certificate begins to expire soon.
func dueAt(cert *x509.Certificate, b webhookset.Boundary) time.Time {
	return cert.NotAfter.Add(-b.Of(cert.NotAfter.Sub(cert.NotBefore)))
}

// bundlesVerifyServer reports whether a bundle that we set, or found, holds the
// CA of the stored server certificate.
func (o *Observed) bundlesVerifyServer() bool {
	return slices.ContainsFunc(o.inBundles(), func(ca *x509.Certificate) bool { return signedBy(o.Server.Cert, ca) })
}

// inBundles are the CAs in all bundles, each once.
func (o *Observed) inBundles() []*x509.Certificate {
	var all []*x509.Certificate
	for _, h := range o.Hooks {
		for _, w := range h.Webhooks {
			for _, c := range certificates(w.Client.CABundle, time.Time{}) {
				all = append(without(all, c), c)
			}
		}
	}
	return all
}

// outgoing are the CAs that must stay in the bundles beside a new one: all by
// which something may still be served. Of a bundle that somebody overwrote,
// only what verifies the stored certificate counts; what we put there
// ourselves, or found when we came, was trusted for a reason.
func (o *Observed) outgoing(now time.Time) []*x509.Certificate {
	all := slices.Clone(o.Old)
	if o.CA.Cert != nil {
		all = append(without(all, o.CA.Cert), o.CA.Cert)
	}
	for _, h := range o.Hooks {
		for _, w := range h.Webhooks {
			intact := h.Mark.Bundle == "" || h.Mark.Bundle == fingerprintOf(w.Client.CABundle)
			for _, c := range certificates(w.Client.CABundle, now) {
				if intact || o.Server.Cert != nil && signedBy(o.Server.Cert, c) {
					all = append(without(all, c), c)
				}
			}
		}
	}
	return slices.DeleteFunc(all, func(c *x509.Certificate) bool { return !c.IsCA || !now.Before(c.NotAfter) })
}

// asked is the first word of a rotation asked for and not done yet, or "".
func (o *Observed) asked() string {
	request := o.CA.annotation(webhookset.RotateAnnotation)
	if request == o.CA.annotation(webhookset.RotatedAnnotation) || request == o.Server.annotation(webhookset.RotatedAnnotation) {
		return ""
	}
	word, _, _ := bytes.Cut([]byte(request), []byte(" "))
	return string(word)
}
