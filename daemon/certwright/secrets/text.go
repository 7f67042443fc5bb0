package secrets

import (
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/certwright/page"
)

// Write puts the whole report on a page.
func (r Report) Write(p *page.Page, now time.Time) {
	p.Section(fmt.Sprintf("Secret %s/%s", r.Namespace, r.Name))
	p.Field("Type", r.Type)
	p.Field("Made for", r.madeFor())
	p.Field("Holds", strings.Join(r.Keys, ", "))
	p.Field("Private key", r.PrivateKey)
	for i, c := range r.Chain {
		p.Section(fmt.Sprintf("Certificate %d of %d", i+1, len(r.Chain)))
		c.write(p, now)
	}
	for i, c := range r.CA {
		p.Section(fmt.Sprintf("CA in ca.crt, %d of %d", i+1, len(r.CA)))
		c.write(p, now)
	}
	p.Section("Checks")
	r.WriteChecks(p)
}

func (r Report) madeFor() string {
	switch {
	case r.Owner == "":
		return ""
	case r.Issuer == "":
		return "Certificate " + r.Owner
	}
	return "Certificate " + r.Owner + ", issued by " + r.Issuer
}

// WriteChecks puts the findings on a page.
func (r Report) WriteChecks(p *page.Page) {
	for _, c := range r.Checks {
		p.Field(string(c.Verdict), c.Text)
	}
}

func (c Certificate) write(p *page.Page, now time.Time) {
	p.Field("Subject", c.Subject)
	p.Field("Issued by", c.Issuer)
	p.Field("Names", strings.Join(c.Names, ", "))
	p.Field("Usages", strings.Join(c.Usages, ", "))
	if c.IsCA {
		p.Field("CA", "yes")
	}
	p.Field("Key", c.Key)
	p.Field("Signature", c.Signature)
	p.Field("Serial", c.Serial)
	p.Field("Valid from", page.Moment(c.NotBefore, now))
	p.Field("Valid until", page.Moment(c.NotAfter, now))
	p.Field("SHA-256", c.Fingerprint)
}

// Brief is a certificate in one line.
func (c Certificate) Brief(now time.Time) string {
	return fmt.Sprintf("%s, issued by %s, until %s", c.Subject, c.Issuer, page.Moment(c.NotAfter, now))
}
