// Package recordtest holds what every DNS provider must do, against a stand-in
// of the provider's API that keeps records as the provider does.
package recordtest

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
)

// Name is the record of all tests, Zone the zone the stand-in serves.
const (
	Name = "_acme-challenge.www.example.test."
	Zone = "example.test."
)

// DNS says that every name is in one zone; empty: it does not answer.
type DNS string

// Zone answers.
func (d DNS) Zone(context.Context, string) (string, error) {
	if d == "" {
		return "", errors.New("the DNS does not answer")
	}
	return string(d), nil
}

// At is the record with a value.
func At(value string) record.Record {
	return record.Record{Name: Name, Value: value, Domain: "www.example.test", Zones: DNS(Zone)}
}

// Service is a stand-in.
type Service interface {
	// Values are those at Name, unquoted, in any order.
	Values() []string
	// Writes counts requests that change something.
	Writes() int
}

// Contract holds p, which starts without any value but "other", to what a
// provider must do.
func Contract(t *testing.T, p record.Provider, s Service) {
	t.Helper()
	steps := []struct {
		what   string
		act    func(context.Context, record.Record) error
		value  string
		want   []string
		writes int
	}{
		{"set a", p.Set, "a", []string{"a", "other"}, 1},
		{"set a again", p.Set, "a", []string{"a", "other"}, 0},
		{"set b beside it", p.Set, "b", []string{"a", "b", "other"}, 1},
		{"unset a", p.Unset, "a", []string{"b", "other"}, 1},
		{"unset a again", p.Unset, "a", []string{"b", "other"}, 0},
		{"unset the other's, by its own challenge", p.Unset, "other", []string{"b"}, 1},
		{"unset the last", p.Unset, "b", nil, 1},
		{"unset what never was", p.Unset, "never", nil, 0},
		{"set the first", p.Set, "c", []string{"c"}, 1},
	}
	for _, step := range steps {
		before := s.Writes()
		if err := step.act(t.Context(), At(step.value)); err != nil {
			t.Fatalf("%s: %v", step.what, err)
		}
		got := s.Values()
		slices.Sort(got)
		if !slices.Equal(got, step.want) {
			t.Fatalf("%s: values %q, want %q", step.what, got, step.want)
		}
		if n := s.Writes() - before; n != step.writes {
			t.Errorf("%s: %d writes, want %d", step.what, n, step.writes)
		}
	}
	hidden := At("d")
	hidden.Zones = DNS("") // the zone is found without the DNS, too
	if err := p.Set(t.Context(), hidden); err != nil {
		t.Errorf("without the DNS: %v", err)
	}
}

// Foreign is for a provider whose account does not have the zone.
func Foreign(t *testing.T, p record.Provider, want string) {
	t.Helper()
	r := record.Record{Name: "_acme-challenge.elsewhere.invalid.", Value: "v", Domain: "elsewhere.invalid", Zones: DNS("elsewhere.invalid.")}
	if err := p.Unset(t.Context(), r); err != nil {
		t.Errorf("there is nothing to remove: %v", err)
	}
	Faulty(t, p.Set(t.Context(), r), want)
}

// Faulty wants a Fault that says so, and no credential.
func Faulty(t *testing.T, err error, want string) {
	t.Helper()
	var fault *challenges.Fault
	if !errors.As(err, &fault) || fault.Message != want {
		t.Errorf("got  %v\nwant %s", err, want)
	}
	if err != nil && strings.Contains(err.Error(), Credential) {
		t.Errorf("a credential is in %q", err)
	}
}

// Credential is the secret to give a provider under test.
const Credential = "s3cr3t-cr3d3nt1al"
