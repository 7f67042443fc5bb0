package orders

import (
	"fmt"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

var moment = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

// observed is an Order for one name that was begun, whose Challenge is at work.
func observed(edit ...func(*Observed)) Observed {
	a := authz("a.example.com")
	a.InitialState = cmacme.Pending
	o := Observed{
		Order: &cmacme.Order{
			ObjectMeta: metav1.ObjectMeta{Name: "web-1-1"},
			Spec:       cmacme.OrderSpec{DNSNames: []string{"a.example.com"}, IssuerRef: cmmeta.IssuerReference{Name: "le"}},
			Status:     cmacme.OrderStatus{URL: "https://acme/order", State: cmacme.Pending, Authorizations: []cmacme.ACMEAuthorization{a}},
		},
		Issuer: &cmapi.Issuer{
			Spec:   cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{Solvers: []cmacme.ACMEChallengeSolver{byDNS("x", nil)}}}},
			Status: cmapi.IssuerStatus{Conditions: []cmapi.IssuerCondition{{Type: cmapi.IssuerConditionReady, Status: cmmeta.ConditionTrue}}},
		},
		LastAsked: moment,
	}
	o.Challenges = []*cmacme.Challenge{challengeOf(&o)}
	for _, e := range edit {
		e(&o)
	}
	return o
}

func challengeOf(o *Observed) *cmacme.Challenge {
	a := o.Order.Status.Authorizations[0]
	c, _ := choose(o.Issuer.GetSpec().ACME.Solvers, a, o.Order)
	return &cmacme.Challenge{ObjectMeta: metav1.ObjectMeta{Name: c.name(o.Order)},
		Spec: cmacme.ChallengeSpec{AuthorizationURL: a.URL, DNSName: a.Identifier, Type: c.Type, URL: c.Offer.URL}}
}

func challengeIs(state cmacme.State, reason string) func(*Observed) {
	return func(o *Observed) { o.Challenges[0].Status.State, o.Challenges[0].Status.Reason = state, reason }
}

func said(r Remote) func(*Observed) { return func(o *Observed) { o.Remote = &r } }

func remote(s acme.State) Remote { return Remote{Order: acme.Order{State: s}} }

func unbegun(o *Observed) {
	o.Order.Status, o.Challenges = cmacme.OrderStatus{}, nil
}

// describeStep is a step in one line.
func describeStep(s Step) string {
	switch s := s.(type) {
	case Rest:
		return fmt.Sprintf("rest %s", s.After)
	case Hold:
		return fmt.Sprintf("hold %s %q", s.After, s.Reason)
	case Prove:
		return fmt.Sprintf("prove %d", len(s.Choices))
	case Withdraw:
		return fmt.Sprintf("withdraw %d", len(s.Challenges))
	case Poll:
		return fmt.Sprintf("poll %s %t", s.After, s.Busy)
	case Fail:
		return fmt.Sprintf("fail %s %q %t", s.State, s.Reason+s.Else, s.Solver)
	case Begin:
		return fmt.Sprintf("begin %t", s.Again)
	}
	return fmt.Sprintf("%T", s)
}

