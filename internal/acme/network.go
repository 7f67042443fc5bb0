package acme

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"regexp"
)

// unanswered makes an Error of what kept an answer from coming. It never ends
// an issuance, whatever it is: networks and servers are mended.
func unanswered(server string, err error) *Error {
	host := server
	if u, parseErr := url.Parse(server); parseErr == nil {
		host = u.Host
	}
	return &Error{Class: Transient, Detail: clip(wayFault(host, err)), Err: err}
}

func wayFault(host string, err error) string {
	var unknown x509.UnknownAuthorityError
	var name x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var timeout net.Error
	switch {
	case errors.As(err, &unknown):
		return fmt.Sprintf("spec.acme.caBundle: the TLS certificate of %s is signed by an authority that is not trusted: set caBundle to the CA certificate by which that server is known", host)
	case errors.As(err, &name):
		return fmt.Sprintf("spec.acme.server: the TLS certificate of %s is for other names: set the URL with the name that the certificate has", host)
	case errors.As(err, &invalid):
		return fmt.Sprintf("spec.acme.server: the TLS certificate of %s is not valid: %s: have the server's operator renew it", host, stable(err))
	case errors.As(err, &record):
		return fmt.Sprintf("spec.acme.server: %s does not answer in TLS: check scheme and port of the URL", host)
	case errors.Is(err, context.Canceled):
		return fmt.Sprintf("the call to %s was ended before an answer came", host)
	case errors.As(err, &timeout) && timeout.Timeout(), errors.Is(err, context.DeadlineExceeded):
		return fmt.Sprintf("no answer came from %s in time", host)
	case errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return fmt.Sprintf("%s closed the connection before it had answered", host)
	default:
		return fmt.Sprintf("no answer from %s: %s", host, stable(err))
	}
}

// localEnd is our end of a connection, whose port is another one each time;
// asked is the resolver's address, of which there are often several.
var (
	localEnd = regexp.MustCompile(`[^\s]+:\d+->`)
	asked    = regexp.MustCompile(` on [^\s]+:53\b`)
	since    = regexp.MustCompile(`current time \S+ is `)
)

// stable is the text of an error without what differs from time to time.
func stable(err error) string {
	var request *url.Error
	if errors.As(err, &request) { // its URL names an order or an authorization
		err = request.Err
	}
	text := localEnd.ReplaceAllString(err.Error(), "")
	text = since.ReplaceAllString(text, "it is ")
	return asked.ReplaceAllString(text, "")
}
