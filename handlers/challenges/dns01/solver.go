package dns01

import (
	"context"
	"errors"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/lego"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
	"github.com/certwright/certwright/internal/dnscheck"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/client-go/rest"
)

// DNS is what is asked of the DNS; a *dnscheck.Checker.
type DNS interface {
	Zone(ctx context.Context, name string) (string, error)
	Follow(ctx context.Context, name string) (string, error)
	Check(ctx context.Context, name, value string) error
}

// Secrets is how credentials are read. Errors: NotFound, or the API server's.
type Secrets interface {
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
}

// Tokens gets tokens of service accounts, for others to know them by. Errors:
// NotFound, Forbidden, or other ones of the API server's.
type Tokens interface {
	Token(ctx context.Context, namespace, serviceAccount string, audiences []string) (string, error)
}

// Solver proves names by TXT records. It is safe for concurrent use.
type Solver struct {
	DNS     DNS
	Secrets Secrets
	Tokens  Tokens
	// API reaches the webhooks that other programs serve.
	API rest.Interface
	// Lego runs lego's providers.
	Lego *lego.Bridge
	// UserAgent is what providers are told.
	UserAgent string

	names     locks
	providers cache
}

var _ challenges.Solver = (*Solver)(nil)

// Present makes the record. Errors: see challenges.Solver.
func (s *Solver) Present(ctx context.Context, t challenges.Task) error {
	r, err := s.record(ctx, t)
	if err != nil {
		return faulty(err)
	}
	return s.change(ctx, t, r, record.Provider.Set)
}

// Remove removes the record. Errors: see challenges.Solver.
func (s *Solver) Remove(ctx context.Context, t challenges.Task) error {
	r, err := s.record(ctx, t)
	var none *dnscheck.NotServed
	var looping *dnscheck.Looping
	if errors.As(err, &none) || errors.As(err, &looping) {
		err = nil // then it could not be made elsewhere; the provider knows what it has
	}
	if err != nil {
		return faulty(err)
	}
	err = s.change(ctx, t, r, record.Provider.Unset)
	if s.nothing(ctx, t, r, err) {
		return nil
	}
	return err
}

// nothing reports that a record cannot be removed as things stand, say because
// its credentials are gone, and that it is not there anyway: what could never
// be made needs nobody to remove it. A webhook may remove later what it made,
// though it is not seen yet.
func (s *Solver) nothing(ctx context.Context, t challenges.Task, r record.Record, err error) bool {
	var fault *challenges.Fault
	var later undone
	switch {
	case errors.As(err, &fault):
	case errors.As(err, &later) && t.Challenge.Status.PresentedAt == nil:
	default:
		return false
	}
	var none *dnscheck.NotServed
	var found *dnscheck.NotYet
	seen := s.DNS.Check(ctx, r.Name, r.Value)
	return errors.As(seen, &none) || errors.As(seen, &found) && found.Nowhere
}

// Visible asks the DNS for the record, along its CNAMEs, as an ACME server will.
// Errors: see challenges.Solver.
func (s *Solver) Visible(ctx context.Context, t challenges.Task) error {
	spec := t.Challenge.Spec
	return faulty(s.DNS.Check(ctx, dnscheck.RecordName(spec.DNSName), spec.Key))
}

// change has the provider do one thing, with nobody else at the same name.
func (s *Solver) change(ctx context.Context, t challenges.Task, r record.Record, act func(record.Provider, context.Context, record.Record) error) error {
	provider, err := s.provider(ctx, t)
	if err != nil {
		return err
	}
	unlock, err := s.names.lock(ctx, r.Name)
	if err != nil {
		return err
	}
	defer unlock()
	return faulty(act(provider, ctx, r))
}

// record is the one to make. With an error it is the one below the domain itself.
func (s *Solver) record(ctx context.Context, t challenges.Task) (record.Record, error) {
	spec := t.Challenge.Spec
	r := record.Record{
		Name: dnscheck.RecordName(spec.DNSName), Value: spec.Key, Zones: s.DNS,
		Domain: strings.ToLower(strings.TrimSuffix(strings.TrimPrefix(spec.DNSName, "*."), ".")),
	}
	if !follows(spec.Solver.DNS01) {
		return r, nil
	}
	name, err := s.DNS.Follow(ctx, r.Name)
	if err == nil {
		r.Name = name
	}
	return r, err
}

func follows(d *cmacme.ACMEChallengeSolverDNS01) bool {
	return d != nil && d.CNAMEStrategy == cmacme.FollowStrategy
}

// faulty makes Faults of what the DNS will not mend by itself.
func faulty(err error) error {
	var none *dnscheck.NotServed
	var looping *dnscheck.Looping
	switch {
	case errors.As(err, &none):
		return challenges.Faulty("spec.dnsName: %s", none)
	case errors.As(err, &looping):
		return challenges.Faulty("spec.dnsName: %s", looping)
	}
	return err
}
