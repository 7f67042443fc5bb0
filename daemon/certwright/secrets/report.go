// Package secrets says what a TLS Secret holds: whose certificates, until when,
// and whether its parts belong together. It is pure, and what it returns holds
// no private key, so that everything in it may be shown.
package secrets

import "time"

// Report is a Secret without its secrets.
type Report struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Type      string `json:"type"`
	// Keys are the names of the Secret's data, sorted.
	Keys []string `json:"keys"`
	// Owner is the Certificate the Secret says it was made for.
	Owner string `json:"certificate,omitempty"`
	// Issuer is Kind.group/name of the issuer the Secret says it came from.
	Issuer string `json:"issuer,omitempty"`
	// Chain is what the certificate entry holds, in its order.
	Chain []Certificate `json:"chain,omitempty"`
	// CA is what ca.crt holds.
	CA []Certificate `json:"ca,omitempty"`
	// PrivateKey names the kind of the private key; empty if none is readable.
	PrivateKey string `json:"privateKey,omitempty"`
	// KeyMatches is whether the private key belongs to the first certificate;
	// nil if one of the two is not readable.
	KeyMatches *bool `json:"keyMatches,omitempty"`
	// Checks are the findings, in the order they were made.
	Checks []Check `json:"checks"`
}

// Certificate is one certificate in words.
type Certificate struct {
	Subject string `json:"subject"`
	Issuer  string `json:"issuer"`
	Serial  string `json:"serialNumber"`
	// Names are the subject alternative names with their type: DNS:example.com.
	Names []string `json:"names,omitempty"`
	// Usages are the key usages, then the extended ones.
	Usages    []string  `json:"usages,omitempty"`
	IsCA      bool      `json:"isCA"`
	Key       string    `json:"key"`
	Signature string    `json:"signature"`
	NotBefore time.Time `json:"notBefore"`
	NotAfter  time.Time `json:"notAfter"`
	// Fingerprint is the SHA-256 of the certificate, hexadecimal.
	Fingerprint string `json:"sha256Fingerprint"`
}

// Verdict is how a check came out.
type Verdict string

// The verdicts. Note is neither right nor wrong, but good to know.
const (
	OK   Verdict = "ok"
	Bad  Verdict = "bad"
	Note Verdict = "note"
)

// Check is one finding about a Secret.
type Check struct {
	Verdict Verdict `json:"verdict"`
	// Text says what was found and, when bad, what would mend it.
	Text string `json:"text"`
}

// Sound reports whether no check came out bad.
func (r Report) Sound() bool {
	for _, c := range r.Checks {
		if c.Verdict == Bad {
			return false
		}
	}
	return true
}

func (r *Report) add(v Verdict, text string) {
	r.Checks = append(r.Checks, Check{Verdict: v, Text: text})
}
