// Package responder answers the requests by which an ACME server validates a
// name over HTTP (RFC 8555, section 8.3), and nothing else: whoever asks for
// anything but a token under way learns no more than that there is nothing.
//
// It faces the Internet, by way of an ingress controller. So each request costs
// one look-up and a few small allocations, no state is kept between requests,
// and connections, headers and times are bounded (serve.go).
package responder

import (
	"net"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
)

// Prefix is the path below which tokens are asked for (RFC 8555, section 8.3).
const Prefix = "/.well-known/acme-challenge/"

// Path is where the token is asked for.
func Path(token string) string { return Prefix + token }

// Answer is what is said for a token when the name is asked for.
type Answer struct {
	// Name is a DNS name or an IP address, as [CanonicalHost] writes it.
	Name string
	// KeyAuthorization is the body (RFC 8555, section 8.1).
	KeyAuthorization string
}

// Handler answers from what look gives for a token. It may be called by many
// requests at once, and must not wait for anything.
func Handler(look func(token string) []Answer) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		token, ok := tokenOf(r)
		if !ok {
			nothing(w, r)
			return
		}
		body, ok := choose(look(token), r.Host)
		if !ok {
			nothing(w, r)
			return
		}
		h := w.Header()
		h["Content-Type"] = textPlain
		h["Cache-Control"] = noStore // a proxy that keeps it would answer for the next challenge
		h["X-Content-Type-Options"] = noSniff
		h["Content-Length"] = []string{strconv.Itoa(len(body))}
		if r.Method != http.MethodHead {
			_, _ = w.Write([]byte(body)) // whoever asked and went away is not waited for
		}
	})
}

// Shared by all answers, so that none allocates them. Nobody changes them.
var (
	textPlain = []string{"text/plain; charset=utf-8"}
	noStore   = []string{"no-store"}
	noSniff   = []string{"nosniff"}
	closing   = []string{"close"}
	empty     = []string{"0"}
)

// nothing is the same for everything that is not there.
func nothing(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	h["Content-Length"] = empty
	if r.ContentLength != 0 {
		h["Connection"] = closing // rather than read what was sent
	}
	w.WriteHeader(http.StatusNotFound)
}

// longestToken is beyond any that is in use (43 characters and less); one needs
// 128 bits only (RFC 8555, section 8.3).
const longestToken = 256

// tokenOf takes the token from a request, if it can be one. A path that was
// written in any other way than the plain one is none: what looks at the path
// before us (a firewall, an ingress) may have understood it otherwise.
func tokenOf(r *http.Request) (string, bool) {
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		return "", false
	}
	token, ok := strings.CutPrefix(r.URL.Path, Prefix)
	if !ok || r.URL.RawPath != "" || token == "" || len(token) > longestToken {
		return "", false
	}
	for i := range len(token) {
		if !base64url(token[i]) {
			return "", false
		}
	}
	return token, true
}

func base64url(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9' || c == '-' || c == '_'
}

// choose takes the answer for the name that was asked for. Where there is one
// only it is given whatever the name, because proxies rewrite it; a token is
// secret enough, and what it gives is public.
func choose(answers []Answer, host string) (string, bool) {
	switch len(answers) {
	case 0:
		return "", false
	case 1:
		return answers[0].KeyAuthorization, true
	}
	host = CanonicalHost(host)
	for _, a := range answers {
		if CanonicalHost(a.Name) == host {
			return a.KeyAuthorization, true
		}
	}
	return "", false
}

// CanonicalHost writes the host of a request, or a name, in one way: without
// port and trailing dot, in lower case, an IPv6 address in its short form
// without brackets.
func CanonicalHost(host string) string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	host = strings.ToLower(strings.TrimSuffix(strings.Trim(host, "[]"), "."))
	if !strings.Contains(host, ":") {
		return host
	}
	if ip, err := netip.ParseAddr(host); err == nil {
		return ip.Unmap().String()
	}
	return host
}
