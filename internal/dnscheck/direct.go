package dnscheck

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"

	"github.com/miekg/dns"
)

// authority is a zone and the servers that know it.
type authority struct {
	zone    string
	servers []server
}

// server is one name of a zone's NS records.
type server struct {
	name      string
	addresses []string // host:port
	err       error    // why there are none
}

// maxReferrals bounds the way down through zones that refer to each other.
const maxReferrals = 8

// direct asks each server that is authoritative for a name, and tells the zone
// the name is in.
func (c *Checker) direct(ctx context.Context, name string, qtype uint16) (string, []answer, error) {
	at, err := c.locate(ctx, parent(name))
	if err != nil {
		return "", nil, err
	}
	for range maxReferrals {
		answers := c.askAuthority(ctx, at, name, qtype)
		zone, names := refer(answers, at.zone, name)
		if zone == "" {
			return zoneBy(answers, at.zone, name), answers, ctx.Err()
		}
		if at, err = c.serversOf(ctx, zone, names); err != nil {
			return "", nil, err
		}
	}
	return "", nil, fmt.Errorf("the servers of %s refer to one another without end: mend the NS records", name)
}

func refer(answers []answer, zone, name string) (string, []string) {
	for _, a := range answers {
		if below, names := a.referral(zone, name); below != "" {
			return below, names
		}
	}
	return "", nil
}

// zoneBy lets a server tell of a zone that it serves below the one it was
// asked for: then there is no referral.
func zoneBy(answers []answer, zone, name string) string {
	for _, a := range answers {
		if !a.usable() || a.end(name) != name {
			continue
		}
		if apex := a.apex(name); apex != "" && dns.IsSubDomain(zone, apex) {
			return apex
		}
	}
	return zone
}

func parent(name string) string {
	if next, end := dns.NextLabel(name, 0); !end {
		return name[next:]
	}
	return "."
}

func (c *Checker) askAuthority(ctx context.Context, at authority, name string, qtype uint16) []answer {
	answers := make([]answer, len(at.servers))
	var all sync.WaitGroup
	for i, s := range at.servers {
		all.Go(func() { answers[i] = c.askServer(ctx, s, name, qtype) })
	}
	all.Wait()
	return answers
}

// askServer takes the first address that answers: of a server with an IPv4 and
// an IPv6 address often only one can be reached from a cluster.
func (c *Checker) askServer(ctx context.Context, s server, name string, qtype uint16) answer {
	a := answer{server: s.name, err: s.err}
	for _, address := range s.addresses {
		m := question(name, qtype)
		m.RecursionDesired = false
		a.msg, a.err = c.exchange(ctx, m, address)
		if a.err == nil {
			return a
		}
	}
	return a
}

// errNoAddress is why a server cannot be asked.
var errNoAddress = errors.New("its name has no address")

// serversOf finds the addresses of a zone's servers.
func (c *Checker) serversOf(ctx context.Context, zone string, names []string) (authority, error) {
	at := authority{zone: zone, servers: make([]server, len(names))}
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { at.servers[i] = c.serverNamed(ctx, name) })
	}
	all.Wait()
	return at, ctx.Err()
}

func (c *Checker) serverNamed(ctx context.Context, name string) server {
	s := server{name: name}
	for _, qtype := range []uint16{dns.TypeA, dns.TypeAAAA} {
		m, err := c.ask(ctx, name, qtype)
		if err != nil {
			s.err = err
			continue
		}
		if ip := firstAddress(m); ip != nil {
			s.addresses = append(s.addresses, net.JoinHostPort(ip.String(), c.port))
		}
	}
	switch {
	case len(s.addresses) > 0:
		s.err = nil
	case s.err == nil:
		s.err = errNoAddress
	}
	return s
}

// firstAddress is enough of each kind: to try all addresses of a server that is
// down would take longer than to ask again.
func firstAddress(m *dns.Msg) net.IP {
	for _, rr := range m.Answer {
		switch r := rr.(type) {
		case *dns.A:
			return r.A
		case *dns.AAAA:
			return r.AAAA
		}
	}
	return nil
}
