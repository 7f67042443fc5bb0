package dnscheck

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
	"golang.org/x/net/publicsuffix"
)

// locate finds the zone that a name is in, and that zone's servers.
func (c *Checker) locate(ctx context.Context, name string) (authority, error) {
	if at, ok := c.memo.get(name); ok {
		return at, nil
	}
	zone, err := c.walk(ctx, name)
	if err != nil {
		return authority{}, err
	}
	names, err := c.nameservers(ctx, zone)
	if err != nil {
		return authority{}, err
	}
	at, err := c.serversOf(ctx, zone, names)
	if err == nil && reachable(at) {
		c.memo.put(name, at)
	}
	return at, err
}

func reachable(at authority) bool {
	for _, s := range at.servers {
		if s.err != nil {
			return false // look again for its address next time
		}
	}
	return true
}

// walk goes up from a name until a resolver tells the zone. Mostly the first
// answer does, be it that the name does not exist: the SOA record is in it (RFC
// 2308 section 2).
func (c *Checker) walk(ctx context.Context, name string) (string, error) {
	for at := name; at != "."; at = parent(at) {
		m, err := c.ask(ctx, at, dns.TypeSOA)
		if err != nil {
			return "", err
		}
		if aliasIn(m, at) != "" {
			continue // the SOA record is that of the target's zone
		}
		zone := answer{msg: m}.apex(at)
		switch {
		case zone == "":
		case registry(zone) && zone != name:
			return "", &NotServed{Name: name, Above: zone}
		default:
			return zone, nil
		}
	}
	return "", &NotServed{Name: name, Above: "."}
}

// registry reports zones in which nobody gets a record of their own: answers
// come from them when a domain is not registered, or its servers are not named.
func registry(zone string) bool {
	if zone == "." {
		return true
	}
	plain := strings.TrimSuffix(zone, ".")
	suffix, icann := publicsuffix.PublicSuffix(plain)
	return icann && suffix == plain
}

// nameservers gives the names of a zone's servers; the first one of the SOA
// record if the zone has no NS records, which some appliances do.
func (c *Checker) nameservers(ctx context.Context, zone string) ([]string, error) {
	m, err := c.ask(ctx, zone, dns.TypeNS)
	if err != nil {
		return nil, err
	}
	var names []string
	for _, rr := range m.Answer {
		if ns, ok := rr.(*dns.NS); ok {
			names = append(names, dns.CanonicalName(ns.Ns))
		}
	}
	if len(names) > 0 {
		return names, nil
	}
	if m, err = c.ask(ctx, zone, dns.TypeSOA); err != nil {
		return nil, err
	}
	for _, rr := range m.Answer {
		if soa, ok := rr.(*dns.SOA); ok {
			return []string{dns.CanonicalName(soa.Ns)}, nil
		}
	}
	return nil, &NotServed{Name: zone, Above: parent(zone)}
}

const (
	// memoTime spares the resolvers most questions while hundreds of challenges
	// are looked at each ten seconds; a change of servers is seen soon enough.
	memoTime = 30 * time.Second
	// memoSize bounds the memory of a daemon that proves names by the thousand.
	memoSize = 1024
)

// memo remembers where zones are. That there is none it does not remember.
type memo struct {
	mu    sync.Mutex
	known map[string]remembered
}

type remembered struct {
	at    authority
	until time.Time
}

func (m *memo) get(name string) (authority, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, ok := m.known[name]
	if ok && time.Now().After(r.until) {
		delete(m.known, name)
		return authority{}, false
	}
	return r.at, ok
}

func (m *memo) put(name string, at authority) {
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.known == nil || len(m.known) >= memoSize {
		m.known = map[string]remembered{} // all of them are found again in a moment
	}
	m.known[name] = remembered{at, time.Now().Add(memoTime)}
}
