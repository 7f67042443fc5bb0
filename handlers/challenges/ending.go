package challenges

import (
	"fmt"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

const (
	// patience is how long an end waits for its clean-up, so that both are one
	// write. Longer than that the Order is not kept waiting.
	patience = time.Second
	// stayTries and stayTime are how long an object that is being deleted is
	// kept back by a clean-up that fails: by one that only somebody can mend,
	// such as a Secret that was deleted together with it, about two minutes,
	// or seconds where nothing is known to have been presented; and by any
	// other, which may be an outage, an hour.
	stayTries      = 6
	stayTriesUnput = 3
	stayTime       = time.Hour
)

// removePauses lie between tries to clean up.
var removePauses = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute, 5 * time.Minute}

// end brings a challenge to its end: cleaned up, and then without a place. A
// clean-up that fails goes on without one.
func end(o Observed, state cmacme.State, reason string, now time.Time) Step {
	was, r := o.Challenge.Status, o.Runs[Remove]
	next := was
	next.State, next.Reason = state, reason
	events := endEvents(o, state, reason)
	switch {
	case was.State == state && !was.Processing && !was.Presented:
		return Rest{}
	case r.Running && was.State != state && now.Before(r.Began.Add(patience)):
		return Rest{After: r.Began.Add(patience).Sub(now)}
	case r.Running:
		next.Presented = true // as far as anybody knows
		return orWrite(o, next, events, Rest{})
	case r.never():
		return Start{Remove}
	case r.done():
		next.Processing, next.Presented = false, false
		return orWrite(o, next, events, Rest{})
	}
	next.Processing, next.Presented = false, true
	return orWrite(o, next, append(events, cleanUpError(r.Err)), waitUntil(r.again(removePauses), now, Start{Remove}))
}

// endEvents tells of an end that is new.
func endEvents(o Observed, state cmacme.State, reason string) []Event {
	ch := o.Challenge
	switch {
	case ch.Status.State == state:
		return nil
	case state == cmacme.Valid:
		return []Event{{Reason: "DomainVerified", Message: fmt.Sprintf("%q is proved by %s", api.ProvedName(ch), ch.Spec.Type)}}
	default:
		return []Event{{true, "Failed", fmt.Sprintf("%q is not proved by %s: %s", api.ProvedName(ch), ch.Spec.Type, reason)}}
	}
}

func cleanUpError(err error) Event {
	return Event{true, "CleanUpError", "cannot take the proof away: " + err.Error()}
}

// leave lets a challenge that is being deleted go, once nothing of it is left.
func leave(o Observed, now time.Time) Step {
	status, r := o.Challenge.Status, o.Runs[Remove]
	untouched := !status.Processing && !status.Presented && status.State != cmacme.Pending
	switch {
	case !slices.ContainsFunc(o.Challenge.Finalizers, isOurs):
		return Rest{}
	case untouched || r.done():
		return Free{}
	case r.Running:
		return Rest{}
	case r.never():
		return Start{Remove}
	case isFault(r.Err) && r.Failed >= triesOf(o), now.Sub(o.Challenge.DeletionTimestamp.Time) > stayTime:
		return Free{Left: r.Err.Error()}
	}
	// Its place goes to who can use it.
	status.Processing, status.Presented = false, true
	status.Reason = "cannot take the proof away: " + r.Err.Error()
	return orWrite(o, status, []Event{cleanUpError(r.Err)}, waitUntil(r.again(removePauses), now, Start{Remove}))
}

// triesOf is how often a faulty clean-up is tried.
func triesOf(o Observed) int {
	if o.Challenge.Status.PresentedAt == nil && !o.Runs[Present].done() {
		return stayTriesUnput
	}
	return stayTries
}

// isOurs tells the finalizers of challenges, also that of older versions.
func isOurs(finalizer string) bool {
	return finalizer == cmacme.ACMEDomainQualifiedFinalizer || finalizer == cmacme.ACMELegacyFinalizer
}
