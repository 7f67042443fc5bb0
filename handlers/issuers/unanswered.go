package issuers

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"syscall"
	"time"
)

// Server is a server of an issuer, as its spec names it.
type Server struct {
	// Name is what kind of server it is: "Vault".
	Name string
	// Address is where it is.
	Address string
	// Field, Roots and Own are the fields of its address, of the CAs that it is
	// known by and of the certificate that we are known by. Roots and Own may
	// be empty: there is none.
	Field, Roots, Own string
}

// Unanswered says in words why a call got no answer, and whether that may pass
// by itself. The words are the same each time: errors of the network have the
// numbers of ports in them.
func (s Server) Unanswered(err error) (words string, away bool) {
	if words := s.untrusted(err); words != "" {
		return words, false
	}
	var dns *net.DNSError
	var record tls.RecordHeaderError
	var syntax *json.SyntaxError
	switch {
	case errors.As(err, &syntax):
		return fmt.Sprintf("%s: %s does not answer as a %s does: check the address, and the path", s.Field, s.Address, s.Name), false
	case errors.As(err, &record), strings.Contains(err.Error(), "server gave HTTP response to HTTPS client"):
		return fmt.Sprintf("%s: %s does not speak TLS: write http:// or name another port", s.Field, s.Address), false
	case errors.As(err, &dns) && dns.IsNotFound:
		return fmt.Sprintf("%s: the name in %s is not known: check it, and the DNS", s.Field, s.Address), true
	case errors.Is(err, syscall.ECONNREFUSED):
		return fmt.Sprintf("%s: nothing listens at %s: start %s, or check the address", s.Field, s.Address, s.Name), true
	case errors.Is(err, context.DeadlineExceeded), isTimeout(err):
		return fmt.Sprintf("%s: %s does not answer in time: check that it runs and can be reached", s.Field, s.Address), true
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, syscall.ECONNRESET):
		return fmt.Sprintf("%s: %s broke the connection off: check that it runs", s.Field, s.Address), true
	}
	return fmt.Sprintf("%s: %s cannot be reached: check that it runs, and the network", s.Field, s.Address), true
}

// untrusted is why one side does not trust the other; empty: that is not it.
func (s Server) untrusted(err error) string {
	var unknown x509.UnknownAuthorityError
	var host x509.HostnameError
	var invalid x509.CertificateInvalidError
	var alert tls.AlertError
	switch {
	case errors.As(err, &unknown) && s.Roots != "":
		return fmt.Sprintf("%s: the certificate of %s is not signed by a CA that is trusted: put the CA of %s there, or into %sSecretRef", s.Roots, s.Address, s.Name, s.Roots)
	case errors.As(err, &unknown):
		return fmt.Sprintf("%s: the certificate of %s is not signed by a CA that the daemon's system trusts: add it there", s.Field, s.Address)
	case errors.As(err, &host):
		return fmt.Sprintf("%s: the certificate of %s is not valid for that name: use a name that is in it, or put one into serverName", s.Field, s.Address)
	case errors.As(err, &invalid) && invalid.Reason == x509.Expired:
		return fmt.Sprintf("%s: the certificate of %s has expired or is not valid yet: have it renewed", s.Field, s.Address)
	case errors.As(err, &invalid):
		return fmt.Sprintf("%s: the certificate of %s is no server's, or its chain is broken: have it made anew", s.Field, s.Address)
	case errors.As(err, &alert) && s.Own != "":
		return fmt.Sprintf("%s: %s refuses the TLS connection (%v): give the client certificate that it asks for", s.Own, s.Address, alert)
	}
	return ""
}

func isTimeout(err error) bool {
	var timeout net.Error
	return errors.As(err, &timeout) && timeout.Timeout()
}

// dialTime is for a connection alone: nothing has been sent by then, so that
// giving up early costs nothing.
const dialTime = 5 * time.Second

// mostAnswer bounds what is read of an answer, in bytes.
const mostAnswer = 1 << 20

// Transport is how servers of issuers are reached: it gives a dead one up soon,
// and reads no more of an answer than any of them has to say.
func Transport(secure *tls.Config) http.RoundTripper {
	return limited{&http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: dialTime}).DialContext,
		TLSClientConfig:     secure,
		TLSHandshakeTimeout: dialTime,
		MaxIdleConnsPerHost: 16,
		IdleConnTimeout:     30 * time.Second,
		ForceAttemptHTTP2:   true,
	}}
}

type limited struct{ *http.Transport }

func (l limited) RoundTrip(r *http.Request) (*http.Response, error) {
	answer, err := l.Transport.RoundTrip(r)
	if err != nil {
		return nil, err
	}
	answer.Body = struct {
		io.Reader
		io.Closer
	}{io.LimitReader(answer.Body, mostAnswer), answer.Body}
	return answer, nil
}
