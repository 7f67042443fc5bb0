package certificates

import (
	"fmt"
	"hash/fnv"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// RenewalInfo is what is known, beside the status, of when the server wishes the
// stored certificate to be renewed (RFC 9773).
type RenewalInfo struct {
	Served bool      // the issuer is an ACME server's, and it is asked
	Asking bool      // it is being asked
	Since  time.Time // when that began
	Answer *Answer   // what it said, and the status may not say yet
	// Hurried is how many renewals in a row began because of it.
	Hurried int
}

// Answer is what came of asking.
type Answer struct {
	Info acme.RenewalInfo
	// None is true when the server has no renewal information to give.
	None bool
	// Fault is what went wrong; empty when nothing did.
	Fault string
	// RetryAfter is when to ask again, as the server wishes; 0: it does not say.
	RetryAfter time.Duration
	At         time.Time
}

// Bounds of the contract (section 1.4) on how often a server is asked.
const (
	askEvery   = 6 * time.Hour
	askAtLeast = 7 * 24 * time.Hour
	askAtMost  = time.Hour
	askJitter  = 10 // a tenth, either way
	// askAgain is for a server that has none to give: it may have, one day.
	askAgain = 24 * time.Hour
	// answerPatience is how long the status of a new certificate waits for the
	// server's answer about it, which saves a write.
	answerPatience = time.Second
	// mostHurries in a row are prompt. A server whose window has always passed
	// must not have certificates issued without end: then one in an hour.
	mostHurries = 2
	hurryPause  = time.Hour

	reasonARIError = "ARIError"
)

// inquire asks the server when it is time to; nil when it is not. What has just
// been issued is asked about at once (RFC 9773, section 4.3).
func (o *Observed) inquire(now time.Time) Step {
	r := o.Renewal
	if !r.Served || o.fault.found() || pki.IsTemporary(o.Stored.Certificate, o.Certificate) || !o.askDue(now) {
		return nil
	}
	switch {
	case !r.Asking:
		return Inquire{}
	case o.settling() && now.Sub(r.Since) < answerPatience:
		return Rest{After: answerPatience - now.Sub(r.Since)}
	}
	return nil
}

func (o *Observed) askDue(now time.Time) bool {
	if a := o.Renewal.Answer; a != nil {
		return a.None && now.Sub(a.At) >= askAgain
	}
	at := o.nextAsk()
	return at.IsZero() || !now.Before(at)
}

// nextAsk is when the server is to be asked again; the zero time is now.
func (o *Observed) nextAsk() time.Time {
	if a := o.Renewal.Answer; a != nil && a.None {
		return a.At.Add(askAgain)
	}
	if told := o.told(); told != nil && told.NextCheck != nil {
		return told.NextCheck.Time
	}
	return time.Time{}
}

// told is what the status says of the stored certificate; nil when it says
// nothing, or speaks of the one before.
func (o *Observed) told() *cmapi.CertificateACMEARIStatus {
	if a := o.Certificate.Status.ACME; a != nil && !o.settling() {
		return a.ARI
	}
	return nil
}

// setRenewalInfo puts what the server said into the status.
func (o *Observed) setRenewalInfo(crt *cmapi.Certificate) {
	if !o.Renewal.Served {
		if o.settling() {
			crt.Status.ACME = nil
		}
		return
	}
	next := o.told().DeepCopy()
	if a := o.Renewal.Answer; a != nil && !a.None {
		next = a.status(next, o.Certificate)
	}
	crt.Status.ACME = nil
	if next != nil {
		crt.Status.ACME = &cmapi.CertificateACMEStatus{ARI: next}
	}
}

// status is an answer as the API says it. A fault leaves the window as it was.
func (a *Answer) status(was *cmapi.CertificateACMEARIStatus, crt *cmapi.Certificate) *cmapi.CertificateACMEARIStatus {
	next := was
	if next == nil {
		next = &cmapi.CertificateACMEARIStatus{}
	}
	next.LastError = a.Fault
	if a.Fault == "" {
		next.SuggestedWindow = &cmapi.ACMERenewalWindow{Start: stamp(a.Info.Start), End: stamp(a.Info.End)}
		next.ExplanationURL = a.Info.ExplanationURL
	}
	next.LastChecked, next.NextCheck = stamp(a.At), stamp(a.At.Add(a.wait(crt)))
	return next
}

// wait is how long to leave the server in peace: by its own wish within bounds,
// and not the same for all Certificates.
func (a *Answer) wait(crt *cmapi.Certificate) time.Duration {
	wait := a.RetryAfter
	switch {
	case wait == 0 && a.Fault != "":
		wait = askAtMost
	case wait == 0:
		wait = askEvery
	}
	wait = min(max(wait, askAtMost), askAtLeast)
	spread := wait / askJitter
	return wait - spread + fraction(2*spread, fmt.Sprintf("%s %d", crt.UID, a.At.Unix()))
}

// fraction is a part of d that is always the same for the same seed.
func fraction(d time.Duration, seed string) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(seed)) // a hash never fails
	if d <= 0 {
		return 0
	}
	return time.Duration(h.Sum64() % uint64(d))
}

// window is when the server wishes the stored certificate to be renewed.
func (o *Observed) window() (start, end time.Time, ok bool) {
	if !o.Renewal.Served {
		return start, end, false
	}
	if a := o.Renewal.Answer; a != nil && !a.None && a.Fault == "" {
		return a.Info.Start, a.Info.End, true
	}
	if told := o.told(); told != nil && told.SuggestedWindow != nil && told.SuggestedWindow.Start != nil && told.SuggestedWindow.End != nil {
		return told.SuggestedWindow.Start.Time, told.SuggestedWindow.End.Time, true
	}
	return start, end, false
}

// suggested is the instant in the server's window at which this Certificate is
// renewed: always the same for it, and different between Certificates (RFC 9773,
// section 4.2). One that has passed is now. end is that of the window.
func (o *Observed) suggested() (at, end time.Time, ok bool) {
	start, end, ok := o.window()
	if !ok {
		return at, end, false
	}
	at = start.Add(fraction(end.Sub(start), string(o.Certificate.UID))).Truncate(time.Second)
	if earliest := o.issuedAt().Add(hurryPause); o.Renewal.Hurried >= mostHurries && at.Before(earliest) {
		at = earliest
	}
	return at, end, true
}

// hurries reports whether the server wishes the renewal sooner than the spec.
func (o *Observed) hurries() bool {
	at, _, ok := o.suggested()
	return ok && o.Stored.Certificate != nil && at.Before(o.ownRenewal())
}

// replaces names the stored certificate to the server, where that takes part in
// renewal information and issued it itself.
func (o *Observed) replaces() string {
	if _, _, ok := o.window(); !ok || o.Secret == nil || o.Stored.Certificate == nil || secretHasIssuer(o).found() {
		return ""
	}
	id, err := acme.CertID(o.Stored.Certificate)
	if err != nil {
		return "" // it was issued all the same
	}
	return id
}

// troubled is the event for a server that begins to fail; nil when it does not.
func troubled(before, next *cmapi.Certificate) *Event {
	fault := func(crt *cmapi.Certificate) string {
		if crt.Status.ACME == nil || crt.Status.ACME.ARI == nil {
			return ""
		}
		return crt.Status.ACME.ARI.LastError
	}
	if fault(next) == "" || fault(before) != "" {
		return nil
	}
	return warning(reasonARIError, "The ACME server did not say when to renew; the spec's own time holds: "+fault(next))
}
