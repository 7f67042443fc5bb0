package acme

import (
	"slices"
	"strings"
	"unicode"

	"github.com/mholt/acmez/v3/acme"
)

// maxDetail is the longest text that is taken over from elsewhere: it goes into
// statuses and events, and the API server takes 1024 bytes for an event.
const maxDetail = 800

// problem is a problem document (RFC 7807; RFC 8555, section 6.7.1).
type problem struct {
	Type        string       `json:"type"`
	Title       string       `json:"title"`
	Detail      string       `json:"detail"`
	Status      int          `json:"status"`
	Subproblems []subproblem `json:"subproblems"`
}

type subproblem struct {
	problem
	Identifier acme.Identifier `json:"identifier"`
}

// normalize leaves of the types the words that RFC 8555 defines. Some servers
// still have the prefix that was used before it.
func (p *problem) normalize() {
	p.Type = shortType(p.Type)
	for i := range p.Subproblems {
		p.Subproblems[i].normalize()
	}
}

func shortType(t string) string {
	const most = 100 // those of RFC 8555 have 23 letters
	t = clipTo(most, t)
	for _, prefix := range []string{acme.ProblemTypeNamespace, "urn:acme:error:"} {
		if rest, ok := strings.CutPrefix(t, prefix); ok {
			return rest
		}
	}
	return t
}

// text is the server's own words, with those about single names in an order
// that is always the same. The instance URL stays out: it names one occurrence.
func (p *problem) text() string {
	said := p.Detail
	if said == "" {
		said = p.Title
	}
	var parts []string
	for _, s := range p.Subproblems {
		part := s.Type
		if words := s.text(); words != "" {
			part += ": " + words
		}
		if s.Identifier.Value != "" {
			part = s.Identifier.Value + ": " + part
		}
		parts = append(parts, part)
	}
	slices.Sort(parts)
	if said != "" {
		parts = append([]string{said}, parts...)
	}
	return clip(strings.Join(parts, "; "))
}

// clip makes one line of a text, and not too long a one.
func clip(text string) string { return clipTo(maxDetail, text) }

func clipTo(most int, text string) string {
	text = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) {
			return ' '
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	text = strings.Join(strings.Fields(text), " ")
	if len(text) <= most {
		return text
	}
	return strings.ToValidUTF8(text[:most], "") + "..."
}

// asError makes a problem that stands in an order or a challenge an Error.
func (p *problem) asError() *Error {
	if p == nil {
		return nil
	}
	p.normalize()
	e := &Error{Class: Classify(p.Status, p.Type, 0, p.text()), Type: p.Type, Status: p.Status, Detail: p.text()}
	if e.Class == NoAccount { // it is about a name, whatever its words
		e.Class = Refused
	}
	return e
}
