package daemon

import (
	"os"
	"slices"
	"sync"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/scheduler"

	"github.com/prometheus/client_golang/prometheus"
)

// sets are the sets of webhook certificates that this daemon keeps.
func sets(cfg config.Config) []webhookset.Set {
	if !cfg.Runs(config.WebhookCertificates) {
		return nil
	}
	return cfg.WebhookSets
}

// webhookSweep looks at every set, at the start and then as often as at
// everything else; there are few, so that they need no spreading.
func webhookSweep(cfg config.Config, set *informers.Set) scheduler.Entry {
	return scheduler.Entry{
		Name: "webhook-certificates", Field: "--expiry-sweep-schedule",
		Schedule: cfg.ExpirySweepSchedule, Keys: slices.Values(set.WebhookSetKeys()),
	}
}

// overlapVariable switches the overlap of a rotation off, for the test that
// shows that its proof can fail. It is no option: nobody else can want it.
const overlapVariable = "CERTWRIGHT_TEST_OVERLAP"

func noOverlap() bool { return os.Getenv(overlapVariable) == "off" }

// webhookGauges is the metrics of webhook certificates.
type webhookGauges struct {
	mu     sync.Mutex
	states map[string]webhookState
	made   *prometheus.CounterVec
}

type webhookState struct {
	phase      webhookset.Phase
	ca, server time.Time
}

func newWebhookGauges() *webhookGauges {
	return &webhookGauges{
		states: map[string]webhookState{},
		made: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "certwright_webhook_regenerations_total",
			Help: "CAs and server certificates made for webhooks, by set and cause.",
		}, []string{"set", "cause"}),
	}
}

// Stands makes webhookGauges a webhookcerts.Gauges.
func (g *webhookGauges) Stands(set string, phase webhookset.Phase, ca, server time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.states[set] = webhookState{phase, ca, server}
}

// Regenerated makes webhookGauges a webhookcerts.Gauges.
func (g *webhookGauges) Regenerated(set, cause string) { g.made.WithLabelValues(set, cause).Inc() }

var (
	webhookCA   = prometheus.NewDesc("certwright_webhook_ca_not_after_timestamp_seconds", "End of validity of a webhook CA, in seconds since 1970.", []string{"set"}, nil)
	webhookLeaf = prometheus.NewDesc("certwright_webhook_leaf_not_after_timestamp_seconds", "End of validity of a webhook's server certificate, in seconds since 1970.", []string{"set"}, nil)
	webhookTurn = prometheus.NewDesc("certwright_webhook_rotation_phase", "Whether the rotation of a webhook CA is in this phase: 1 for the one it is in.", []string{"set", "phase"}, nil)
)

// Describe makes webhookGauges a prometheus.Collector.
func (g *webhookGauges) Describe(ch chan<- *prometheus.Desc) {
	g.made.Describe(ch)
	for _, d := range []*prometheus.Desc{webhookCA, webhookLeaf, webhookTurn} {
		ch <- d
	}
}

// Collect makes webhookGauges a prometheus.Collector. A certificate that does
// not exist has no end.
func (g *webhookGauges) Collect(ch chan<- prometheus.Metric) {
	g.made.Collect(ch)
	g.mu.Lock()
	defer g.mu.Unlock()
	for set, s := range g.states {
		if !s.ca.IsZero() {
			ch <- gauge(webhookCA, float64(s.ca.Unix()), set)
		}
		if !s.server.IsZero() {
			ch <- gauge(webhookLeaf, float64(s.server.Unix()), set)
		}
		for _, p := range webhookset.Phases() {
			ch <- gauge(webhookTurn, one(s.phase == p), set, string(p))
		}
	}
}
