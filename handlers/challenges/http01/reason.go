package http01

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"syscall"
	"unicode"

	"github.com/certwright/certwright/internal/responder"
)

// answer is what a self check was told.
type answer struct {
	name, token, key string
	status           int
	body, server     string
	from             *url.URL // after redirects
}

// judge returns nil when the answer proves the name, else why it does not.
func judge(a answer) error {
	// The server should ignore white space at the end (RFC 8555, section 8.3).
	if a.status == http.StatusOK && strings.TrimRight(a.body, " \t\r\n") == a.key {
		return nil
	}
	if a.status != http.StatusOK {
		return fmt.Errorf("self check: %s answers %d %s%s instead of the key authorization: %s",
			a.place(), a.status, http.StatusText(a.status), a.by(), remedy(a.status))
	}
	return fmt.Errorf("self check: %s answers 200 OK%s with something else: %s", a.place(), a.by(), a.wrong())
}

// place is who answered.
func (a answer) place() string {
	asked := "http://" + bracketed(a.name)
	if a.from == nil || a.from.Scheme == "http" && strings.EqualFold(a.from.Host, bracketed(a.name)) {
		return asked
	}
	return asked + ", redirected to " + printable(a.from.Scheme+"://"+a.from.Host) + ","
}

// own reports whether the answer is to the question that was asked. What comes
// of another path is not shown: whoever redirects us chooses it, and could read
// in a status what only we may see.
func (a answer) own() bool { return a.from == nil || a.from.Path == responder.Path(a.token) }

func (a answer) by() string {
	if a.server == "" || !a.own() {
		return ""
	}
	return " (Server: " + printable(a.server) + ")"
}

func remedy(status int) string {
	switch {
	case status == http.StatusNotFound:
		return "the name leads to this cluster's ingress controller only if that follows the route made for the challenge; check the solver's class, name or parentRefs, and to where DNS leads the name"
	case status == http.StatusBadGateway || status == http.StatusServiceUnavailable || status == http.StatusGatewayTimeout:
		return "it does not reach who answers for the challenge; check --acme-http01-solver-address and network policies"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		return "let /.well-known/acme-challenge/ through without a login or a firewall's consent"
	case status == http.StatusTooManyRequests || status >= 500:
		return "see the log of the server there"
	default:
		return "let /.well-known/acme-challenge/ through to the challenge's route"
	}
}

// wrong describes a body that is not the key authorization.
func (a answer) wrong() string {
	switch {
	case strings.HasPrefix(a.body, a.token+"."):
		return "the key authorization of another ACME account; find out what else answers for this name, such as a second cluster"
	case a.body == "":
		return "nothing; check what answers there before the challenge's route"
	case !a.own():
		return "what another path gives; let /.well-known/acme-challenge/ through without a redirect elsewhere"
	default:
		return fmt.Sprintf("%q; check what answers there before the challenge's route, and to where DNS leads the name", printable(firstLine(a.body)))
	}
}

func firstLine(text string) string {
	line, _, _ := strings.Cut(strings.TrimSpace(text), "\n")
	return line
}

// mostShown of a stranger's text is enough to know it by.
const mostShown = 60

// printable is text of strangers as it may stand in a status.
func printable(text string) string {
	clean := []rune(strings.Map(func(r rune) rune {
		if r == unicode.ReplacementChar || !unicode.IsPrint(r) {
			return '.'
		}
		return r
	}, text))
	if len(clean) > mostShown {
		return string(clean[:mostShown]) + "..."
	}
	return string(clean)
}

// plainReason takes addresses, ports and all else that may differ from time to
// time out of what the network says.
func plainReason(err error) string {
	var number syscall.Errno
	var handshake *tls.RecordHeaderError
	var alert tls.AlertError
	errors.As(err, &number)
	switch {
	case number == syscall.ECONNREFUSED:
		return "connection refused: nothing listens there on port 80"
	case number == syscall.ECONNRESET, number == syscall.EPIPE, errors.Is(err, io.EOF), errors.Is(err, io.ErrUnexpectedEOF):
		return "the connection is closed without an answer"
	case number != 0:
		return number.Error() // no route to host, network is unreachable
	case errors.As(err, &handshake), errors.As(err, &alert):
		return "it redirects to https, where no TLS connection can be made"
	default:
		return "what listens there does not speak HTTP"
	}
}
