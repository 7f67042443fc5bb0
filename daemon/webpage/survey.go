package webpage

import (
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/verdict"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Row is a Certificate and what is judged of it. There is one for each of them
// only while an answer is made.
type Row struct {
	Certificate *cmapi.Certificate
	State       verdict.State
	Verdict     verdict.Verdict
	Issuer      string // Kind/name, with the group where it is not our own
}

// expiry is when what is in use ends, or nil when nothing is.
func (r Row) expiry() *metav1.Time { return r.Certificate.Status.NotAfter }

// survey judges every Certificate.
func (o Options) survey(now time.Time) []Row {
	all := o.Caches.Certificates()
	rows := make([]Row, len(all))
	for i, crt := range all {
		rows[i] = judge(o.observe(crt), now)
	}
	return rows
}

func judge(o verdict.Observed, now time.Time) Row {
	v := verdict.Explain(o, now)
	return Row{Certificate: o.Certificate, State: verdict.StateOf(o, v, now), Verdict: v, Issuer: o.Issuer.String()}
}

// observe gathers from the caches what decides on a Certificate's state.
func (o Options) observe(crt *cmapi.Certificate) verdict.Observed {
	seen := verdict.Observed{Certificate: crt, Issuer: o.issuerOf(crt)}
	seen.Request = verdict.Newest(crt, o.Caches.RequestsOf(crt))
	if seen.Request == nil || api.RequestFinal(seen.Request) {
		return seen
	}
	for _, order := range o.Caches.OrdersOf(seen.Request) {
		seen.Order, seen.Challenges = order, sortedChallenges(o.Caches.ChallengesOf(order))
	}
	return seen
}

func (o Options) issuerOf(crt *cmapi.Certificate) verdict.Issuer {
	i := verdict.NewIssuer(crt, o.Caches.IssuerFor(crt.Namespace, crt.Spec.IssuerRef))
	if o.Confined && i.Kind == cmapi.ClusterIssuerKind && i.State == verdict.IssuerMissing {
		i.State = verdict.IssuerUnread // it may exist: we do not see it
	}
	return i
}

// Tally counts Certificates by state.
type Tally struct {
	All       int `json:"all"`
	Attention int `json:"needAttention"`
	counts    [16]int
}

// tally counts rows.
func tally(rows []Row) Tally {
	t := Tally{All: len(rows)}
	for _, r := range rows {
		t.counts[r.State]++
		if r.State.NeedsAttention() {
			t.Attention++
		}
	}
	return t
}

// Of is how many are in a state.
func (t Tally) Of(s verdict.State) int { return t.counts[s] }
