package orders

import (
	"context"
	"errors"
	"fmt"
	"hash/fnv"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/lag"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

const (
	// saidAfter is how many transient faults in a row are not worth a write.
	saidAfter = 3
	// firstRetry doubles with each transient fault in a row up to longestRetry:
	// a network that is back is found out within the minute.
	firstRetry   = time.Second
	longestRetry = time.Minute
	// accountWait is how long to leave the issuer for registering again, should
	// its event not come.
	accountWait = time.Minute
	// accountQuiet is for how long the event of the reason is no cause to ask again.
	accountQuiet = 2 * time.Second
	// afterPause spreads the Orders that a pause held up.
	afterPause = 5 * time.Second
	// sameTime is how far two tellings of one pause may be apart.
	sameTime = 2 * time.Minute
)

func is(err error, c acme.Class) bool {
	var e *acme.Error
	return errors.As(err, &e) && e.Class == c
}

// transient is a fault taken for one that passes.
func transient(err error) error {
	var e *acme.Error
	if !errors.As(err, &e) {
		return err
	}
	again := *e
	again.Class = acme.Transient
	return &again
}

// fault acts on what went wrong at the server or on the way to it, by its class.
func (h *Handler) fault(ctx context.Context, o Observed, err error) (queue.Result, error) {
	var issuer *acme.Fault
	if errors.As(err, &issuer) { // the issuer's event tells when it is mended, unless only our cache of its Secret lags
		return queue.Result{After: lag.Net}, h.say(ctx, o.Order, issuerPrefix+issuer.Message)
	}
	var e *acme.Error
	if !errors.As(err, &e) {
		return queue.Result{}, err
	}
	switch e.Class {
	case acme.Paused:
		return h.pause(ctx, o, e)
	case acme.Refused, acme.Gone: // gone where nothing but the order could be
		return queue.Result{}, h.fail(ctx, o, Fail{State: cmacme.Errored, Reason: "The ACME server refused: " + e.Error()})
	case acme.NoAccount:
		return h.noAccount(ctx, o)
	}
	return h.passing(ctx, o, e)
}

// passing waits out a fault that passes, ever longer. The time counts also for
// the event of the reason that is written meanwhile.
func (h *Handler) passing(ctx context.Context, o Observed, e *acme.Error) (queue.Result, error) {
	faults, wait := 0, time.Duration(0)
	h.memory.change(o.Order, func(r *recollection) {
		wait = min(firstRetry<<min(r.faults, 10), longestRetry)
		r.faults++
		faults, r.quiet = r.faults, h.Clock.Now().Add(wait)
	})
	if faults >= saidAfter {
		if err := h.say(ctx, o.Order, "Trying again: "+e.Error()); err != nil {
			return queue.Result{}, errors.Join(e, err)
		}
	}
	return queue.Result{}, queue.RetryAfter(e, wait)
}

// pause waits until the time that the server named. It costs no issuance.
func (h *Handler) pause(ctx context.Context, o Observed, e *acme.Error) (queue.Result, error) {
	now := h.Clock.Now()
	wait := max(e.RetryAfter, time.Second)
	until := now.Add(wait).Add(spread(o.Order))
	h.memory.change(o.Order, func(r *recollection) { r.quiet = until })
	if err := h.say(ctx, o.Order, pausedText(o.Order.Status.Reason, now.Add(wait), e)); err != nil {
		return queue.Result{}, err
	}
	return queue.Result{}, queue.RetryAfter(e, until.Sub(now))
}

const pausePrefix = "The ACME server has the account wait until "

// pausedText names the time in whole minutes, and keeps what it said of about
// the same time before: each answer tells what is left in its own way.
func pausedText(said string, until time.Time, e *acme.Error) string {
	if rest, ok := strings.CutPrefix(said, pausePrefix); ok {
		text, _, _ := strings.Cut(rest, " (")
		if was, err := time.Parse(time.RFC3339, text); err == nil && was.Sub(until).Abs() <= sameTime {
			return said
		}
	}
	return fmt.Sprintf("%s%s (%s)", pausePrefix, until.Add(time.Minute-1).Truncate(time.Minute).UTC().Format(time.RFC3339), e.Error())
}

func spread(o *cmacme.Order) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(o.UID)) // a hash never fails
	return time.Duration(h.Sum64() % uint64(afterPause))
}

// noAccount waits for the issuer to register again.
func (h *Handler) noAccount(ctx context.Context, o Observed) (queue.Result, error) {
	h.memory.change(o.Order, func(r *recollection) { r.quiet = h.Clock.Now().Add(accountQuiet) })
	return queue.Result{After: accountWait}, h.say(ctx, o.Order, fmt.Sprintf(
		"The ACME server does not know the account of %s: waiting for it to be registered", api.DescribeIssuer(o.Order.Spec.IssuerRef)))
}
