package challenges

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Observed is all that Next looks at.
type Observed struct {
	Challenge *cmacme.Challenge
	// Blocked says what is in the way of asking the server or the solver, and
	// how to mend it; empty when nothing is.
	Blocked string
	// Server is what is known of the server's side.
	Server Server
	// Runs are what is known of the solver's work.
	Runs [verbs]Run
	// Told is true when the Presented event was sent.
	Told bool
	// CheckPeriod lies between two self checks.
	CheckPeriod time.Duration
}

// Server is what the ACME server said in this turn.
type Server struct {
	// State is the authorization's; empty when it was not asked yet.
	State acme.State
	// End is the state of the challenge that it makes for; empty before that.
	End cmacme.State
	// Words are the server's, about an end that is not valid.
	Words string
	// Accepted is true once the server was told to look.
	Accepted bool
	// Again is when to ask again.
	Again time.Time
	// Looks is how often it was asked since then.
	Looks int
	// Trouble is why it could not be asked; empty when it could.
	Trouble string
	// Paused is until when it asked not to be asked.
	Paused time.Time
}

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest waits for an event, or for as long as After says if it is not 0.
	Rest struct{ After time.Duration }
	// Write stores a status and then tells of it.
	Write struct {
		Status cmacme.ChallengeStatus
		Events []Event
	}
	// Tell sends the event that it was presented.
	Tell struct{ Event }
	// Adopt adds the finalizer, so that nothing stays behind.
	Adopt struct{}
	// Free takes the finalizers away. Left, if not empty, is what stays behind.
	Free struct{ Left string }
	// Ask asks the server for the authorization.
	Ask struct{}
	// Accept tells the server to look.
	Accept struct{}
	// Start has the solver do something, beside the workers.
	Start struct{ Verb }
)

func (Rest) step()   {}
func (Write) step()  {}
func (Tell) step()   {}
func (Adopt) step()  {}
func (Free) step()   {}
func (Ask) step()    {}
func (Accept) step() {}
func (Start) step()  {}

// Event is told of the challenge.
type Event struct {
	Warning         bool
	Reason, Message string
}

// Next decides on the one step to take.
func Next(o Observed, now time.Time) Step {
	status := o.Challenge.Status
	switch {
	case o.Challenge.DeletionTimestamp != nil:
		return leave(o, now)
	case api.ACMEFinal(status.State):
		return end(o, status.State, status.Reason, now)
	case !status.Processing:
		return Rest{}
	case o.Blocked != "":
		return say(o, o.Blocked, Rest{After: blockedPause})
	case o.Server.End != "":
		return end(o, o.Server.End, o.Server.Words, now)
	case now.Before(o.Server.Paused):
		return paused(o, now)
	case o.Server.Trouble != "":
		return say(o, o.Server.Trouble, Ask{})
	case o.Server.State == "":
		return Ask{}
	case o.Server.Accepted:
		return waitUntil(o.Server.Again, now, Ask{})
	default:
		return prove(o, now)
	}
}

// blockedPause is the net under the event that tells of what was in the way.
const blockedPause = time.Minute

// short is a wait that nobody needs to be told of.
const short = 5 * time.Second

func paused(o Observed, now time.Time) Step {
	wait := Rest{After: o.Server.Paused.Sub(now)}
	if wait.After <= short {
		return wait
	}
	return say(o, o.Server.Trouble, wait)
}

// presentAgain is after how long a proof that nobody sees is presented anew:
// somebody may have taken it away.
const presentAgain = 5 * time.Minute

// presentPauses lie between tries to present.
var presentPauses = []time.Duration{time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}

// prove brings the proof to where the server will look for it.
func prove(o Observed, now time.Time) Step {
	present, visible := o.Runs[Present], o.Runs[Visible]
	switch {
	case !slices.ContainsFunc(o.Challenge.Finalizers, isOurs):
		return Adopt{}
	case present.Running || visible.Running:
		return Rest{}
	case present.failed():
		return sayWith(o, "cannot present the proof: "+present.Err.Error(), "PresentError", waitUntil(present.again(presentPauses), now, Start{Present}))
	case present.never(), visible.failed() && now.Sub(present.Ended) > presentAgain:
		return Start{Present}
	case !o.Told && !o.Challenge.Status.Presented:
		return Tell{Event{Reason: "Presented", Message: fmt.Sprintf("Presented the proof of %q for %s", api.ProvedName(o.Challenge), o.Challenge.Spec.Type)}}
	case o.Challenge.Spec.Solver.WaitInsteadOfSelfCheck != nil:
		return waitInstead(o, o.Challenge.Spec.Solver.WaitInsteadOfSelfCheck.Duration, now)
	case visible.never():
		return Start{Visible}
	case visible.done():
		return Accept{}
	default:
		return notVisible(o, visible, now)
	}
}

