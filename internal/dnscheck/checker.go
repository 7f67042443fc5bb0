package dnscheck

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/miekg/dns"
)

// Options of a [Checker]. The zero value asks the system's resolvers where the
// zones are, and their own servers for the records.
type Options struct {
	// Nameservers are resolvers, as [ParseNameservers] gives them. None: those of
	// ResolvConf, read anew when it changes.
	Nameservers []string
	// RecursiveOnly asks the resolvers alone, for networks that let nothing else out.
	RecursiveOnly bool
	// ResolvConf is a path; empty means /etc/resolv.conf.
	ResolvConf string
	// Timeout of one question to one server, which is asked twice; 0 means 3 s.
	Timeout time.Duration
	// Port of the authoritative servers; empty means 53.
	Port string
}

// Checker asks the DNS. It is safe for concurrent use, and remembers nothing
// but where zones are, and that for half a minute.
type Checker struct {
	resolvers     resolvers
	recursiveOnly bool
	timeout       time.Duration
	port          string
	doh           *dohClient
	memo          memo
}

// New makes a Checker.
func New(o Options) *Checker {
	if o.ResolvConf == "" {
		o.ResolvConf = "/etc/resolv.conf"
	}
	if o.Timeout == 0 {
		o.Timeout = 3 * time.Second // a resolver may itself have to ask servers that are down
	}
	if o.Port == "" {
		o.Port = "53"
	}
	return &Checker{
		resolvers:     resolvers{fixed: o.Nameservers, path: o.ResolvConf},
		recursiveOnly: o.RecursiveOnly, timeout: o.Timeout, port: o.Port, doh: newDoHClient(o.Timeout),
	}
}

// RecordName is the name of the record that proves a domain (RFC 8555 section
// 8.4), with the final dot.
func RecordName(domain string) string {
	return "_acme-challenge." + dns.CanonicalName(strings.TrimPrefix(domain, "*."))
}

// Zone gives the apex of the zone that a name is in, with the final dot.
// Errors: [*NotServed] when there is none, any other when it could not be found
// out now.
func (c *Checker) Zone(ctx context.Context, name string) (string, error) {
	name = dns.CanonicalName(name)
	if c.recursiveOnly {
		return c.walk(ctx, name)
	}
	zone, answers, err := c.direct(ctx, name, dns.TypeSOA)
	if err != nil {
		return "", err
	}
	if !slices.ContainsFunc(answers, answer.usable) {
		return c.walk(ctx, name) // nobody lets us ask the zone's own servers
	}
	return zone, nil
}

// maxCNAMEs is more than any resolver follows, so that what it ends is a loop.
const maxCNAMEs = 16

// Follow goes along the CNAMEs from a name to the one that holds the records.
// Errors: [*Looping], or that it could not be found out now.
func (c *Checker) Follow(ctx context.Context, name string) (string, error) {
	start := dns.CanonicalName(name)
	at := start
	for range maxCNAMEs {
		next, err := c.alias(ctx, at)
		if err != nil || next == "" {
			return at, err
		}
		at = next
	}
	return "", &Looping{start}
}

// alias gives the target of the CNAME at a name, or nothing.
func (c *Checker) alias(ctx context.Context, name string) (string, error) {
	if c.recursiveOnly {
		m, err := c.ask(ctx, name, dns.TypeCNAME)
		if err != nil {
			return "", err
		}
		return aliasIn(m, name), nil
	}
	_, answers, err := c.direct(ctx, name, dns.TypeCNAME)
	if err != nil {
		return "", err
	}
	for _, a := range answers {
		if a.usable() {
			return aliasIn(a.msg, name), nil
		}
	}
	return "", &NotYet{Name: name, Type: "CNAME", Findings: findings(answers, ""), Cut: silent(answers)}
}

func aliasIn(m *dns.Msg, name string) string {
	for _, rr := range m.Answer {
		if alias, ok := rr.(*dns.CNAME); ok && dns.CanonicalName(alias.Hdr.Name) == name {
			return dns.CanonicalName(alias.Target)
		}
	}
	return ""
}

// Check is nil when every server that answers has the value among the TXT
// records of a name, or of the name its CNAMEs lead to, and one at least does
// answer. Errors: [*NotYet], [*NotServed], [*Looping], or that it could not be
// found out now.
func (c *Checker) Check(ctx context.Context, name, value string) error {
	at := dns.CanonicalName(name)
	for range maxCNAMEs {
		answers, err := c.txt(ctx, at)
		if err != nil {
			return err
		}
		if served(answers, value) {
			return nil
		}
		next := commonAlias(answers, at)
		if next == "" {
			return &NotYet{Name: at, Type: "TXT", Findings: findings(answers, value), Cut: !c.recursiveOnly && silent(answers), Nowhere: nowhere(answers, value)}
		}
		at = next
	}
	return &Looping{dns.CanonicalName(name)}
}

func (c *Checker) txt(ctx context.Context, name string) ([]answer, error) {
	if c.recursiveOnly {
		return c.askEach(ctx, name, dns.TypeTXT)
	}
	_, answers, err := c.direct(ctx, name, dns.TypeTXT)
	return answers, err
}

// served reports that all who know the name have the value, and somebody does.
// Servers that are down or refuse are gone past, as every resolver does.
func served(answers []answer, value string) bool {
	some := false
	for _, a := range answers {
		if !a.usable() {
			continue
		}
		if !slices.Contains(a.values(), value) {
			return false
		}
		some = true
	}
	return some
}

// commonAlias is where all who answer send on to without saying what is there.
func commonAlias(answers []answer, name string) string {
	common := ""
	for _, a := range answers {
		if !a.usable() {
			continue
		}
		end := a.end(name)
		if end == name || len(a.values()) > 0 || common != "" && end != common {
			return ""
		}
		common = end
	}
	return common
}
