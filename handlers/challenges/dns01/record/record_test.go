package record_test

import (
	"context"
	"errors"
	"slices"
	"testing"

	"github.com/certwright/certwright/handlers/challenges/dns01/record"
)

type zoner string

func (z zoner) Zone(context.Context, string) (string, error) {
	if z == "" {
		return "", errors.New("no answer")
	}
	return string(z), nil
}

func TestCandidates(t *testing.T) {
	t.Parallel()
	r := record.Record{Name: "_acme-challenge.a.example.test."}
	for _, row := range []struct {
		dns  zoner
		want []string
	}{
		{"", []string{"_acme-challenge.a.example.test.", "a.example.test.", "example.test."}},
		{"example.test.", []string{"example.test.", "_acme-challenge.a.example.test.", "a.example.test."}},
	} {
		r.Zones = row.dns
		if got := r.Candidates(t.Context()); !slices.Equal(got, row.want) {
			t.Errorf("%q: %q", row.dns, got)
		}
	}
}

func TestValuesOfOthersStay(t *testing.T) {
	t.Parallel()
	r := record.Record{Name: "_acme-challenge.example.test.", Value: "v"}
	for _, row := range []struct {
		have, with, without []string
	}{
		{nil, []string{`"v"`}, nil},
		{[]string{`"a"`}, []string{`"a"`, `"v"`}, []string{`"a"`}},
		{[]string{`"a"`, "v"}, []string{`"a"`, "v"}, []string{`"a"`}},
	} {
		with, _ := r.With(row.have, r.Quoted())
		without, _ := r.Without(row.have)
		if !slices.Equal(with, row.with) || !slices.Equal(without, row.without) {
			t.Errorf("%q: with %q, without %q", row.have, with, without)
		}
	}
	if got := r.Below("example.test."); got != "_acme-challenge" {
		t.Error(got)
	}
	if got := r.Below(r.Name); got != "@" {
		t.Error(got)
	}
}
