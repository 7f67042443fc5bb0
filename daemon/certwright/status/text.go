package status

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/certwright/certwright/daemon/certwright/page"
)

// Table writes one line for each report; with namespaces, their column too.
func Table(w io.Writer, reports []Report, withNamespace bool, now time.Time) error {
	header := []string{"NAME", "READY", "SECRET", "ISSUER", "EXPIRES", "RENEWS", "WAITING FOR"}
	if withNamespace {
		header = append([]string{"NAMESPACE"}, header...)
	}
	rows := make([][]string, len(reports))
	for i, r := range reports {
		rows[i] = []string{r.Name, yesNo(r.Ready), r.SecretName, r.Issuer.String(), column(r.NotAfter, now), column(r.RenewalTime, now), r.WaitingFor}
		if withNamespace {
			rows[i] = append([]string{r.Namespace}, rows[i]...)
		}
	}
	return page.Table(w, header, rows)
}

func yesNo(b bool) string {
	if b {
		return "True"
	}
	return "False"
}

func column(t *time.Time, now time.Time) string {
	if t == nil {
		return ""
	}
	return page.Relative(*t, now)
}

// Write puts everything about one Certificate on a page: first what it waits
// for and what to do, since that is the question.
func (r Report) Write(p *page.Page, now time.Time) {
	p.Section(fmt.Sprintf("Certificate %s/%s", r.Namespace, r.Name))
	p.Field("Waits for", r.waits())
	p.Field("Because", r.Because)
	p.Field("What to do", r.WhatToDo)
	writeConditions(p, r.Conditions, now)
	p.Field("Valid from", moment(r.NotBefore, now))
	p.Field("Expires", moment(r.NotAfter, now))
	p.Field("Renews", moment(r.RenewalTime, now))
	p.Field("Failures", r.failures(now))

	r.writeIssuer(p)
	r.writeRequest(p, now)
	r.writeSecret(p, now)
	r.writeEvents(p, now)
	if len(r.Unread) > 0 {
		p.Section("Could not be read")
		for _, u := range r.Unread {
			p.Line(u)
		}
	}
}

func (r Report) waits() string {
	if r.WaitingFor == "" {
		return "nothing"
	}
	return r.WaitingFor
}

func moment(t *time.Time, now time.Time) string {
	if t == nil {
		return ""
	}
	return page.Moment(*t, now)
}

func (r Report) failures(now time.Time) string {
	if r.LastFailure == nil {
		return ""
	}
	return fmt.Sprintf("%d, the last %s; next attempt %s, by the default back-off",
		max(r.FailedAttempts, 1), page.Relative(*r.LastFailure, now), page.Moment(*r.NextAttempt, now))
}

func writeConditions(p *page.Page, conditions []Condition, now time.Time) {
	for _, c := range conditions {
		text := strings.TrimSpace(c.Status + "  " + c.Reason)
		if c.Message != "" {
			text += ": " + c.Message
		}
		if c.Since != nil {
			text += " (" + page.Relative(*c.Since, now) + ")"
		}
		p.Field(c.Type, text)
	}
}

func (r Report) writeIssuer(p *page.Page) {
	p.Section(r.Issuer.String())
	p.Field("State", string(r.Issuer.State))
	if r.Issuer.Reason != "" || r.Issuer.Message != "" {
		p.Field("Says", strings.TrimPrefix(r.Issuer.Reason+": "+r.Issuer.Message, ": "))
	}
}

func (r Report) writeRequest(p *page.Page, now time.Time) {
	if r.Request == nil {
		p.Section("CertificateRequest: none seen")
		return
	}
	p.Section("CertificateRequest " + r.Request.Name)
	if r.Request.Revision > 0 {
		p.Field("Revision", fmt.Sprint(r.Request.Revision))
	}
	p.Field("Created", page.Moment(r.Request.Created, now))
	writeConditions(p, r.Request.Conditions, now)
}

func (r Report) writeSecret(p *page.Page, now time.Time) {
	if r.Secret == nil {
		p.Section("Secret " + r.SecretName + ": none seen")
		return
	}
	p.Section("Secret " + r.SecretName)
	p.Field("Holds", strings.Join(r.Secret.Keys, ", "))
	p.Field("Private key", r.Secret.PrivateKey)
	for i, c := range r.Secret.Chain {
		p.Field(fmt.Sprintf("tls.crt %d", i+1), c.Brief(now))
	}
	for i, c := range r.Secret.CA {
		p.Field(fmt.Sprintf("ca.crt %d", i+1), c.Brief(now))
	}
	r.Secret.WriteChecks(p)
}

func (r Report) writeEvents(p *page.Page, now time.Time) {
	if len(r.Events) == 0 {
		p.Section("Events: none seen")
		return
	}
	p.Section("Events")
	for _, e := range r.Events {
		times := ""
		if e.Count > 1 {
			times = fmt.Sprintf(" (%d times)", e.Count)
		}
		p.Field(page.Relative(e.Seen, now), fmt.Sprintf("%-7s %s %s: %s%s", e.Type, e.Object, e.Reason, e.Message, times))
	}
}
