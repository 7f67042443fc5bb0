package rfc2136

import (
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"

	"github.com/miekg/dns"
)

const field = "spec.solver.dns01.rfc2136"

// Config of a server.
type Config struct {
	// Nameserver is host or host:port; the port is 53 then.
	Nameserver string
	// TSIGKeyName and TSIGSecret (base64) sign; both empty: nothing is signed.
	TSIGKeyName, TSIGSecret string
	// TSIGAlgorithm is one of the API contract's names; empty is HMACMD5.
	TSIGAlgorithm string
	// TCP sends updates by TCP. Without it they go by UDP.
	TCP bool
}

// Provider updates the zones of one server.
type Provider struct {
	address, network   string
	keyName, algorithm string
	key                key
}

// timeout of one question or update.
const timeout = 10 * time.Second

// New checks a configuration. Errors: a *challenges.Fault that names the field.
func New(c Config) (*Provider, error) {
	p := &Provider{network: "udp"}
	if c.TCP {
		p.network = "tcp"
	}
	var err error
	if p.address, err = address(c.Nameserver); err != nil {
		return nil, err
	}
	return p, p.sign(c)
}

func (p *Provider) sign(c Config) error {
	switch {
	case c.TSIGKeyName == "" && c.TSIGSecret == "":
		return nil
	case c.TSIGKeyName == "":
		return challenges.Faulty("%s.tsigKeyName: it is empty, but a secret is given: name the key as the DNS server does", field)
	case c.TSIGSecret == "":
		return challenges.Faulty("%s.tsigSecretSecretRef: the key is empty, but tsigKeyName is given: store the key in base64", field)
	}
	algorithm, ok := algorithms[strings.ToUpper(c.TSIGAlgorithm)]
	if !ok {
		return challenges.Faulty("%s.tsigAlgorithm: %q is unknown: use HMACMD5, HMACSHA1, HMACSHA256 or HMACSHA512", field, c.TSIGAlgorithm)
	}
	secret, err := base64.StdEncoding.DecodeString(strings.TrimSpace(c.TSIGSecret))
	if err != nil {
		return challenges.Faulty("%s.tsigSecretSecretRef: the key is not base64: store what stands in the `secret` of the DNS server's key", field)
	}
	p.keyName, p.algorithm, p.key = dns.CanonicalName(c.TSIGKeyName), algorithm, key{secret, algorithm}
	return nil
}

func address(nameserver string) (string, error) {
	if nameserver == "" {
		return "", challenges.Faulty("%s.nameserver: it is empty: give HOST:PORT of the DNS server", field)
	}
	if host, port, err := net.SplitHostPort(nameserver); err == nil {
		if port == "" {
			port = "53"
		}
		return net.JoinHostPort(host, port), nil
	}
	host := strings.TrimSuffix(strings.TrimPrefix(nameserver, "["), "]")
	if strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", challenges.Faulty("%s.nameserver: %q is no address: give HOST:PORT, with an IPv6 address in brackets", field, nameserver)
	}
	return net.JoinHostPort(host, "53"), nil
}

// Set adds the value to the record set.
func (p *Provider) Set(ctx context.Context, r record.Record) error {
	zone, _, err := p.zone(ctx, r)
	if err != nil {
		return err
	}
	return p.update(ctx, r, zone, func(m *dns.Msg, rr dns.RR) { m.Insert([]dns.RR{rr}) })
}

// Unset removes the value, and no other, from the record set.
func (p *Provider) Unset(ctx context.Context, r record.Record) error {
	zone, answered, err := p.zone(ctx, r)
	if err != nil && answered {
		return nil // no zone, no record
	}
	if err != nil {
		return err
	}
	return p.update(ctx, r, zone, func(m *dns.Msg, rr dns.RR) { m.Remove([]dns.RR{rr}) })
}

func (p *Provider) update(ctx context.Context, r record.Record, zone string, change func(*dns.Msg, dns.RR)) error {
	m := new(dns.Msg).SetUpdate(zone)
	change(m, &dns.TXT{
		Hdr: dns.RR_Header{Name: r.Name, Rrtype: dns.TypeTXT, Class: dns.ClassINET, Ttl: record.TTL},
		Txt: []string{r.Value},
	})
	reply, err := p.exchange(ctx, m)
	if err != nil {
		return err
	}
	return p.judge(reply, r.Name, zone)
}

// zone asks the server for its SOA record, and the DNS if it does not tell. It
// reports whether the server answers.
func (p *Provider) zone(ctx context.Context, r record.Record) (zone string, answered bool, err error) {
	m := new(dns.Msg).SetQuestion(r.Name, dns.TypeSOA)
	m.RecursionDesired = false
	client := dns.Client{Net: p.network, Timeout: timeout}
	asking, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reply, _, failure := client.ExchangeContext(asking, m, p.address)
	if failure == nil && reply.Authoritative {
		for _, rr := range append(reply.Answer, reply.Ns...) {
			if soa, ok := rr.(*dns.SOA); ok && dns.IsSubDomain(dns.CanonicalName(soa.Hdr.Name), r.Name) {
				return dns.CanonicalName(soa.Hdr.Name), true, nil
			}
		}
	}
	zone, err = r.Zone(ctx)
	return zone, failure == nil, err
}

func (p *Provider) exchange(ctx context.Context, m *dns.Msg) (*dns.Msg, error) {
	client := dns.Client{Net: p.network, Timeout: timeout}
	if p.keyName != "" {
		m.SetTsig(p.keyName, p.algorithm, 300, time.Now().Unix())
		client.TsigProvider = p.key
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	reply, _, err := client.ExchangeContext(ctx, m, p.address)
	switch {
	case reply != nil && reply.Rcode != dns.RcodeSuccess:
		return reply, nil // it says what is wrong, be it unsigned (RFC 8945 section 5.3.2)
	case err == nil:
		return reply, nil
	case errors.Is(err, dns.ErrSig), errors.Is(err, dns.ErrSecret), errors.Is(err, dns.ErrNoSig):
		return nil, challenges.Faulty("%s.tsigSecretSecretRef: the DNS server %s signs its answer by another key: store the key that the server has under the name %s", field, p.address, p.keyName)
	case errors.Is(ctx.Err(), context.Canceled):
		return nil, ctx.Err()
	}
	return nil, fmt.Errorf("DNS server %s does not answer to an update: is it reachable from here, by %s?", p.address, p.network)
}
