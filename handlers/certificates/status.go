package certificates

import (
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// same reports whether two states of a Certificate have the same status.
func same(a, b *cmapi.Certificate) bool {
	return equality.Semantic.DeepEqual(a.Status, b.Status)
}

// verdict is what is wrong with the Secret as a user sees it: a certificate
// that is only due for renewal is in order until it has expired.
func (o *Observed) verdict(now time.Time) Finding {
	if o.fault.found() {
		return o.fault
	}
	return hasExpired(o, now)
}

// status is the Certificate with Ready and the times of what is stored.
func (o *Observed) status(f Finding, now time.Time) *cmapi.Certificate {
	next := o.Certificate.DeepCopy()
	c := cmapi.CertificateCondition{
		Type: cmapi.CertificateConditionReady, Status: cmmeta.ConditionTrue, Reason: reasonReady, Message: messageReady}
	if f.found() {
		c.Status, c.Reason, c.Message = cmmeta.ConditionFalse, f.Reason, f.Message
	} else {
		c.Message += o.aside()
	}
	api.SetCertificateCondition(next, c, metav1.NewTime(now.Truncate(time.Second)))
	o.setTimes(next)
	o.setRenewalInfo(next)
	return next
}

func (o *Observed) setTimes(crt *cmapi.Certificate) {
	s := &crt.Status
	s.NotBefore, s.NotAfter, s.RenewalTime = nil, nil, nil
	leaf := o.Stored.Certificate
	if leaf == nil || o.Owner != crt.Name || pki.IsTemporary(leaf, crt) {
		return
	}
	s.NotBefore, s.NotAfter = stamp(leaf.NotBefore), stamp(leaf.NotAfter)
	if o.Invalid != "" {
		return // an invalid spec gives no renewal time
	}
	if at, _ := renewalTime(o); at != nil {
		s.RenewalTime = stamp(*at)
	}
}

// stamp rounds to the second that the API stores.
func stamp(t time.Time) *metav1.Time {
	m := metav1.NewTime(t.Truncate(time.Second))
	return &m
}

// begun is the status while an issuance goes on that outlasts a pass.
func (o *Observed) begun(due Finding, message string, now time.Time) *cmapi.Certificate {
	next := o.status(o.verdict(now), now)
	reason := due.Reason
	if old := api.CertificateCondition(o.Certificate, cmapi.CertificateConditionIssuing); old != nil && old.Status == cmmeta.ConditionTrue {
		reason = old.Reason // who asked for it, such as ManuallyTriggered
		if message == "" {
			message = old.Message
		}
	}
	api.SetCertificateCondition(next, cmapi.CertificateCondition{
		Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: reason, Message: message},
		metav1.NewTime(now.Truncate(time.Second)))
	name := keySecretName(o)
	next.Status.NextPrivateKeySecretName = &name
	return next
}

// issued is next with the marks of an issuance that succeeded.
func (o *Observed) issued(next *cmapi.Certificate) *cmapi.Certificate {
	revision := o.Revision
	next.Status.Revision = &revision
	next.Status.LastFailureTime, next.Status.FailedIssuanceAttempts = nil, nil
	next.Status.NextPrivateKeySecretName = nil
	api.RemoveCertificateCondition(next, cmapi.CertificateConditionIssuing)
	return next
}

// failed is the status after an attempt that came to nothing.
func (o *Observed) failed(reason, message string, now time.Time) *cmapi.Certificate {
	next := o.status(o.verdict(now), now)
	api.SetCertificateCondition(next, cmapi.CertificateCondition{
		Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionFalse, Reason: reason, Message: message},
		metav1.NewTime(now.Truncate(time.Second)))
	attempts := 1
	if n := o.Certificate.Status.FailedIssuanceAttempts; n != nil {
		attempts = *n + 1
	}
	at := stamp(now)
	if made := o.Next.CreationTimestamp; at.Before(&made) {
		at = &made // an API server's clock ahead of ours must not make the failure count twice
	}
	next.Status.FailedIssuanceAttempts, next.Status.LastFailureTime = &attempts, at
	next.Status.NextPrivateKeySecretName = nil
	return next
}

// endIssuing takes back Issuing=True where nothing can be issued.
func endIssuing(crt *cmapi.Certificate) {
	if api.CertificateIs(crt, cmapi.CertificateConditionIssuing) {
		api.RemoveCertificateCondition(crt, cmapi.CertificateConditionIssuing)
	}
	endPlan(crt)
}

// endPlan forgets the key Secret of an issuance that is not going on.
func endPlan(crt *cmapi.Certificate) { crt.Status.NextPrivateKeySecretName = nil }
