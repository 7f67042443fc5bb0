package dnscheck

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/miekg/dns"
)

// ParseNameservers brings resolvers into the form in which they are asked:
// host:port, with port 53 where none is given, or the https:// URL of one that
// speaks DNS over HTTPS (RFC 8484). Errors: one that is neither host:port
// nor an https URL, named.
func ParseNameservers(given []string) ([]string, error) {
	var parsed []string
	for _, g := range given {
		p, err := parseNameserver(strings.TrimSpace(g))
		if err != nil {
			return nil, err
		}
		parsed = append(parsed, p)
	}
	return parsed, nil
}

func parseNameserver(s string) (string, error) {
	if strings.Contains(s, "://") {
		if u, err := url.Parse(s); err != nil || u.Scheme != "https" || u.Host == "" {
			return "", fmt.Errorf("nameserver %q: an URL must be https://HOST/PATH, such as https://1.1.1.1/dns-query", s)
		}
		return s, nil
	}
	host, port := s, "53"
	if h, p, err := net.SplitHostPort(s); err == nil {
		host, port = h, p
	}
	host = strings.TrimSuffix(strings.TrimPrefix(host, "["), "]")
	if n, err := strconv.Atoi(port); err != nil || n < 1 || n > 65535 || host == "" || strings.ContainsAny(host, "/ ") || strings.Contains(host, ":") && net.ParseIP(host) == nil {
		return "", fmt.Errorf("nameserver %q: it must be HOST:PORT, such as 8.8.8.8:53 or [2001:db8::1]:53, or an https:// URL", s)
	}
	return net.JoinHostPort(host, port), nil
}

// resolvers are fixed, or those of a resolv.conf, which is read anew when it
// changes: on a node that is no longer a rare event.
type resolvers struct {
	fixed []string
	path  string

	mu       sync.Mutex
	modified time.Time
	size     int64
	read     []string
}

func (r *resolvers) all() ([]string, error) {
	if len(r.fixed) > 0 {
		return r.fixed, nil
	}
	info, err := os.Stat(r.path)
	if err != nil {
		return nil, fmt.Errorf("find the system's resolvers: %w; name some with --dns01-recursive-nameservers", err)
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.read) > 0 && info.ModTime().Equal(r.modified) && info.Size() == r.size {
		return r.read, nil
	}
	conf, err := dns.ClientConfigFromFile(r.path)
	if err != nil {
		return nil, fmt.Errorf("find the system's resolvers: %w; name some with --dns01-recursive-nameservers", err)
	}
	if len(conf.Servers) == 0 {
		return nil, fmt.Errorf("%s names no nameserver: name some with --dns01-recursive-nameservers", r.path)
	}
	r.read = nil
	for _, s := range conf.Servers {
		r.read = append(r.read, net.JoinHostPort(s, conf.Port))
	}
	r.modified, r.size = info.ModTime(), info.Size()
	return r.read, nil
}

// ask takes the first resolver that has an answer. Errors: what each of them
// said instead.
func (c *Checker) ask(ctx context.Context, name string, qtype uint16) (*dns.Msg, error) {
	all, err := c.resolvers.all()
	if err != nil {
		return nil, err
	}
	var failed []answer
	for _, resolver := range all {
		a := c.askResolver(ctx, resolver, name, qtype)
		if a.usable() {
			return a.msg, nil
		}
		failed = append(failed, a)
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
	}
	return nil, unanswered(failed, name, qtype)
}

// unanswered tells a zone that is broken, or kept from us, from resolvers that
// are out of reach.
func unanswered(failed []answer, name string, qtype uint16) error {
	if slices.ContainsFunc(failed, func(a answer) bool { return a.err == nil }) {
		return fmt.Errorf("no resolver knows the DNS zone of %s: %s; is the zone served, and may it be asked from here?", name, join(findings(failed, "")))
	}
	return fmt.Errorf("no resolver answers for %s %s: %s", name, dns.TypeToString[qtype], join(findings(failed, "")))
}

// askEach asks all resolvers, for their memories differ.
func (c *Checker) askEach(ctx context.Context, name string, qtype uint16) ([]answer, error) {
	all, err := c.resolvers.all()
	if err != nil {
		return nil, err
	}
	answers := make([]answer, len(all))
	var wait sync.WaitGroup
	for i, resolver := range all {
		wait.Go(func() { answers[i] = c.askResolver(ctx, resolver, name, qtype) })
	}
	wait.Wait()
	return answers, ctx.Err()
}

func (c *Checker) askResolver(ctx context.Context, resolver, name string, qtype uint16) answer {
	a := answer{server: resolver}
	m := question(name, qtype)
	if strings.HasPrefix(resolver, "https://") {
		a.msg, a.err = c.doh.exchange(ctx, m, resolver)
	} else {
		a.msg, a.err = c.exchange(ctx, m, resolver)
	}
	return a
}
