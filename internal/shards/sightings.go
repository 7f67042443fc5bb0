package shards

import "time"

// Sightings is what was seen of Leases, and when, by our own clock: the times
// that Leases hold are of others' clocks. A look is asked for, and answered
// later; what it shows was so at some time between.
type Sightings map[string]sighting

type sighting struct {
	form  string
	since time.Time // answer of the first look that showed this form
	// before is when the last look was asked for that showed another form;
	// zero: none did.
	before time.Time
	asked  time.Time // the last look
}

// See notes what a look shows of a Lease: its form, which changes when it is
// renewed or changes hands. Of a Lease that is not there the form is empty.
func (s Sightings) See(name, form string, asked, answered time.Time) {
	known, ok := s[name]
	switch {
	case !ok:
		s[name] = sighting{form: form, since: answered, asked: asked}
	case known.form != form:
		s[name] = sighting{form: form, since: answered, before: known.asked, asked: asked}
	default:
		known.asked = asked
		s[name] = known
	}
}

// Expired reports whether a Lease of this form has not been renewed for as long
// as it lasts. What was never seen has not expired.
func (s Sightings) Expired(name, form string, lasts time.Duration, now time.Time) bool {
	known, ok := s[name]
	return ok && known.form == form && now.Sub(known.since) > lasts
}

// Renewed is a time at which, or after which, a Lease came to be as it is. Zero:
// it has been so since it was first seen, so that nobody can tell.
func (s Sightings) Renewed(name string) time.Time { return s[name].before }
