package certificates

import (
	"fmt"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// Next decides on the one step to take.
func Next(o Observed, now time.Time) Step {
	crt := o.Certificate
	switch {
	case crt.DeletionTimestamp != nil:
		return o.farewell(now)
	case o.Invalid != "":
		return o.refuse(finding(reasonInvalidSpec, "%s", o.Invalid), reasonInvalidSpec, now)
	case o.Owner != crt.Name:
		return o.refuse(finding(reasonIncorrectCert,
			"spec.secretName: Secret %q belongs to Certificate %q: choose another name, or delete one of the two", crt.Spec.SecretName, o.Owner), reasonIncorrectCert, now)
	}
	o.fault = inspect(&o)
	due := o.fault
	if !due.found() {
		due = nearsEnd(&o, now)
	}
	wished := api.CertificateIs(crt, cmapi.CertificateConditionIssuing) && !o.settling()
	switch {
	case o.settling(), !due.found() && !wished: // what is stored is settled before anything new begins
		return o.keep(now)
	case o.keyStuck():
		return o.refuse(o.stuck(due), reasonCannotRegenerate, now)
	case !wished && now.Before(backoffEnd(&o)):
		return o.keep(now)
	case !wished && due.mends() && o.Next == nil && now.Before(o.Damped):
		return o.keep(now)
	}
	return o.issue(due, now)
}

// settling reports whether the next revision is stored, and only the status
// does not say so yet.
func (o *Observed) settling() bool {
	was := o.Certificate.Status.Revision
	return o.Revision > 0 && (was == nil || *was != o.Revision)
}

func (o *Observed) stuck(due Finding) Finding {
	return finding(reasonSecretMismatch,
		"%s: spec.privateKey.rotationPolicy is Never, so the key in Secret %q must stay: set it to Always, or set the spec back, or delete the Secret",
		due.Message, o.Certificate.Spec.SecretName)
}

// refuse writes that nothing can be done before a person changes something.
func (o *Observed) refuse(f Finding, event string, now time.Time) Step {
	next := o.status(f, now)
	endIssuing(next)
	if same(o.Certificate, next) {
		return o.clean(Rest{After: o.untilExpiry(now)})
	}
	return Settle{Certificate: next, Event: warning(event, f.Message)}
}

// issue takes the next step towards the certificate of the next revision.
func (o *Observed) issue(due Finding, now time.Time) Step {
	switch {
	case o.Next == nil && o.Blocker != nil:
		return o.blocked(due, now)
	case o.Next == nil:
		return o.request(due, now)
	}
	failure := failureOf(o.Next)
	switch {
	case len(pki.RequestViolations(o.Next, o.Certificate)) > 0:
		return Discard{o.Next}
	case failure != nil && o.recorded(o.Next):
		return Discard{o.Next}
	case failure != nil:
		return o.fail(failure.Reason, failure.Message, now)
	case !o.keyIsOf(o.Next):
		return Discard{o.Next} // its key went with an earlier process
	case api.RequestIssued(o.Next):
		return o.store(now)
	default:
		return o.wait(due, now)
	}
}

// request makes the way for a request, and then the request.
func (o *Observed) request(due Finding, now time.Time) Step {
	if o.Path == Slow || o.Path == Remote && api.CertificateIs(o.Certificate, cmapi.CertificateConditionIssuing) {
		if begun := o.begun(due, due.Message, now); !same(o.Certificate, begun) {
			return o.begin(begun)
		}
	}
	if o.Path != Immediate && !o.KeyKept {
		return o.keepKey(due)
	}
	r := Request{Revision: o.Revision + 1, Mends: o.mends(due)}
	if !api.CertificateIs(o.Certificate, cmapi.CertificateConditionIssuing) {
		r.Event = normal(reasonIssuing, due.Message)
	}
	return r
}

// begin tells of an issuance when it begins, and not again as it goes on.
func (o *Observed) begin(next *cmapi.Certificate) Step {
	s := Settle{Certificate: next}
	told := o.Path == Remote && o.Next != nil // when the request was made
	if !told && !api.CertificateIs(o.Certificate, cmapi.CertificateConditionIssuing) {
		s.Event = normal(reasonIssuing, api.CertificateCondition(next, cmapi.CertificateConditionIssuing).Message)
	}
	return s
}

// keepKey makes room for the key's Secret under its name first.
func (o *Observed) keepKey(due Finding) Step {
	if unfit := keySecret(o); unfit != nil {
		return Drop{unfit}
	}
	return KeepKey{Mends: o.mends(due)}
}

func (o *Observed) mends(due Finding) bool {
	return due.mends() && o.Certificate.Status.Revision != nil
}

// wait leaves a request to its signer. One that takes longer than a pass is
// told of in the status, and its key put where a restart finds it.
func (o *Observed) wait(due Finding, now time.Time) Step {
	pending := api.RequestCondition(o.Next, cmapi.CertificateRequestConditionReady)
	if o.Path != Slow && o.Path != Remote && pending == nil {
		return Rest{}
	}
	if !o.KeyKept {
		return o.keepKey(due)
	}
	if left := o.untilTold(now); left > 0 {
		if o.wantsTemporary() {
			return Temporize{}
		}
		return Rest{After: left}
	}
	message := due.Message
	if said := o.waitedFor(pending, now); said != "" {
		message = fmt.Sprintf("Waiting for CertificateRequest %q: %s", o.Next.Name, said)
		if due.found() {
			message = due.Message + ". " + message
		}
	}
	if begun := o.begun(due, message, now); !same(o.Certificate, begun) {
		return o.begin(begun)
	}
	if o.wantsTemporary() {
		return Temporize{}
	}
	if left := o.untilSilent(pending, now); left > 0 {
		return Rest{After: left}
	}
	return Rest{After: o.untilExpiry(now)}
}

// progressAfter is how long a server may take before anything is written about
// it: within that most have answered, a public ACME server too, and two writes
// are saved.
const progressAfter = 8 * time.Second

// untilTold is how long nothing is written yet of an issuance by a server.
func (o *Observed) untilTold(now time.Time) time.Duration {
	if o.Path != Remote || api.CertificateIs(o.Certificate, cmapi.CertificateConditionIssuing) {
		return 0
	}
	began := o.Began
	if began.IsZero() { // with an earlier process
		began = o.Next.CreationTimestamp.Time
	}
	return min(began.Add(progressAfter).Sub(now), progressAfter) // whatever the API server's clock says
}

// wantsTemporary reports whether a temporary certificate is asked for and
// would not displace anything that works, or another one for the same key.
func (o *Observed) wantsTemporary() bool {
	if o.Certificate.Annotations[cmapi.IssueTemporaryCertificateAnnotation] != "true" {
		return false
	}
	leaf := o.Stored.Certificate
	if leaf == nil || o.Stored.Key == nil || !pki.SamePublicKey(o.Stored.Key.Public(), leaf.PublicKey) {
		return true
	}
	return pki.IsTemporary(leaf, o.Certificate) && !pki.SamePublicKey(leaf.PublicKey, o.Key.Public())
}

// store checks what was issued before it takes the place of what is stored.
func (o *Observed) store(now time.Time) Step {
	var fault string
	chain, err := pki.ParseCertificates(o.Next.Status.Certificate)
	switch {
	case err != nil:
		fault = "The issuer's answer cannot be read: " + err.Error()
	case !pki.SamePublicKey(chain[0].PublicKey, o.Key.Public()):
		fault = "The issuer certified another key than the one requested"
	case !now.Before(chain[0].NotAfter):
		fault = "The issuer's certificate expired on " + chain[0].NotAfter.UTC().Format(time.RFC1123) + ", before it could be stored"
	default:
		return Store{o.Next}
	}
	if o.recorded(o.Next) {
		return Discard{o.Next}
	}
	return o.fail(reasonInvalidCert, fault, now)
}

// failureOf is the condition that ended a request without a certificate, or
// nil. A denial counts also where the signer has not said so, or has signed
// all the same.
func failureOf(cr *cmapi.CertificateRequest) *cmapi.CertificateRequestCondition {
	if api.RequestIs(cr, cmapi.CertificateRequestConditionDenied) {
		return api.RequestCondition(cr, cmapi.CertificateRequestConditionDenied)
	}
	return api.RequestFailed(cr)
}

// fail writes that an attempt failed, and when.
func (o *Observed) fail(reason, message string, now time.Time) Step {
	next := o.failed(reason, messageFailed+message, now)
	return Settle{Certificate: next, Event: warning(reason, messageFailed+message), Failed: true}
}

// recorded reports whether the status already counts the failure of cr. The
// times tell, since every request is made after the failure of the one before
// it was recorded; where that was within one second, this process knows. What
// it knows is not enough: the status may be one from before it was written.
func (o *Observed) recorded(cr *cmapi.CertificateRequest) bool {
	last := o.Certificate.Status.LastFailureTime
	if last == nil || last.Before(&cr.CreationTimestamp) {
		return false
	}
	return o.LastFailed == "" || o.LastFailed == cr.UID
}

func (o *Observed) keyIsOf(cr *cmapi.CertificateRequest) bool {
	if o.Key == nil {
		return false
	}
	csr, err := pki.ParseRequest(cr.Spec.Request)
	return err == nil && pki.SamePublicKey(o.Key.Public(), csr.PublicKey)
}

// keep looks after a Certificate for which nothing is to be issued now.
func (o *Observed) keep(now time.Time) Step {
	if !o.fault.found() && !o.Wanted.Matches(o.Secret) {
		return Redress{}
	}
	if step := o.inquire(now); step != nil {
		return step
	}
	next := o.status(o.verdict(now), now)
	if o.settling() {
		return Settle{Certificate: o.issued(next), Event: normal(reasonIssuing, messageIssuedAnew), Issued: true}
	}
	endPlan(next)
	event := troubled(o.Certificate, next)
	if event == nil { // one at a time; the other comes with the next pass
		event = o.complain(next)
	}
	if !same(o.Certificate, next) {
		return Settle{Certificate: next, Event: event}
	}
	rest := o.clean(Rest{After: o.untilNext(now)})
	if _, idle := rest.(Rest); !idle {
		return rest
	}
	if step := o.guard(); step != nil {
		return step
	}
	if o.Superseded != nil && o.Revokes {
		return Revoke{Leaf: o.Superseded, Reason: superseded}
	}
	return rest
}

// clean removes what is of no use any more, before resting.
func (o *Observed) clean(rest Rest) Step {
	for _, s := range o.KeySecrets {
		return Drop{s}
	}
	for _, cr := range o.Old {
		return Discard{cr}
	}
	return rest
}

// untilNext is how long nothing can happen without an event.
func (o *Observed) untilNext(now time.Time) time.Duration {
	if o.fault.found() {
		return until(now, backoffEnd(o), o.Damped)
	}
	var renewal time.Time
	if at, _ := renewalTime(o); at != nil {
		renewal = o.renewsAt(*at)
	}
	if end := backoffEnd(o); end.After(renewal) {
		renewal = end
	}
	if !o.Renewal.Served || o.Renewal.Asking {
		return until(now, renewal, o.Stored.Certificate.NotAfter)
	}
	return until(now, renewal, o.Stored.Certificate.NotAfter, o.nextAsk())
}

// untilExpiry is for a Certificate that only an event can bring forward: what
// is stored runs out all the same.
func (o *Observed) untilExpiry(now time.Time) time.Duration {
	if o.Stored.Certificate == nil {
		return 0
	}
	return until(now, o.Stored.Certificate.NotAfter)
}

// until is the time to the first moment still ahead, and 0 when there is none.
func until(now time.Time, moments ...time.Time) time.Duration {
	var first time.Duration
	for _, m := range moments {
		if d := m.Sub(now); d > 0 && (first == 0 || d < first) {
			first = d
		}
	}
	return first
}
