package webpage

import (
	"cmp"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/verdict"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Story is everything the page tells of one Certificate.
type Story struct {
	Entry
	Created     time.Time   `json:"created"`
	Revision    int         `json:"revision,omitempty"`
	NotBefore   *time.Time  `json:"notBefore,omitempty"`
	Failures    int         `json:"failedAttempts,omitempty"`
	LastFailure *time.Time  `json:"lastFailure,omitempty"`
	Conditions  []Condition `json:"conditions,omitempty"`
	IssuerState string      `json:"issuerState"`
	IssuerSays  string      `json:"issuerSays,omitempty"`
	Request     *Request    `json:"request,omitempty"`
	Order       *Order      `json:"order,omitempty"`
	Stored      []Stored    `json:"stored,omitempty"`
}

// Condition is one of a Certificate or of its request.
type Condition struct {
	Type    string     `json:"type"`
	Status  string     `json:"status"`
	Reason  string     `json:"reason,omitempty"`
	Message string     `json:"message,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
}

// Request is the newest CertificateRequest.
type Request struct {
	Name       string      `json:"name"`
	Revision   int         `json:"revision,omitempty"`
	Created    time.Time   `json:"created"`
	Conditions []Condition `json:"conditions,omitempty"`
}

// Order is what an ACME server is asked for that request.
type Order struct {
	Name       string           `json:"name"`
	State      string           `json:"state"`
	Reason     string           `json:"reason,omitempty"`
	Created    time.Time        `json:"created"`
	Challenges []ChallengeEntry `json:"challenges,omitempty"`
}

// Stored is a certificate in the Secret, which everybody may see: servers show
// it to whoever connects.
type Stored struct {
	Subject     string    `json:"subject"`
	Issuer      string    `json:"issuer"`
	Serial      string    `json:"serial"`
	Key         string    `json:"key"`
	NotBefore   time.Time `json:"notBefore"`
	NotAfter    time.Time `json:"notAfter"`
	Fingerprint string    `json:"sha256"`
}

// story tells all about a Certificate, which must exist.
func (o Options) story(crt *cmapi.Certificate, now time.Time) Story {
	seen := o.observe(crt)
	s := Story{
		Entry: story(judge(seen, now)), Created: crt.CreationTimestamp.UTC(),
		NotBefore: timeOf(crt.Status.NotBefore), LastFailure: timeOf(crt.Status.LastFailureTime),
		IssuerState: string(seen.Issuer.State), IssuerSays: seen.Issuer.Message,
		Request: requestOf(seen.Request), Order: orderOf(seen.Order, seen.Challenges),
		Stored: o.stored(crt.Namespace, crt.Spec.SecretName),
	}
	if n := crt.Status.Revision; n != nil {
		s.Revision = *n
	}
	if n := crt.Status.FailedIssuanceAttempts; n != nil {
		s.Failures = *n
	}
	for _, c := range crt.Status.Conditions {
		s.Conditions = append(s.Conditions, Condition{string(c.Type), string(c.Status), c.Reason, c.Message, timeOf(c.LastTransitionTime)})
	}
	return s
}

func requestOf(cr *cmapi.CertificateRequest) *Request {
	if cr == nil {
		return nil
	}
	r := &Request{Name: cr.Name, Revision: verdict.Revision(cr), Created: cr.CreationTimestamp.UTC()}
	for _, c := range cr.Status.Conditions {
		r.Conditions = append(r.Conditions, Condition{string(c.Type), string(c.Status), c.Reason, c.Message, timeOf(c.LastTransitionTime)})
	}
	return r
}

func orderOf(o *cmacme.Order, challenges []*cmacme.Challenge) *Order {
	if o == nil {
		return nil
	}
	shown := &Order{Name: o.Name, State: cmp.Or(string(o.Status.State), "new"), Reason: o.Status.Reason, Created: o.CreationTimestamp.UTC()}
	for _, ch := range challenges {
		shown.Challenges = append(shown.Challenges, challengeEntry(ch))
	}
	return shown
}

// stored describes the certificates of a Secret that is in memory anyway. Of
// its data nothing but tls.crt is looked at.
func (o Options) stored(namespace, name string) []Stored {
	s := o.Caches.KnownSecret(namespace, name)
	if s == nil {
		return nil
	}
	certs, err := pki.ParseCertificates(s.Data["tls.crt"])
	if err != nil {
		return nil
	}
	var all []Stored
	for _, c := range certs {
		all = append(all, describe(c))
	}
	return all
}

func describe(c *x509.Certificate) Stored {
	sum := sha256.Sum256(c.Raw)
	return Stored{
		Subject: cmp.Or(c.Subject.String(), "(empty)"), Issuer: cmp.Or(c.Issuer.String(), "(empty)"),
		Serial: fmt.Sprintf("%x", c.SerialNumber), Key: c.PublicKeyAlgorithm.String(),
		NotBefore: c.NotBefore.UTC(), NotAfter: c.NotAfter.UTC(), Fingerprint: hex.EncodeToString(sum[:]),
	}
}

// Life is how much of a certificate's life has passed, and at which part of it
// the renewal is, in percent; a Renewal of 0 is not known.
type Life struct{ Passed, Renewal int }

// HasLife reports whether the times make sense.
func (s Story) HasLife() bool {
	return s.NotBefore != nil && s.Expires != nil && s.Expires.After(*s.NotBefore)
}

// LifeAt is the Life of one that has it.
func (s Story) LifeAt(now time.Time) Life {
	share := func(t time.Time) int {
		part := float64(t.Sub(*s.NotBefore)) / float64(s.Expires.Sub(*s.NotBefore)) * 100
		return int(min(max(part, 0), 100))
	}
	l := Life{Passed: share(now)}
	if s.Renews != nil {
		l.Renewal = share(*s.Renews)
	}
	return l
}
