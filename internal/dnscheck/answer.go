package dnscheck

import (
	"slices"
	"strings"

	"github.com/miekg/dns"
)

// answer is what one server said, or why it did not.
type answer struct {
	server string // its name, for people
	msg    *dns.Msg
	err    error
}

// usable: the server knows the name, be it to say that it does not exist.
func (a answer) usable() bool {
	return a.err == nil && (a.msg.Rcode == dns.RcodeSuccess || a.msg.Rcode == dns.RcodeNameError)
}

// silent reports that no server at all could be asked.
func silent(answers []answer) bool {
	return !slices.ContainsFunc(answers, func(a answer) bool { return a.err == nil })
}

// nowhere reports that some server knows the name, and none has the value.
func nowhere(answers []answer, value string) bool {
	known := false
	for _, a := range answers {
		if !a.usable() {
			continue
		}
		known = true
		if slices.Contains(a.values(), value) {
			return false
		}
	}
	return known
}

// values are those of all TXT records, of whatever name the CNAMEs led to. The
// strings of one record are one value (RFC 7208 section 3.3 says it best).
func (a answer) values() []string {
	var all []string
	for _, rr := range a.msg.Answer {
		if txt, ok := rr.(*dns.TXT); ok {
			all = append(all, strings.Join(txt.Txt, ""))
		}
	}
	return all
}

// end is the last name of the CNAMEs in an answer.
func (a answer) end(name string) string {
	for range a.msg.Answer {
		next := aliasIn(a.msg, name)
		if next == "" {
			break
		}
		name = next
	}
	return name
}

// apex is the owner of the SOA record that an answer holds, in whichever
// section, if the name is in that zone.
func (a answer) apex(name string) string {
	for _, section := range [][]dns.RR{a.msg.Answer, a.msg.Ns} {
		for _, rr := range section {
			if soa, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(dns.CanonicalName(soa.Hdr.Name), name) {
				return dns.CanonicalName(soa.Hdr.Name)
			}
		}
	}
	return ""
}

// referral gives the servers of a zone below the one asked, when a server says
// that they know better (RFC 1034 section 4.3.2, step 3b).
func (a answer) referral(zone, name string) (below string, names []string) {
	if !a.usable() || a.msg.Authoritative || len(a.msg.Answer) > 0 {
		return "", nil
	}
	for _, rr := range a.msg.Ns {
		ns, ok := rr.(*dns.NS)
		if !ok {
			continue
		}
		owner := dns.CanonicalName(ns.Hdr.Name)
		if owner != zone && dns.IsSubDomain(zone, owner) && dns.IsSubDomain(owner, name) && (below == "" || below == owner) {
			below, names = owner, append(names, dns.CanonicalName(ns.Ns))
		}
	}
	return below, names
}
