package venafi

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/certwright/certwright/handlers/issuers"

	"github.com/Venafi/vcert/v5/pkg/verror"
)

// fault is what is wrong, in the words of a condition.
type fault struct {
	words string
	// away is true when the server is expected to be back by itself.
	away bool
	// denied is true when it did not take the credentials.
	denied bool
	// refused is the reason when it is the request that is at fault.
	refused string
	// after is when the server wants to be asked again.
	after time.Duration
}

func (f *fault) Error() string { return f.words }

func unfit(format string, args ...any) *fault { return &fault{words: fmt.Sprintf(format, args...)} }

// fault makes one of what a call of the library met. reason is that of a
// request that is refused; empty: the call is for the issuer's sake alone.
func (l *line) fault(err error, reason string) error {
	if err == nil {
		return nil
	}
	w := l.witness
	said := issuers.Words(w.said(), l.material.hide(l.token)...)
	switch code := w.status; {
	case w.failed != nil:
		words, away := l.material.server().Unanswered(w.failed)
		return &fault{words: words, away: away}
	case code == http.StatusUnauthorized, code == http.StatusForbidden:
		return &fault{denied: true, words: fmt.Sprintf("%s: the server does not take the credentials in Secret %s (%s): they are wrong, have expired or lack a right: give valid ones",
			l.material.field, l.material.secret, orStatus(said, code))}
	case reason == reasonRetrieve && said != "" && w.ended():
		return &fault{refused: reason, words: fmt.Sprintf("the server did not issue the certificate: %s", said)}
	case code == http.StatusTooManyRequests:
		return &fault{away: true, after: w.retryAfter(), words: fmt.Sprintf("%s: the server has too many requests (HTTP 429): they are made again, slower", l.material.server().Field)}
	case code >= 500:
		return &fault{away: true, after: w.retryAfter(), words: fmt.Sprintf("%s: the server cannot work now (%s): look at its state", l.material.server().Field, orStatus(said, code))}
	case errors.Is(err, verror.ZoneNotFoundError), errors.Is(err, verror.ApplicationNotFoundError):
		return unfit("spec.venafi.zone: the server does not know %q: check the zone, and that the credentials may see it", l.material.spec().Zone)
	case code >= 400 && reason == "":
		return unfit("spec.venafi: the server refuses what the issuer asks for (%s): check the zone and the credentials", orStatus(said, code))
	case code >= 400:
		return &fault{refused: reason, words: fmt.Sprintf("the server refuses the request in zone %q: %s: ask for what the zone allows, or have its policy changed", l.material.spec().Zone, orStatus(said, code))}
	case code >= 200:
		return unfit("%s: the server's answer cannot be understood: check that the address leads to Venafi", l.material.server().Field)
	}
	return unfit("spec.venafi: %s", issuers.Words(err.Error(), l.material.hide(l.token)...))
}

func orStatus(said string, code int) string {
	if said == "" {
		return fmt.Sprintf("HTTP %d", code)
	}
	return fmt.Sprintf("HTTP %d: %s", code, said)
}

// ended tells whether the server says that a request has come to a bad end: a
// self-hosted one does so by a stage of its work, the others by a status.
func (w *witness) ended() bool {
	var answer struct {
		Stage  *int   `json:"Stage"`
		Status string `json:"Status"`
	}
	if json.Unmarshal(w.body, &answer) != nil {
		return false
	}
	return answer.Stage != nil && answer.Status != "" || bad(answer.Status)
}

// bad are the statuses of SaaS that nothing comes after.
func bad(status string) bool {
	switch status {
	case "FAILED", "REJECTED", "REJECTED_APPROVAL", "CANCELLED", "CANCELED", "DELETED":
		return true
	}
	return false
}
