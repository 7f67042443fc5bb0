package acme

import (
	"context"
	"crypto/x509"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/certwright/certwright/internal/pki"

	"github.com/mholt/acmez/v3/acme"
)

// Certificate fetches the chain of an issued certificate: PEM, leaf first, then
// the intermediates, no root. Where the server offers several (RFC 8555, section
// 7.4.2) it is the first whose topmost certificate was issued by one with the
// common name preferredChain, or the server's own choice when none was, when one
// cannot be fetched, or when preferredChain is empty.
func (c *Client) Certificate(ctx context.Context, a Account, url, preferredChain string) ([]byte, error) {
	said, err := c.fetch(ctx, a, actionCertificate, url)
	if err != nil {
		return nil, err
	}
	chosen, err := parseChain(said)
	if err != nil {
		return nil, err
	}
	if preferredChain == "" || chosen.under(preferredChain) {
		return chosen.pem, nil
	}
	for _, alternate := range said.links("alternate") {
		other, err := c.fetch(ctx, a, actionCertificate, alternate)
		if err != nil {
			continue
		}
		if chain, err := parseChain(other); err == nil && chain.under(preferredChain) {
			return chain.pem, nil
		}
	}
	return chosen.pem, nil
}

// chain is one of the chains for a certificate.
type chain struct {
	pem []byte
	top *x509.Certificate
}

// parseChain takes only what is one chain, and leaves out its root.
func parseChain(said *answer) (chain, error) {
	all, err := pki.ParseBundle(said.body)
	if err == nil && len(all) == 0 {
		err = errors.New("it holds no certificate")
	}
	var built pki.Chain
	if err == nil {
		built, err = pki.NewChain(all[0], all[1:])
	}
	if err != nil {
		return chain{}, &Error{Class: Transient, Status: said.status, Detail: clip(fmt.Sprintf("the chain that the ACME server serves cannot be used: %v", err))}
	}
	return chain{built.Certificates, all[len(all)-1]}, nil
}

func (c chain) under(commonName string) bool {
	return c.top.Issuer.CommonName == commonName
}

// Revoke revokes a certificate of the account (RFC 8555, section 7.6) for a
// reason of RFC 5280, section 5.3.1. Errors: Type "alreadyRevoked" when it is.
func (c *Client) Revoke(ctx context.Context, a Account, leafDER []byte, reason int) error {
	leaf, err := x509.ParseCertificate(leafDER)
	if err != nil {
		return &Error{Class: Refused, Detail: "what is to be revoked is no certificate", Err: err}
	}
	_, err = c.askAs(ctx, a, actionRevoke, func(ctx context.Context, k *known, as acme.Account) error {
		if k.RevokeCert == "" {
			return errors.New("its directory has no revokeCert")
		}
		return k.plumbing.RevokeCertificate(ctx, as, leaf, nil, reason)
	})
	return err
}

// RenewalInfo asks when a certificate should be renewed (RFC 9773, section
// 4.1), for which no account is needed. Errors: Class Gone when the server
// serves none.
func (c *Client) RenewalInfo(ctx context.Context, d Directory, leafDER []byte) (RenewalInfo, error) {
	leaf, err := x509.ParseCertificate(leafDER)
	if err != nil {
		return RenewalInfo{}, &Error{Class: Refused, Detail: "what renewal information is asked for is no certificate", Err: err}
	}
	id, err := CertID(leaf)
	if err != nil {
		return RenewalInfo{}, &Error{Class: Refused, Detail: err.Error()}
	}
	anonymous := Account{Directory: d}
	k, err := c.look(ctx, anonymous, false)
	if err != nil {
		return RenewalInfo{}, err
	}
	if k.RenewalInfo == "" {
		return RenewalInfo{}, &Error{Class: Gone, Detail: "the ACME server serves no renewal information"}
	}
	s, err := c.server(d)
	if err != nil {
		return RenewalInfo{}, err
	}
	said, err := s.get(ctx, actionRenewalInfo, k.RenewalInfo+"/"+id)
	if err != nil {
		return RenewalInfo{}, c.heed(anonymous, err)
	}
	return c.renewalInfo(said)
}

// renewalInfo refuses a window that is none (RFC 9773, section 4.2: a client
// must treat it as if there were no information).
func (c *Client) renewalInfo(said *answer) (RenewalInfo, error) {
	var w struct {
		SuggestedWindow struct {
			Start time.Time `json:"start"`
			End   time.Time `json:"end"`
		} `json:"suggestedWindow"`
		ExplanationURL string `json:"explanationURL"`
	}
	if err := said.decode(&w); err != nil {
		return RenewalInfo{}, err
	}
	info := RenewalInfo{
		Start: w.SuggestedWindow.Start, End: w.SuggestedWindow.End, ExplanationURL: w.ExplanationURL,
		RetryAfter: told(said.header, c.options.Now()),
	}
	if info.Start.IsZero() || !info.End.After(info.Start) {
		return RenewalInfo{}, &Error{Class: Transient, Status: said.status, Detail: "the ACME server's renewal window ends before it begins"}
	}
	return info, nil
}

// CertID names a certificate to a server (RFC 9773, section 4.1). It fails for
// one without an authority key identifier or a positive serial number.
func CertID(leaf *x509.Certificate) (string, error) {
	if len(leaf.AuthorityKeyId) == 0 {
		return "", errors.New("the certificate has no authority key identifier, so it has no name in ACME renewal information")
	}
	if leaf.SerialNumber == nil || leaf.SerialNumber.Sign() <= 0 {
		return "", errors.New("the certificate has no positive serial number, so it has no name in ACME renewal information")
	}
	serial := leaf.SerialNumber.Bytes()
	if serial[0]&0x80 != 0 { // as in DER, where it would be negative otherwise
		serial = append([]byte{0}, serial...)
	}
	return base64.RawURLEncoding.EncodeToString(leaf.AuthorityKeyId) + "." + base64.RawURLEncoding.EncodeToString(serial), nil
}

// linked finds the target and relation of one link (RFC 8288, section 3).
var linked = regexp.MustCompile(`<([^>]*)>\s*;[^,<]*\brel="?([^",;]+)"?`)

// links are the targets of an answer's links of a relation, absolute.
func (a *answer) links(relation string) (found []string) {
	for _, line := range a.header.Values("Link") {
		for _, m := range linked.FindAllStringSubmatch(line, -1) {
			if m[2] == relation {
				found = append(found, a.resolve(m[1]))
			}
		}
	}
	return found
}

func (a *answer) link(relation string) string {
	if all := a.links(relation); len(all) > 0 {
		return all[0]
	}
	return ""
}
