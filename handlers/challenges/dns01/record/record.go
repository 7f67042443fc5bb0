package record

import (
	"context"
	"slices"
	"strings"
)

// Provider writes TXT records at some DNS provider. Both calls may be repeated,
// and then change nothing. Calls for one name do not overlap.
//
// Errors are a *challenges.Fault when somebody has to mend something. Their
// text is stable, and holds no credential.
type Provider interface {
	// Set makes sure that the value is among those at the name.
	Set(ctx context.Context, r Record) error
	// Unset makes sure that it is not. A zone that does not exist has none.
	Unset(ctx context.Context, r Record) error
}

// Zoner finds the apex of the zone that a name is in, with the final dot.
type Zoner interface {
	Zone(ctx context.Context, name string) (string, error)
}

// TTL of the records, in seconds: as short as most providers take, for nobody
// reads them twice.
const TTL = 60

// Record is one value of a TXT record.
type Record struct {
	// Name is that of the record, in lower case and with the final dot.
	Name  string
	Value string
	// Domain is what is proven, without "*." and final dot.
	Domain string
	// Zones finds zones by asking the DNS.
	Zones Zoner
}

// Zone is the zone the record is in, as the DNS has it.
func (r Record) Zone(ctx context.Context) (string, error) { return r.Zones.Zone(ctx, r.Name) }

// Candidates are the zones the record may be in, with the final dot: what the
// DNS says if it can be asked, and then every name above the record, the
// longest first. A provider that serves a zone which the DNS does not show to
// us (split horizon, a zone not delegated yet) is found by those.
func (r Record) Candidates(ctx context.Context) []string {
	var all []string
	if zone, err := r.Zone(ctx); err == nil {
		all = append(all, zone)
	}
	for name := r.Name; strings.Count(name, ".") > 1; {
		if !slices.Contains(all, name) {
			all = append(all, name)
		}
		_, name, _ = strings.Cut(name, ".")
	}
	return all
}

// Below is the record's name relative to a zone; "@" for the zone itself.
func (r Record) Below(zone string) string {
	if r.Name == zone {
		return "@"
	}
	return strings.TrimSuffix(r.Name, "."+zone)
}

// Quoted is the value as a character string of a zone file (RFC 1035 section 5.1).
func (r Record) Quoted() string { return `"` + r.Value + `"` }

// Is reports whether text, quoted or not, is the record's value.
func (r Record) Is(text string) bool { return strings.Trim(text, `"`) == r.Value }

// With adds the value to those at the name, quoted like it.
func (r Record) With(values []string, form string) (all []string, changed bool) {
	if slices.ContainsFunc(values, r.Is) {
		return values, false
	}
	return append(slices.Clone(values), form), true
}

// Without leaves the value out of those at the name.
func (r Record) Without(values []string) (left []string, changed bool) {
	left = slices.DeleteFunc(slices.Clone(values), r.Is)
	return left, len(left) != len(values)
}
