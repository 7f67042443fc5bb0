package acme

import (
	"net/http"
	"regexp"
	"time"
)

// classes are the problem types of RFC 8555, section 6.7, of RFC 9773, section
// 5, and of the profiles draft, by what they mean for whoever asked. A type that
// is not here counts by its HTTP status.
var classes = map[string]Class{
	"accountDoesNotExist": NoAccount,

	"badNonce":       Transient,
	"serverInternal": Transient,
	// Our view of the order is old: look at it again (RFC 8555, section 7.4).
	"orderNotReady": Transient,

	"rateLimited": Paused,

	"alreadyReplaced":         Refused,
	"alreadyRevoked":          Refused,
	"badCSR":                  Refused,
	"badPublicKey":            Refused,
	"badRevocationReason":     Refused,
	"badSignatureAlgorithm":   Refused,
	"caa":                     Refused,
	"compound":                Refused,
	"connection":              Refused,
	"dns":                     Refused,
	"externalAccountRequired": Refused,
	"incorrectResponse":       Refused,
	"invalidContact":          Refused,
	"invalidProfile":          Refused,
	"malformed":               Refused,
	"rejectedIdentifier":      Refused,
	"tls":                     Refused,
	"unauthorized":            Refused,
	"unsupportedContact":      Refused,
	"unsupportedIdentifier":   Refused,
	"userActionRequired":      Refused,
}

// closedAccount finds that an account is refused as such. RFC 8555, section
// 7.3.6, wants 401 for that; Boulder and Pebble say 403 and tell it in words.
var closedAccount = regexp.MustCompile(`(?i)account\b.{0,100}\b(deactivated|revoked|not valid|not in valid|does not exist)`)

// Classify says what to do about an error answer: its HTTP status (0 in an
// order or challenge that failed and told none), its problem type without
// prefix ("" when there is no problem document), the time told to wait (0: none
// was) and the server's words. It is pure.
//
// An error without a problem document is not an ACME server's: something on the
// way answers in its place, which passes, so it never ends an issuance; but for
// what is not found, of which some servers tell by the status alone.
func Classify(status int, problemType string, told time.Duration, detail string) Class {
	class, known := classes[problemType]
	switch {
	case problemType == "badNonce":
		return Transient
	case status == http.StatusTooManyRequests, class == Paused && known, told > 0:
		return Paused
	case status >= 500:
		return Transient
	case class == NoAccount && known, problemType == "unauthorized" && (status == http.StatusUnauthorized || closedAccount.MatchString(detail)):
		return NoAccount
	case status == http.StatusNotFound, status == http.StatusGone:
		return Gone
	case known:
		return class
	case status == http.StatusRequestTimeout, status == http.StatusTooEarly, problemType == "" && status != 0:
		return Transient
	default:
		return Refused
	}
}
