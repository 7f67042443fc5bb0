package daemon

import (
	"time"

	"github.com/certwright/certwright/internal/api"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/prometheus/client_golang/prometheus"
)

// workState counts the objects by what an operator has to know of them. Its
// series are few, however many objects there are.
type workState struct {
	stock  stock
	places int
}

func ours(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("certwright_"+name, help, labels, nil)
}

var (
	certificatesNow = ours("certificates", "Certificates, by their Ready condition.", "ready")
	certsFailing    = ours("certificates_failing", "Certificates that are not ready, by the reason they give.", "reason")
	certsExpired    = ours("certificates_expired", "Certificates whose stored certificate has ended.")
	certsOverdue    = ours("certificates_renewal_overdue", "Certificates whose renewal is overdue: of the time between its moment and the end a quarter has gone.")
	ordersNow       = ours("orders", "ACME Orders, by state; new ones have none yet.", "state")
	challengePlaces = ours("challenge_places", "Challenges that are at work, of at most certwright_challenge_places_limit.")
	placesMost      = ours("challenge_places_limit", "How many challenges may be at work at a time (--max-concurrent-challenges).")
	challengesWait  = ours("challenges_waiting", "Challenges that wait for a place.")
	challengesStuck = ours("challenges_stuck", "Challenges made more than fifteen minutes ago that have not come to an end.", "type")
)

// stuckAfter is long enough for a DNS zone to spread a record.
const stuckAfter = 15 * time.Minute

// Describe makes workState a prometheus.Collector.
func (workState) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{certificatesNow, certsFailing, certsExpired, certsOverdue,
		ordersNow, challengePlaces, placesMost, challengesWait, challengesStuck} {
		ch <- d
	}
}

// Collect makes workState a prometheus.Collector.
func (w workState) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	w.certificates(ch, now)
	w.challenges(ch, now)
	states := map[cmacme.State]int{}
	for _, o := range w.stock.Orders() {
		states[o.Status.State]++
	}
	for _, s := range []cmacme.State{cmacme.Unknown, cmacme.Pending, cmacme.Ready, cmacme.Processing, cmacme.Valid, cmacme.Invalid, cmacme.Expired, cmacme.Errored} {
		name := string(s)
		if s == cmacme.Unknown {
			name = "new"
		}
		ch <- gauge(ordersNow, float64(states[s]), name)
	}
}

func (w workState) certificates(ch chan<- prometheus.Metric, now time.Time) {
	ready, reasons := map[cmmeta.ConditionStatus]int{}, map[string]int{}
	expired, overdue := 0, 0
	for _, crt := range w.stock.Certificates() {
		status, reason := standing(crt)
		ready[status]++
		if status != cmmeta.ConditionTrue {
			reasons[reason]++
		}
		if end := crt.Status.NotAfter; end != nil && now.After(end.Time) {
			expired++
		}
		if isOverdue(crt, now) {
			overdue++
		}
	}
	for _, s := range conditionStatuses {
		ch <- gauge(certificatesNow, float64(ready[s]), string(s))
	}
	for reason, n := range reasons {
		ch <- gauge(certsFailing, float64(n), reason)
	}
	ch <- gauge(certsExpired, float64(expired))
	ch <- gauge(certsOverdue, float64(overdue))
}

// isOverdue is measured by the Certificate's own time, so that it fits a
// certificate of an hour and one of ten years. Renewals are spread over at most
// a twentieth of that time.
func isOverdue(crt *cmapi.Certificate, now time.Time) bool {
	due, end := crt.Status.RenewalTime, crt.Status.NotAfter
	return due != nil && end != nil && now.Sub(due.Time) > max(end.Sub(due.Time)/4, time.Minute)
}

// standing is a Certificate's Ready condition, with the reason of the failure
// to issue it, if there was one, in place of its own.
func standing(crt *cmapi.Certificate) (cmmeta.ConditionStatus, string) {
	status, reason := cmmeta.ConditionUnknown, ""
	if c := api.CertificateCondition(crt, cmapi.CertificateConditionReady); c != nil {
		status, reason = c.Status, c.Reason
	}
	if c := api.CertificateCondition(crt, cmapi.CertificateConditionIssuing); c != nil && c.Status == cmmeta.ConditionFalse {
		reason = c.Reason
	}
	return status, bounded(reason)
}

// knownReasons are those of the contract (section 1.2). Others, which another
// program may write, are one label, so that nobody else decides how many series
// there are.
var knownReasons = map[string]bool{
	"DoesNotExist": true, "MissingData": true, "InvalidKeyPair": true, "InvalidCertificate": true, "IncorrectIssuer": true,
	"IncorrectCertificate": true, "SecretMismatch": true, "InvalidCertificateRequest": true, "RequestChanged": true,
	"Renewing": true, "WindowError": true, "Expired": true, "Failed": true, "Denied": true, "InvalidRequest": true,
	"ManuallyTriggered": true, "Pending": true, "ARIError": true, "Issuing": true, "Ready": true, "Invalid": true,
}

const otherReason = "Other"

func bounded(reason string) string {
	switch {
	case reason == "":
		return "None"
	case knownReasons[reason]:
		return reason
	}
	return otherReason
}

func (w workState) challenges(ch chan<- prometheus.Metric, now time.Time) {
	atWork, waiting := 0, 0
	stuck := map[cmacme.ACMEChallengeType]int{cmacme.ACMEChallengeTypeHTTP01: 0, cmacme.ACMEChallengeTypeDNS01: 0}
	for _, c := range w.stock.Challenges() {
		open := !api.ACMEFinal(c.Status.State) && c.DeletionTimestamp == nil
		switch {
		case c.Status.Processing:
			atWork++
		case open:
			waiting++
		}
		if _, known := stuck[c.Spec.Type]; known && open && now.Sub(c.CreationTimestamp.Time) > stuckAfter {
			stuck[c.Spec.Type]++
		}
	}
	ch <- gauge(challengePlaces, float64(atWork))
	ch <- gauge(placesMost, float64(w.places))
	ch <- gauge(challengesWait, float64(waiting))
	for t, n := range stuck {
		ch <- gauge(challengesStuck, float64(n), string(t))
	}
}
