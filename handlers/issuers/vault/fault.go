package vault

import (
	"errors"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/certwright/certwright/handlers/issuers"

	vaultapi "github.com/hashicorp/vault/api"
)

// fault is what is wrong, in the words of a condition: the same fault always
// has the same words, and never a credential in them.
type fault struct {
	words string
	// away is true when Vault is expected to be back without anybody mending
	// the issuer.
	away bool
	// status is Vault's HTTP status; 0 when it did not answer.
	status int
	// denied is true when Vault did not accept the token, or its policies.
	denied bool
	// said is what Vault said, without our words around it.
	said string
	// after is when Vault wants to be asked again.
	after time.Duration
}

func (f *fault) Error() string { return f.words }

// refusal tells whether Vault understood the request and said no. Whether that
// is the request's fault or the issuer's, the issuer tells.
func (f *fault) refusal() bool { return !f.away && f.status >= 400 && f.status < 500 }

// unfit makes the fault of an issuer that somebody has to mend.
func unfit(format string, args ...any) *fault { return &fault{words: fmt.Sprintf(format, args...)} }

// away makes the fault of a Vault that will be back.
func away(format string, args ...any) *fault {
	return &fault{words: fmt.Sprintf(format, args...), away: true}
}

// classify turns what the client library returned into a fault. What is a
// refusal gets its words from refused, which is told Vault's.
func classify(err error, m material, hide []string, refused func(said string) string) error {
	var answer *vaultapi.ResponseError
	if !errors.As(err, &answer) {
		return unanswered(err, m)
	}
	said := words(answer, hide)
	f := &fault{status: answer.StatusCode, said: said, denied: answer.StatusCode == http.StatusForbidden}
	switch code := answer.StatusCode; {
	case code == http.StatusTooManyRequests:
		f.away, f.words = true, "spec.vault.server: Vault has too many requests (HTTP 429): they are made again, slower"
	case code == http.StatusPreconditionFailed:
		f.away, f.words = true, "spec.vault.server: this Vault is behind its leader (HTTP 412): it is asked again"
	case code >= 500:
		f.away, f.words = true, fmt.Sprintf("spec.vault.server: Vault cannot work now (HTTP %d: %s): look at its state and its log", code, said)
	default:
		f.words = refused(said)
	}
	return f
}

// unanswered is the fault of a call without an answer.
func unanswered(err error, m material) *fault {
	words, away := issuers.Server{
		Name: "Vault", Address: m.spec().Server,
		Field: "spec.vault.server", Roots: "spec.vault.caBundle", Own: "spec.vault.clientCertSecretRef",
	}.Unanswered(err)
	return &fault{words: words, away: away}
}

// occurred is how Vault heads a list of errors, also one of one.
var occurred = regexp.MustCompile(`^\d+ errors? occurred: \* `)

// words is what Vault said. What does not have the form of a Vault's answer is
// not passed on: the address is the issuer's owner to choose, and what is behind
// it need not be his to read.
func words(answer *vaultapi.ResponseError, hide []string) string {
	if answer.RawError {
		return fmt.Sprintf("an answer that is not Vault's, HTTP %d", answer.StatusCode)
	}
	var said []string
	for _, e := range answer.Errors {
		said = append(said, occurred.ReplaceAllString(strings.Join(strings.Fields(e), " "), ""))
	}
	text := issuers.Words(strings.Join(said, "; "), hide...)
	if text == "" {
		return fmt.Sprintf("HTTP %d without a word", answer.StatusCode)
	}
	return text
}
