package orders

import (
	"fmt"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Observed is all that Next looks at.
type Observed struct {
	Order      *cmacme.Order
	Issuer     cmapi.GenericIssuer // nil when it does not exist
	Challenges []*cmacme.Challenge // of this Order

	QuietUntil time.Time // the server is not asked before
	LastAsked  time.Time // when the server was asked about the order
	Polls      int       // that it was asked since anything changed
	Restarts   int       // that the order was made anew
	Rival      string    // an Order under way that is served by the order we were given
	Remote     *Remote   // what the server said in this pass, nil before it was asked
}

// Remote is what the server says of an order.
type Remote struct {
	acme.Order
	// Gone is true when the server does not know the order, or no more.
	Gone bool
}

// Step is what is to be done next: one of the types below.
type Step interface{ step() }

type (
	// Rest leaves the Order alone until the next event or that time has passed.
	Rest struct{ After time.Duration }
	// Hold says in the status what the Order waits for.
	Hold struct {
		Reason string
		After  time.Duration
	}
	// Begin makes the order at the server, and writes down what is to be proved.
	Begin struct{ Again bool }
	// Prove makes Challenges.
	Prove struct{ Choices []Choice }
	// Withdraw deletes Challenges that are of no use any more.
	Withdraw struct{ Challenges []*cmacme.Challenge }
	// Ask asks the server about the order.
	Ask struct{}
	// Poll waits after the server was asked.
	Poll struct {
		After time.Duration
		Busy  bool // the server is at work, and not asked again before
	}
	// Finalize sends the CSR.
	Finalize struct{ Order acme.Order }
	// Collect fetches the certificate, and ends the Order with it.
	Collect struct{ Order acme.Order }
	// Fail ends the Order without a certificate.
	Fail struct {
		State  cmacme.State
		Reason string // empty: the server's words for it are to be fetched
		Else   string // what to say when there are none
		Solver bool   // no solver fits, which is told by an event
	}
)

func (Rest) step()     {}
func (Hold) step()     {}
func (Begin) step()    {}
func (Prove) step()    {}
func (Withdraw) step() {}
func (Ask) step()      {}
func (Poll) step()     {}
func (Finalize) step() {}
func (Collect) step()  {}
func (Fail) step()     {}

const (
	// mostRestarts bounds how often an order is made anew because the server
	// lost it, or nobody answered it: a server that loses each one must not be
	// asked for ever more.
	mostRestarts = 3
	// lookEvery is how often the server is asked about an order whose
	// Challenges take long: it may have expired meanwhile.
	lookEvery = time.Hour
	// firstPoll doubles with each one up to longestPoll. Most servers have a
	// certificate ready within one or two seconds.
	firstPoll   = 500 * time.Millisecond
	longestPoll = 30 * time.Second
	// mostPatience bounds what a server may ask for while it is at work.
	mostPatience = 10 * time.Minute
)

func unfinished(o *cmacme.Order) bool { return !api.ACMEFinal(o.Status.State) }

// Next decides on the one step to take.
func Next(o Observed, now time.Time) Step {
	switch {
	case o.Order.DeletionTimestamp != nil: // its Challenges go with it
		return Rest{}
	case !unfinished(o.Order):
		return o.clean()
	}
	if why := o.unserved(); why != "" {
		return Hold{Reason: why}
	}
	if o.Order.Status.URL == "" {
		return o.begin(now)
	}
	return o.prove(now)
}

// clean removes the Challenges of an Order at its end.
func (o *Observed) clean() Step {
	if left := living(o.Challenges); len(left) > 0 {
		return Withdraw{left}
	}
	return Rest{}
}

// unserved is why nothing can be done for an Order before its issuer changes.
// An issuer that is not ready holds up only what has not begun: what is under
// way may still succeed.
func (o *Observed) unserved() string {
	ref := o.Order.Spec.IssuerRef
	switch {
	case o.Issuer == nil:
		return fmt.Sprintf(issuerPrefix+"%s does not exist: create it", api.DescribeIssuer(ref))
	case o.Issuer.GetSpec().ACME == nil:
		return fmt.Sprintf(issuerPrefix+"%s is not an ACME issuer any more: give it spec.acme back, or delete the Order", api.DescribeIssuer(ref))
	case o.Order.Status.URL == "" && !api.IssuerReady(o.Issuer):
		return fmt.Sprintf(issuerPrefix+"%s is not ready: see its status", api.DescribeIssuer(ref))
	}
	return ""
}

const issuerPrefix = "spec.issuerRef: "

func (o *Observed) begin(now time.Time) Step {
	dns, ips := api.OrderNames(&o.Order.Spec)
	switch {
	case len(dns)+len(ips) == 0:
		return Fail{State: cmacme.Errored, Reason: "spec.dnsNames, spec.ipAddresses: there is no name to order a certificate for: name at least one"}
	case o.Rival != "":
		return Hold{Reason: fmt.Sprintf("Waiting for Order %q, which the ACME server serves by the same order", o.Rival), After: rivalCheck}
	case now.Before(o.QuietUntil):
		return Rest{After: o.QuietUntil.Sub(now)}
	}
	return Begin{}
}

// rivalCheck is how often a rival is looked at, in the cache.
const rivalCheck = 5 * time.Second

// prove sees to the Challenges, until every authorization is valid.
func (o *Observed) prove(now time.Time) Step {
	if o.Remote != nil {
		return o.answered(now)
	}
	if o.failed() != nil { // which may be so because the server lost the order
		return o.askOrWait(now)
	}
	p, fault := o.plan()
	switch {
	case fault != "":
		return Fail{State: cmacme.Errored, Reason: fault, Solver: true}
	case len(p.unwanted) > 0:
		return Withdraw{p.unwanted}
	case len(p.missing) > 0:
		return Prove{p.missing}
	case strings.HasPrefix(o.Order.Status.Reason, issuerPrefix): // it is served again
		return Hold{}
	}
	if said := o.stuck(); p.open && said != o.Order.Status.Reason && (said != "" || strings.HasPrefix(o.Order.Status.Reason, proofPrefix)) {
		return Hold{Reason: said}
	}
	if p.open && now.Sub(o.LastAsked) < lookEvery {
		return Rest{After: lookEvery - now.Sub(o.LastAsked)}
	}
	return o.askOrWait(now)
}

const proofPrefix = "Waiting for the proof of "

// stuck passes on what a Challenge says it waits for, so that it is read also
// where people look first: the request and the Certificate tell it in turn.
func (o *Observed) stuck() string {
	if ch := o.teller(false); ch != nil {
		return fmt.Sprintf("%s%s by %s: %s", proofPrefix, api.ProvedName(ch), ch.Spec.Type, ch.Status.Reason)
	}
	if ch := o.teller(true); ch != nil { // its successor is made when it is gone
		return fmt.Sprintf("%s%s by %s to be taken away: %s", proofPrefix, api.ProvedName(ch), ch.Spec.Type, ch.Status.Reason)
	}
	return ""
}

// teller is the Challenge by the first name that says what it waits for, of
// those that are being deleted or of all others; nil when none does.
func (o *Observed) teller(leaving bool) (first *cmacme.Challenge) {
	for _, ch := range o.Challenges {
		told := o.current(ch) && !api.ACMEFinal(ch.Status.State) && ch.Status.Reason != "" && leaving == (ch.DeletionTimestamp != nil)
		if told && (first == nil || api.ProvedName(ch) < api.ProvedName(first)) {
			first = ch
		}
	}
	return first
}

func (o *Observed) askOrWait(now time.Time) Step {
	if now.Before(o.QuietUntil) {
		return Rest{After: o.QuietUntil.Sub(now)}
	}
	return Ask{}
}

// failed is the first Challenge that came to nothing, or nil.
func (o *Observed) failed() *cmacme.Challenge {
	for _, ch := range o.Challenges {
		if s := ch.Status.State; api.ACMEFinal(s) && s != cmacme.Valid && o.current(ch) {
			return ch
		}
	}
	return nil
}

// interrupted reports a proof that failed for want of anybody who answered.
func (o *Observed) interrupted() bool {
	ch := o.failed()
	return ch != nil && strings.HasPrefix(ch.Status.Reason, api.Interrupted)
}

// current reports whether a Challenge is for an authorization of this order,
// and not of one that the server has lost.
func (o *Observed) current(ch *cmacme.Challenge) bool {
	for _, a := range o.Order.Status.Authorizations {
		if a.URL == ch.Spec.AuthorizationURL {
			return true
		}
	}
	return false
}

// lost ends an Order for which a name could not be proved. Where the Challenge
// does not say why, the server may.
func lost(ch *cmacme.Challenge) Fail {
	if ch.Status.Reason == "" {
		return Fail{State: ch.Status.State}
	}
	return Fail{State: ch.Status.State, Reason: fmt.Sprintf("%s could not be proved by %s: %s", api.ProvedName(ch), ch.Spec.Type, ch.Status.Reason)}
}

// answered acts on what the server says.
func (o *Observed) answered(now time.Time) Step {
	r := o.Remote
	switch {
	case (r.Gone || o.interrupted()) && o.Restarts < mostRestarts:
		return Begin{Again: true}
	case r.Gone:
		return Fail{State: cmacme.Errored, Reason: "The ACME server does not know the order any more, time and again: see whether the server keeps its state"}
	case r.State == acme.Ready:
		return Finalize{r.Order}
	case r.State == acme.Valid && r.CertificateURL != "":
		return Collect{r.Order}
	case r.State == acme.Invalid:
		return o.invalid(now)
	}
	if ch := o.failed(); ch != nil {
		return lost(ch)
	}
	if !r.Expires.IsZero() && !now.Before(r.Expires) && r.State == acme.Pending {
		return Fail{State: cmacme.Expired, Reason: messageExpired}
	}
	if p, _ := o.plan(); p.open && r.State == acme.Pending {
		return Poll{After: lookEvery}
	}
	return Poll{After: o.patience(), Busy: true}
}

const messageExpired = "The order expired at the ACME server before all names were proved"

func (o *Observed) invalid(now time.Time) Step {
	r := o.Remote
	ch := o.failed()
	switch {
	case ch != nil && ch.Status.Reason != "":
		f := lost(ch)
		f.State = cmacme.Invalid
		return f
	case r.Problem != nil:
		return Fail{State: cmacme.Invalid, Else: "The ACME server says: " + r.Problem.Error()}
	case !r.Expires.IsZero() && !now.Before(r.Expires):
		return Fail{State: cmacme.Expired, Reason: messageExpired}
	}
	return Fail{State: cmacme.Invalid}
}

// patience is how long to leave the server to its work.
func (o *Observed) patience() time.Duration {
	if told := o.Remote.RetryAfter; told > 0 {
		return min(max(told, firstPoll), mostPatience)
	}
	return min(firstPoll<<min(o.Polls, 10), longestPoll)
}

// living are the Challenges that nobody has deleted yet.
func living(all []*cmacme.Challenge) []*cmacme.Challenge {
	var left []*cmacme.Challenge
	for _, ch := range all {
		if ch.DeletionTimestamp == nil {
			left = append(left, ch)
		}
	}
	return left
}
