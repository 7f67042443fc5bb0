package queue

import (
	"context"
	"errors"
	"fmt"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// Handler brings one object a step nearer to what its spec asks. Calls for
// equal keys never overlap. A second call on the state the first one left makes
// no write and no outside call.
//
// The context carries a logger with the key's kind, object and attempt on it
// (klog.FromContext). It outlives the signal to stop by the grace time, so that
// a step begun is normally a step finished.
type Handler interface {
	Handle(ctx context.Context, key Key) (Result, error)
}

// HandlerFunc lets a function be a Handler.
type HandlerFunc func(ctx context.Context, key Key) (Result, error)

// Handle calls f.
func (f HandlerFunc) Handle(ctx context.Context, key Key) (Result, error) { return f(ctx, key) }

// Result is what a handler without an error wants. The zero Result is Done:
// the next event wakes the key.
type Result struct {
	// After has the key handled again when that time has passed, or earlier.
	// Zero is "not by the clock". A Result beside an error is ignored.
	After time.Duration
	// Beside, when not nil, goes on with the call beside the workers; After is
	// ignored then.
	Beside *Beside
}

// Terminal marks an error that is in the object's status already and that
// trying again cannot help. The worker logs it once and lets the key rest until
// the next event. Terminal(nil) is nil. The mark survives wrapping with %w;
// where marks are nested or joined, the one that errors.As meets first counts.
func Terminal(err error) error {
	if err == nil {
		return nil
	}
	return &marked{error: err, terminal: true}
}

// IsTerminal reports whether err is marked by Terminal.
func IsTerminal(err error) bool {
	mark, ok := errors.AsType[*marked](err)
	return ok && mark.terminal
}

// RetryAfter marks an error for which the other side named the delay (an HTTP
// Retry-After, an ACME rate limit). The worker tries again after d instead of
// after the kind's back-off; a d that is not positive leaves an ordinary error.
// RetryAfter(nil, d) is nil: to wait without an error, return Result{After: d}.
func RetryAfter(err error, d time.Duration) error {
	if err == nil {
		return nil
	}
	return &marked{error: err, delay: d}
}

// RetryDelay gives the delay that RetryAfter put on err, and whether it did.
func RetryDelay(err error) (time.Duration, bool) {
	mark, ok := errors.AsType[*marked](err)
	if !ok || mark.terminal {
		return 0, false
	}
	return mark.delay, true
}

// marked is an error with a class; its text is that of the error alone, so that
// a mark never shows in a status.
type marked struct {
	error
	terminal bool
	delay    time.Duration
}

func (m *marked) Unwrap() error { return m.error }

// panicError is a handler's panic on its way to the outcome table.
type panicError struct {
	value any
	stack []byte
}

func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

// outcome is a row of the outcome table.
type outcome string

const (
	done     outcome = "done"
	later    outcome = "later"
	overdue  outcome = "overdue" // asked for a time that has passed
	terminal outcome = "terminal"
	told     outcome = "told" // the other side named the delay
	conflict outcome = "conflict"
	failed   outcome = "failed"
	panicked outcome = "panicked"
	cutOff   outcome = "cut-off"
)

// classify finds the row for what a handler returned, and the wait it asks for.
// Its last argument says whether the handlers' context has been cancelled: an
// error is then taken for the cancellation's, in whatever words the libraries
// in between have put it. A panic and a Terminal stand for themselves.
func classify(result Result, err error, cancelled bool) (outcome, time.Duration) {
	if err == nil {
		return classifyResult(result)
	}
	delay, _ := RetryDelay(err)
	_, crashed := errors.AsType[*panicError](err)
	switch {
	case crashed:
		return panicked, 0
	case IsTerminal(err):
		return terminal, 0
	case cancelled:
		return cutOff, 0
	case delay > 0:
		return told, delay
	case apierrors.IsConflict(err):
		return conflict, 0
	}
	return failed, 0
}

func classifyResult(result Result) (outcome, time.Duration) {
	switch {
	case result.After > 0:
		return later, result.After
	case result.After < 0:
		return overdue, 0
	}
	return done, 0
}

// isFailure says whether an operator would call the outcome an error.
func (o outcome) isFailure() bool {
	switch o {
	case terminal, told, failed, panicked:
		return true
	}
	return false
}

// isRetried says whether the outcome has the same step tried again.
func (o outcome) isRetried() bool {
	switch o {
	case told, conflict, failed, panicked, overdue:
		return true
	}
	return false
}
