package http01

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/certwright/certwright/internal/responder"
)

// The self check asks as validation servers do (RFC 8555, section 8.3, and what
// Let's Encrypt documents): port 80 first, redirects followed to ports 80 and
// 443 only and to whatever certificate is there, since it is what is to be
// replaced. No connection and no answer is kept for the next time.
const (
	// checkTime is for one request with all its redirects (contract, 1.4).
	checkTime     = 10 * time.Second
	mostRedirects = 10
	// successes wanted in one check, and the time between: replicas of an
	// ingress controller learn of a route one after the other, mostly within
	// half a second, and a new connection each time may meet another of them.
	// More would only delay everybody: an ACME server that does meet a late one
	// is asked again with a new order.
	successes = 2
	between   = 500 * time.Millisecond
	// mostBody is far beyond a key authorization (some 90 bytes).
	mostBody = 4 << 10
)

// asker makes self checks.
type asker struct {
	dial  dialer
	proxy func(*http.Request) (*url.URL, error)
	// between is the constant, but for tests.
	between time.Duration
}

func newAsker(nameservers []string) *asker {
	return &asker{dial: dialer{resolver: resolverFor(nameservers), connect: (&net.Dialer{}).DialContext}, proxy: http.ProxyFromEnvironment, between: between}
}

// check returns nil when the name gives the key authorization for the token,
// else what it gives instead.
func (a *asker) check(ctx context.Context, name, token, key string) error {
	for i := range successes {
		if i > 0 && !wait(ctx, a.between) {
			return ctx.Err()
		}
		if err := a.ask(ctx, name, token, key); err != nil {
			return err
		}
	}
	return nil
}

func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

func (a *asker) ask(ctx context.Context, name, token, key string) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	defer cancel()
	where := &url.URL{Scheme: "http", Host: bracketed(name), Path: responder.Path(token)}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, where.String(), nil)
	if err != nil {
		return fmt.Errorf("self check: %q cannot be asked for: %w", name, err)
	}
	request.Header.Set("User-Agent", "certwright-http01-self-check")
	client, done := a.client(name)
	defer done()
	response, err := client.Do(request)
	if err != nil {
		return unreachable(name, err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, mostBody))
	if err != nil {
		return unreachable(name, err)
	}
	return judge(answer{
		name: name, token: token, key: key, status: response.StatusCode, body: string(body),
		server: response.Header.Get("Server"), from: response.Request.URL,
	})
}

// client is for one request: nothing is kept.
func (a *asker) client(name string) (*http.Client, func()) {
	var proxies sync.Map // their names
	transport := &http.Transport{
		Proxy: func(r *http.Request) (*url.URL, error) {
			u, err := a.proxy(r)
			if err == nil && u != nil {
				proxies.Store(u.Hostname(), true)
			}
			return u, err
		},
		DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
			if host, _, err := net.SplitHostPort(address); err == nil {
				if _, proxy := proxies.Load(host); proxy {
					return a.dial.connect(ctx, network, address) // it is the operator's, and so is its name
				}
			}
			return a.dial.dial(ctx, network, address)
		},
		TLSClientConfig:        &tls.Config{InsecureSkipVerify: true}, //nolint:gosec // a validation server takes any certificate after a redirect: here it is that which expires
		TLSHandshakeTimeout:    checkTime / 2,
		DisableKeepAlives:      true,
		DisableCompression:     true,
		MaxResponseHeaderBytes: 64 << 10,
	}
	client := &http.Client{Transport: transport, CheckRedirect: func(r *http.Request, via []*http.Request) error {
		return mayFollow(name, r.URL, len(via))
	}}
	return client, transport.CloseIdleConnections
}

// mayFollow refuses the redirects that validation servers refuse. That it goes
// to no address of a redirector's choice also keeps the daemon from being sent
// around its own network.
func mayFollow(name string, to *url.URL, count int) error {
	_, fault := netip.ParseAddr(to.Hostname())
	_, named := netip.ParseAddr(name)
	switch {
	case count > mostRedirects:
		return refusal(fmt.Sprintf("redirects more than %d times", mostRedirects))
	case to.Scheme != "http" && to.Scheme != "https":
		return refusal("redirects to the scheme " + printable(to.Scheme) + ", which ACME servers do not follow")
	case to.Port() != "" && to.Port() != "80" && to.Port() != "443":
		return refusal("redirects to port " + printable(to.Port()) + ", where ACME servers do not go: only to 80 and 443")
	case fault == nil && named != nil:
		return refusal("redirects to an IP address, which ACME servers do not follow")
	}
	return nil
}

// refusal is a redirect that is not followed.
type refusal string

func (r refusal) Error() string { return string(r) }

func bracketed(host string) string {
	if strings.Contains(host, ":") {
		return "[" + host + "]"
	}
	return host
}

// unreachable says why there was no answer, in words that are the same each
// time: no address and no port of ours.
func unreachable(name string, err error) error {
	const hairpin = "; if it works from elsewhere (a router that does not lead back in), let waitInsteadOfSelfCheck in the solver replace this check"
	var refused refusal
	var dns *net.DNSError
	switch {
	case errors.As(err, &refused):
		return fmt.Errorf("self check: http://%s %w", bracketed(name), refused)
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Errorf("self check: %s has no address in DNS (NXDOMAIN, or neither A nor AAAA): add a record that leads to the ingress controller", dns.Name)
	case errors.As(err, &dns):
		return fmt.Errorf("self check: DNS gives no answer for %s (%s): see to the name's DNS servers, or name others with --acme-http01-solver-nameservers", dns.Name, dnsFault(dns))
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return fmt.Errorf("self check: http://%s gives no answer within %s: open port 80 from here and from the Internet to the ingress controller%s", bracketed(name), checkTime, hairpin)
	default:
		return fmt.Errorf("self check: http://%s cannot be reached: %s%s", bracketed(name), plainReason(err), hairpin)
	}
}

func isTimeout(err error) bool {
	var t interface{ Timeout() bool }
	return errors.As(err, &t) && t.Timeout()
}

func dnsFault(err *net.DNSError) string {
	if err.IsTimeout {
		return "no answer in time"
	}
	return "the DNS server fails"
}
