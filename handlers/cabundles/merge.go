package cabundles

import (
	"bytes"
	"crypto/sha256"
	"crypto/x509"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/pki"
)

// merged is what a bundle should be.
type merged struct {
	pem     []byte
	changed bool
	// garbage is what was wrong with the bundle that was there, nil when it
	// could be read or was empty.
	garbage error
	// expires is when the first certificate in it does.
	expires time.Time
}

// merge adds a CA to a bundle, and drops what has expired or is there twice. A
// bundle to which that does nothing is left as it is, with its comments and
// in its own order.
func merge(bundle []byte, ca []*x509.Certificate, now time.Time) merged {
	var have []*x509.Certificate
	var m merged
	if len(bytes.TrimSpace(bundle)) > 0 {
		have, m.garbage = pki.ParseBundle(bundle)
	}
	var kept []*x509.Certificate
	for _, c := range slices.Concat(have, ca) {
		if now.Before(c.NotAfter) && !slices.ContainsFunc(kept, c.Equal) {
			kept = append(kept, c)
		}
	}
	m.changed = m.garbage != nil || !slices.EqualFunc(have, kept, (*x509.Certificate).Equal)
	m.pem = bundle
	if m.changed {
		m.pem = pki.EncodeCertificates(kept...)
	}
	for _, c := range kept {
		if m.expires.IsZero() || c.NotAfter.Before(m.expires) {
			m.expires = c.NotAfter
		}
	}
	return m
}

// alive returns those that have not expired.
func alive(certs []*x509.Certificate, now time.Time) []*x509.Certificate {
	return slices.DeleteFunc(slices.Clone(certs), func(c *x509.Certificate) bool { return !now.Before(c.NotAfter) })
}

// fingerprint tells one CA from another.
func fingerprint(certs []*x509.Certificate) [sha256.Size]byte {
	sum := sha256.New()
	for _, c := range certs {
		sum.Write(c.Raw)
	}
	return [sha256.Size]byte(sum.Sum(nil))
}
