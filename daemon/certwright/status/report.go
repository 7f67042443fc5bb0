package status

import (
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/daemon/certwright/secrets"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/verdict"
)

// Report is the state of one Certificate as it is shown, in text or as JSON.
type Report struct {
	Namespace string `json:"namespace"`
	Name      string `json:"name"`
	Ready     bool   `json:"ready"`
	// State sums up all below in one word.
	State verdict.State `json:"state"`
	// WaitingFor, Because and WhatToDo are the parts of the Verdict.
	WaitingFor string `json:"waitingFor,omitempty"`
	Because    string `json:"because,omitempty"`
	WhatToDo   string `json:"whatToDo,omitempty"`

	SecretName string `json:"secretName"`
	Issuer     Issuer `json:"issuer"`

	NotBefore   *time.Time `json:"notBefore,omitempty"`
	NotAfter    *time.Time `json:"notAfter,omitempty"`
	RenewalTime *time.Time `json:"renewalTime,omitempty"`
	Revision    *int       `json:"revision,omitempty"`

	FailedAttempts int        `json:"failedAttempts,omitempty"`
	LastFailure    *time.Time `json:"lastFailure,omitempty"`
	// NextAttempt supposes the default back-off: the daemon's is not visible.
	NextAttempt *time.Time `json:"NextAttempt,omitempty"`

	Conditions []Condition     `json:"conditions,omitempty"`
	Request    *Request        `json:"request,omitempty"`
	Secret     *secrets.Report `json:"secret,omitempty"`
	Events     []Event         `json:"events,omitempty"`
	// Unread says what could not be read, and why.
	Unread []string `json:"unread,omitempty"`
}

// Condition is a condition of any of the resources.
type Condition struct {
	Type    string     `json:"type"`
	Status  string     `json:"status"`
	Reason  string     `json:"reason,omitempty"`
	Message string     `json:"message,omitempty"`
	Since   *time.Time `json:"since,omitempty"`
}

// Request is the newest CertificateRequest of a Certificate.
type Request struct {
	Name       string      `json:"name"`
	Revision   int         `json:"revision,omitempty"`
	Created    time.Time   `json:"created"`
	Conditions []Condition `json:"conditions,omitempty"`
}

// Event is one event about a Certificate or its request.
type Event struct {
	Object  string    `json:"object"`
	Type    string    `json:"type"`
	Reason  string    `json:"reason"`
	Message string    `json:"message"`
	Count   int       `json:"count"`
	Seen    time.Time `json:"lastSeen"`
}

// New reports on what was observed, as of now.
func New(o Observed, now time.Time) Report {
	crt, v := o.Certificate, verdict.Explain(o, now)
	r := Report{
		Namespace: crt.Namespace, Name: crt.Name,
		Ready:      api.CertificateIs(crt, cmapi.CertificateConditionReady),
		State:      verdict.StateOf(o, v, now),
		WaitingFor: v.Waiting, Because: v.Because, WhatToDo: v.Remedy,
		SecretName: crt.Spec.SecretName, Issuer: o.Issuer,
		NotBefore: timeOf(crt.Status.NotBefore), NotAfter: timeOf(crt.Status.NotAfter),
		RenewalTime: timeOf(crt.Status.RenewalTime), Revision: crt.Status.Revision,
		LastFailure: timeOf(crt.Status.LastFailureTime), NextAttempt: verdict.NextAttempt(crt),
		Request: newRequest(o.Request), Unread: o.Unread,
	}
	if n := crt.Status.FailedIssuanceAttempts; n != nil {
		r.FailedAttempts = *n
	}
	for _, c := range crt.Status.Conditions {
		r.Conditions = append(r.Conditions, Condition{string(c.Type), string(c.Status), c.Reason, c.Message, timeOf(c.LastTransitionTime)})
	}
	if o.Secret != nil {
		s := secrets.Describe(o.Secret, now)
		r.Secret = &s
	}
	for _, e := range o.Events {
		r.Events = append(r.Events, newEvent(e))
	}
	return r
}

func newRequest(cr *cmapi.CertificateRequest) *Request {
	if cr == nil {
		return nil
	}
	r := &Request{Name: cr.Name, Revision: verdict.Revision(cr), Created: cr.CreationTimestamp.UTC()}
	for _, c := range cr.Status.Conditions {
		r.Conditions = append(r.Conditions, Condition{string(c.Type), string(c.Status), c.Reason, c.Message, timeOf(c.LastTransitionTime)})
	}
	return r
}

func newEvent(e corev1.Event) Event {
	count := int(e.Count)
	if e.Series != nil {
		count = int(e.Series.Count)
	}
	return Event{
		Object: e.InvolvedObject.Kind + "/" + e.InvolvedObject.Name,
		Type:   e.Type, Reason: e.Reason, Message: e.Message, Count: max(count, 1), Seen: seen(e).UTC(),
	}
}

// seen is when an event last happened; which field says so depends on which of
// the two event APIs its reporter used.
func seen(e corev1.Event) time.Time {
	switch {
	case e.Series != nil:
		return e.Series.LastObservedTime.Time
	case !e.LastTimestamp.IsZero():
		return e.LastTimestamp.Time
	case !e.EventTime.IsZero():
		return e.EventTime.Time
	}
	return e.CreationTimestamp.Time
}

func timeOf(t *metav1.Time) *time.Time {
	if t == nil || t.IsZero() {
		return nil
	}
	utc := t.UTC()
	return &utc
}