// waitInstead trusts that the proof is seen after a time, which is counted
// from when it was presented first.
func waitInstead(o Observed, d time.Duration, now time.Time) Step {
	status := o.Challenge.Status
	switch {
	case d <= 0:
		return Accept{}
	case status.PresentedAt == nil:
		return Write{Status: presented(o, fmt.Sprintf("presented; the server is asked %s later, without a self check (spec.solver.waitInsteadOfSelfCheck)", d))}
	default:
		return waitUntil(status.PresentedAt.Add(d), now, Accept{})
	}
}

// quiet is how many self checks fail before anybody is told: that a proof is
// not seen in the first eight seconds is no news, and would cost a write each
// of the Challenge, its Order, the request and the Certificate.
const quiet = 4

// notVisible waits for the next self check, for as long as it takes.
func notVisible(o Observed, visible Run, now time.Time) Step {
	pauses := []time.Duration{min(time.Second, o.CheckPeriod), min(2*time.Second, o.CheckPeriod), min(5*time.Second, o.CheckPeriod), o.CheckPeriod}
	wait := waitUntil(visible.again(pauses), now, Start{Visible})
	if visible.Failed < quiet {
		return wait
	}
	return orWrite(o, presented(o, "the self check does not pass yet: "+visible.Err.Error()), nil, wait)
}

// presented is the status of a challenge that has something to wait for.
func presented(o Observed, reason string) cmacme.ChallengeStatus {
	status := o.Challenge.Status
	status.State, status.Reason, status.Presented = cmacme.Pending, reason, true
	if ended := o.Runs[Present].Ended; status.PresentedAt == nil && !ended.IsZero() {
		at := metav1.NewTime(ended.Truncate(time.Second))
		status.PresentedAt = &at
	}
	return status
}

// say puts a reason into the status, and does then what follows.
func say(o Observed, reason string, then Step) Step { return sayWith(o, reason, "", then) }

// sayWith is say with a warning of that name.
func sayWith(o Observed, reason, warning string, then Step) Step {
	status := o.Challenge.Status
	status.State, status.Reason = cmacme.Pending, reason
	if warning == "" {
		return orWrite(o, status, nil, then)
	}
	return orWrite(o, status, []Event{{true, warning, reason}}, then)
}

// orWrite writes a status unless it is what is stored.
func orWrite(o Observed, status cmacme.ChallengeStatus, events []Event, then Step) Step {
	if was := o.Challenge.Status; same(was, status) {
		return then
	}
	return Write{status, events}
}

func same(a, b cmacme.ChallengeStatus) bool {
	at := a.PresentedAt.Equal(b.PresentedAt)
	a.PresentedAt, b.PresentedAt = nil, nil
	return at && a == b
}

// waitUntil does a step when its time has come.
func waitUntil(t, now time.Time, then Step) Step {
	if now.Before(t) {
		return Rest{After: t.Sub(now)}
	}
	return then
}

// PhaseOf tells how far the turn of a challenge has come, for who gives out
// the places.
func PhaseOf(o Observed, now time.Time) Phase {
	present, visible := o.Runs[Present], o.Runs[Visible]
	longer := o.Challenge.Spec.Solver.WaitInsteadOfSelfCheck
	switch {
	case api.ACMEFinal(o.Challenge.Status.State), o.Challenge.DeletionTimestamp != nil:
		return Working // it is being cleaned up
	case o.Blocked != "", o.Server.Trouble != "", now.Add(short).Before(o.Server.Paused):
		return Stuck
	case o.Server.Accepted:
		return Validating
	case present.failed(), visible.Failed > 1: // the route to a proof may take a second
		return Stuck
	case present.done() && longer != nil && longer.Duration > short:
		return Stuck
	default:
		return Working
	}
}

// isFault reports an error that lasts until somebody mends something.
func isFault(err error) bool {
	var fault *Fault
	return errors.As(err, &fault)
}
