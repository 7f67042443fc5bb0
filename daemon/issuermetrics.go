package daemon

import (
	"sync"
	"time"

	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/prometheus/client_golang/prometheus"
)

// issuerState reports what is wrong with issuers, or soon will be.
type issuerState struct {
	stock            stock
	clusterNamespace string
	// caEnds is when the CA in a Secret ends, if this replica signs with it.
	caEnds func(namespace, secret string) (time.Time, bool)
	paused *pauses
}

var (
	issuerNotReady = ours("issuer_not_ready", "Issuers that are not ready, by the reason they give, such as a failed registration at an ACME server: each 1.",
		"kind", "namespace", "name", "type", "reason")
	issuerCA = ours("issuer_ca_not_after_timestamp_seconds", "End of validity of the CA that an issuer of type CA signs with, in seconds since 1970.",
		"kind", "namespace", "name")
	accountPaused = ours("acme_account_paused_until_timestamp_seconds", "Until when an issuer asks its ACME server nothing, because the server said so, in seconds since 1970; only while it lasts.",
		"kind", "namespace", "name")
)

// Describe makes issuerState a prometheus.Collector.
func (issuerState) Describe(ch chan<- *prometheus.Desc) {
	ch <- issuerNotReady
	ch <- issuerCA
	ch <- accountPaused
}

// Collect makes issuerState a prometheus.Collector.
func (s issuerState) Collect(ch chan<- prometheus.Metric) {
	now := time.Now()
	for _, i := range s.stock.Issuers() {
		s.issuer(ch, i, queue.Key{Kind: queue.Issuer, Namespace: i.Namespace, Name: i.Name}, now)
	}
	for _, i := range s.stock.ClusterIssuers() {
		s.issuer(ch, i, queue.Key{Kind: queue.ClusterIssuer, Name: i.Name}, now)
	}
}

func (s issuerState) issuer(ch chan<- prometheus.Metric, i cmapi.GenericIssuer, key queue.Key, now time.Time) {
	kind, secrets := cmapi.IssuerKind, i.GetNamespace()
	if key.Kind == queue.ClusterIssuer {
		kind, secrets = cmapi.ClusterIssuerKind, s.clusterNamespace
	}
	if c := api.IssuerCondition(i.GetStatus()); c == nil || c.Status != cmmeta.ConditionTrue {
		reason := "None"
		if c != nil {
			reason = c.Reason
		}
		ch <- gauge(issuerNotReady, 1, kind, key.Namespace, key.Name, typeOf(i), label(reason))
	}
	if ca := i.GetSpec().CA; ca != nil && s.caEnds != nil {
		if end, ok := s.caEnds(secrets, ca.SecretName); ok {
			ch <- gauge(issuerCA, float64(end.Unix()), kind, key.Namespace, key.Name)
		}
	}
	if until := s.paused.of(key); now.Before(until) {
		ch <- gauge(accountPaused, float64(until.Unix()), kind, key.Namespace, key.Name)
	}
}

// pauses is until when issuers ask nothing.
type pauses struct {
	mu    sync.Mutex
	until map[queue.Key]time.Time
}

func newPauses() *pauses { return &pauses{until: map[queue.Key]time.Time{}} }

// begin notes a pause of those who use an account.
func (p *pauses) begin(until time.Time, concerned []queue.Key) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for k, end := range p.until { // what has ended, and what may be gone
		if time.Now().After(end) {
			delete(p.until, k)
		}
	}
	for _, k := range concerned {
		p.until[k] = until
	}
}

func (p *pauses) of(k queue.Key) time.Time {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.until[k]
}
