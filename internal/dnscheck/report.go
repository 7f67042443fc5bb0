package dnscheck

import (
	"fmt"
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// NotServed says that a name is in no zone in which records can be made.
type NotServed struct {
	Name string
	// Above is the nearest zone that answers.
	Above string
}

func (e *NotServed) Error() string {
	return fmt.Sprintf("no DNS zone is served for %s: the nearest zone that answers is %q; make the zone, have the one above delegate to its servers, or correct the DNS name", e.Name, e.Above)
}

// Looping says that CNAMEs lead nowhere.
type Looping struct{ Name string }

func (e *Looping) Error() string {
	return fmt.Sprintf("the CNAME records at %s lead round in a circle or on without end: point them to the name that is to hold the TXT record", e.Name)
}

// NotYet says what the servers answer in place of the value. It is the same text
// as long as they answer the same.
type NotYet struct {
	Name, Type string
	Findings   []string // by server, sorted
	// Cut means that no server of the zone can be reached from here.
	Cut bool
	// Nowhere means that servers answered, and none has the value.
	Nowhere bool
}

func (e *NotYet) Error() string {
	remedy := ""
	if e.Cut {
		remedy = "; where a network lets DNS out to its resolvers alone, set --dns01-recursive-nameservers-only"
	}
	if e.Type != "TXT" {
		return fmt.Sprintf("cannot find the %s record of %s: %s%s", e.Type, e.Name, join(e.Findings), remedy)
	}
	return fmt.Sprintf("the TXT record %s does not have the value of this challenge everywhere yet: %s%s", e.Name, join(e.Findings), remedy)
}

func join(findings []string) string {
	if len(findings) == 0 {
		return "there is no server to ask"
	}
	return strings.Join(findings, "; ")
}

func findings(answers []answer, value string) []string {
	var all []string
	for _, a := range answers {
		all = append(all, strings.TrimSuffix(a.server, ".")+" "+a.describe(value))
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func (a answer) describe(value string) string {
	switch {
	case a.err != nil:
		return a.err.Error()
	case a.msg.Rcode == dns.RcodeNameError:
		return "says there is no such name"
	case a.msg.Rcode != dns.RcodeSuccess:
		return "answers " + dns.RcodeToString[a.msg.Rcode]
	}
	switch values := a.values(); {
	case slices.Contains(values, value):
		return "has it"
	case len(values) == 0:
		return "has no such record"
	default:
		return fmt.Sprintf("has %d other value(s)", len(values))
	}
}