func TestNext(t *testing.T) {
	t.Parallel()
	later := moment.Add(time.Hour)
	for name, row := range map[string]struct {
		edits []func(*Observed)
		want  string
	}{
		"new": {[]func(*Observed){unbegun}, "begin false"},
		"new, and the server is to be left alone": {[]func(*Observed){unbegun, func(o *Observed) { o.QuietUntil = later }}, "rest 1h0m0s"},
		"new, with a rival":                       {[]func(*Observed){unbegun, func(o *Observed) { o.Rival = "other" }}, `hold 5s "Waiting for Order \"other\", which the ACME server serves by the same order"`},
		"new, without names":                      {[]func(*Observed){unbegun, func(o *Observed) { o.Order.Spec.DNSNames = nil }}, `fail errored "spec.dnsNames, spec.ipAddresses: there is no name to order a certificate for: name at least one" false`},
		"new, without an issuer":                  {[]func(*Observed){unbegun, func(o *Observed) { o.Issuer = nil }}, `hold 0s "spec.issuerRef: Issuer.cert-manager.io/le does not exist: create it"`},
		"new, its issuer not ready":               {[]func(*Observed){unbegun, func(o *Observed) { o.Issuer.GetStatus().Conditions = nil }}, `hold 0s "spec.issuerRef: Issuer.cert-manager.io/le is not ready: see its status"`},
		"an issuer of another type":               {[]func(*Observed){func(o *Observed) { o.Issuer.GetSpec().ACME = nil }}, `hold 0s "spec.issuerRef: Issuer.cert-manager.io/le is not an ACME issuer any more: give it spec.acme back, or delete the Order"`},
		"under way, issuer not ready":             {[]func(*Observed){func(o *Observed) { o.Issuer.GetStatus().Conditions = nil }}, "rest 1h0m0s"},
		"the issuer is back":                      {[]func(*Observed){func(o *Observed) { o.Order.Status.Reason = "spec.issuerRef: x" }}, `hold 0s ""`},
		"deleted":                                 {[]func(*Observed){func(o *Observed) { o.Order.DeletionTimestamp = &metav1.Time{Time: moment} }}, "rest 0s"},
		"its Challenge is at work":                {nil, "rest 1h0m0s"},
		"its Challenge is stuck":                  {[]func(*Observed){challengeIs(cmacme.Pending, "nobody answers")}, `hold 0s "Waiting for the proof of a.example.com by DNS-01: nobody answers"`},
		"its Challenge is stuck, as was told": {[]func(*Observed){challengeIs(cmacme.Pending, "nobody answers"), func(o *Observed) {
			o.Order.Status.Reason = "Waiting for the proof of a.example.com by DNS-01: nobody answers"
		}}, "rest 1h0m0s"},
		"a Challenge that has to go first is stuck": {[]func(*Observed){challengeIs(cmacme.Pending, "cannot take the proof away: nobody answers"), func(o *Observed) {
			o.Challenges[0].DeletionTimestamp = &metav1.Time{}
		}}, `hold 0s "Waiting for the proof of a.example.com by DNS-01 to be taken away: cannot take the proof away: nobody answers"`},
		"its Challenge is stuck no more": {[]func(*Observed){func(o *Observed) {
			o.Order.Status.Reason = "Waiting for the proof of a.example.com by DNS-01: nobody answers"
		}}, `hold 0s ""`},
		"its Challenge is missing":     {[]func(*Observed){func(o *Observed) { o.Challenges = nil }}, "prove 1"},
		"missing during a pause":       {[]func(*Observed){func(o *Observed) { o.Challenges, o.QuietUntil = nil, later }}, "prove 1"},
		"its Challenge is going":       {[]func(*Observed){func(o *Observed) { o.Challenges[0].DeletionTimestamp = &metav1.Time{Time: moment} }}, "rest 1h0m0s"},
		"one by another solver":        {[]func(*Observed){func(o *Observed) { o.Challenges[0].Name = "old" }}, "withdraw 1"},
		"one of a lost order":          {[]func(*Observed){func(o *Observed) { o.Challenges[0].Spec.AuthorizationURL = "https://acme/old" }}, "withdraw 1"},
		"a valid one by another":       {[]func(*Observed){challengeIs(cmacme.Valid, ""), func(o *Observed) { o.Challenges[0].Name = "old" }}, "orders.Ask"},
		"no solver any more":           {[]func(*Observed){func(o *Observed) { o.Issuer.GetSpec().ACME.Solvers = nil }}, "rest 1h0m0s"},
		"valid already":                {[]func(*Observed){func(o *Observed) { o.Order.Status.Authorizations[0].InitialState, o.Challenges = cmacme.Valid, nil }}, "orders.Ask"},
		"lost already":                 {[]func(*Observed){func(o *Observed) { o.Order.Status.Authorizations[0].InitialState, o.Challenges = cmacme.Invalid, nil }}, "orders.Ask"},
		"an hour has passed":           {[]func(*Observed){func(o *Observed) { o.LastAsked = moment.Add(-time.Hour) }}, "orders.Ask"},
		"all proved":                   {[]func(*Observed){challengeIs(cmacme.Valid, "")}, "orders.Ask"},
		"all proved, too early to ask": {[]func(*Observed){challengeIs(cmacme.Valid, ""), func(o *Observed) { o.QuietUntil = moment.Add(time.Second) }}, "rest 1s"},
		"a proof failed":               {[]func(*Observed){challengeIs(cmacme.Invalid, "wrong")}, "orders.Ask"},

		"asked: ready":                    {[]func(*Observed){challengeIs(cmacme.Valid, ""), said(remote(acme.Ready))}, "orders.Finalize"},
		"asked: ready before we knew":     {[]func(*Observed){said(remote(acme.Ready))}, "orders.Finalize"},
		"asked: pending, all proved":      {[]func(*Observed){challengeIs(cmacme.Valid, ""), said(remote(acme.Pending))}, "poll 500ms true"},
		"asked: pending, for the fourth":  {[]func(*Observed){challengeIs(cmacme.Valid, ""), said(remote(acme.Pending)), func(o *Observed) { o.Polls = 3 }}, "poll 4s true"},
		"asked: pending, for the 100th":   {[]func(*Observed){challengeIs(cmacme.Valid, ""), said(remote(acme.Pending)), func(o *Observed) { o.Polls = 99 }}, "poll 30s true"},
		"asked: pending, proof under way": {[]func(*Observed){said(remote(acme.Pending))}, "poll 1h0m0s false"},
		"asked: processing":               {[]func(*Observed){said(Remote{Order: acme.Order{State: acme.Processing, RetryAfter: 7 * time.Second}})}, "poll 7s true"},
		"asked: processing for a day":     {[]func(*Observed){said(Remote{Order: acme.Order{State: acme.Processing, RetryAfter: 24 * time.Hour}})}, "poll 10m0s true"},
		"asked: valid, no certificate":    {[]func(*Observed){challengeIs(cmacme.Valid, ""), said(remote(acme.Valid))}, "poll 500ms true"},
		"asked: valid":                    {[]func(*Observed){said(Remote{Order: acme.Order{State: acme.Valid, CertificateURL: "https://acme/c"}})}, "orders.Collect"},
		"asked: gone":                     {[]func(*Observed){said(Remote{Gone: true})}, "begin true"},
		"asked: gone again and again":     {[]func(*Observed){said(Remote{Gone: true}), func(o *Observed) { o.Restarts = 3 }}, `fail errored "The ACME server does not know the order any more, time and again: see whether the server keeps its state" false`},
		"asked: nobody answered":          {[]func(*Observed){challengeIs(cmacme.Invalid, api.Interrupted+": connection"), said(remote(acme.Invalid))}, "begin true"},
		"asked: nobody answered, ever":    {[]func(*Observed){challengeIs(cmacme.Invalid, api.Interrupted+": connection"), said(remote(acme.Invalid)), func(o *Observed) { o.Restarts = 3 }}, `fail invalid "a.example.com could not be proved by DNS-01: certwright was restarted while the server looked at the proof: connection" false`},
		"asked: gone, and a proof failed": {[]func(*Observed){challengeIs(cmacme.Errored, "gone"), said(Remote{Gone: true})}, "begin true"},
		"asked: expired":                  {[]func(*Observed){said(Remote{Order: acme.Order{State: acme.Pending, Expires: moment}})}, `fail expired "The order expired at the ACME server before all names were proved" false`},
		"asked: invalid":                  {[]func(*Observed){said(remote(acme.Invalid))}, `fail invalid "" false`},
		"asked: invalid, and why":         {[]func(*Observed){said(Remote{Order: acme.Order{State: acme.Invalid, Problem: &acme.Error{Type: "caa", Detail: "no"}}})}, `fail invalid "The ACME server says: caa: no" false`},
		"asked: invalid, expired":         {[]func(*Observed){said(Remote{Order: acme.Order{State: acme.Invalid, Expires: moment}})}, `fail expired "The order expired at the ACME server before all names were proved" false`},
		"asked: invalid, proof failed":    {[]func(*Observed){challengeIs(cmacme.Invalid, "wrong"), said(remote(acme.Invalid))}, `fail invalid "a.example.com could not be proved by DNS-01: wrong" false`},
		"asked: pending, proof failed":    {[]func(*Observed){challengeIs(cmacme.Errored, "wrong"), said(remote(acme.Pending))}, `fail errored "a.example.com could not be proved by DNS-01: wrong" false`},
		"asked: pending, failed unsaid":   {[]func(*Observed){challengeIs(cmacme.Expired, ""), said(remote(acme.Pending))}, `fail expired "" false`},

		"at its end":              {[]func(*Observed){func(o *Observed) { o.Order.Status.State = cmacme.Valid }}, "withdraw 1"},
		"failed":                  {[]func(*Observed){func(o *Observed) { o.Order.Status.State = cmacme.Errored }}, "withdraw 1"},
		"at its end and all gone": {[]func(*Observed){func(o *Observed) { o.Order.Status.State, o.Challenges, o.Issuer = cmacme.Valid, nil, nil }}, "rest 0s"},
		"at its end, all going": {[]func(*Observed){func(o *Observed) {
			o.Order.Status.State, o.Challenges[0].DeletionTimestamp = cmacme.Valid, &metav1.Time{Time: moment}
		}}, "rest 0s"},
	} {
		if got := describeStep(Next(observed(row.edits...), moment)); got != row.want {
			t.Errorf("%s: got %s, want %s", name, got, row.want)
		}
	}
}
