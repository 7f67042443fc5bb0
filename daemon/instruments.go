package daemon

import (
	"strings"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/ca"
	"github.com/certwright/certwright/handlers/issuers/selfsigned"
	"github.com/certwright/certwright/internal/tracing"
	"github.com/certwright/certwright/queue"

	"github.com/prometheus/client_golang/prometheus"
	"k8s.io/utils/clock"
)

// instruments is by what one sees what the daemon does.
type instruments struct {
	metrics   *prometheus.Registry
	events    eventMetrics
	issuances issuanceMetrics
	standing  *standingMetrics
	pauses    *pauses
	ca        *ca.Backend
	tracer    *tracing.Tracer // nil: nothing is traced
	traces    *issuances
}

func newInstruments(userAgent string, keeps bool) instruments {
	i := instruments{
		metrics: prometheus.NewRegistry(), events: newEventMetrics(), issuances: newIssuanceMetrics(),
		standing: newStandingMetrics(), pauses: newPauses(),
	}
	// As made by connect: "certwright/1.2.3 (linux/amd64)".
	version, _, _ := strings.Cut(strings.TrimPrefix(userAgent, "certwright/"), " ")
	i.standing.version, i.standing.keeps = version, keeps
	return i
}

// backends are the issuer types.
func (d *Daemon) backends() map[issuers.Type]issuers.Backend {
	all := d.remoteIssuers()
	all[issuers.CA] = d.ca
	all[issuers.SelfSigned] = selfsigned.Backend{Secrets: d.set}
	return all
}

func (d *Daemon) newCA() *ca.Backend { return ca.New(d.set, clock.RealClock{}) }

// ended is told of the end of each issuance.
func (d *Daemon) ended(e certificates.Ending) {
	if !e.Failed && e.Seen {
		d.issuances.took(d.set, e.Certificate, e.Ended.Sub(e.Began))
	}
	d.traces.ended(e)
}

// waited is told how long a key was ready, right before it is handled.
func (d *Daemon) waited(key queue.Key, waited time.Duration) {
	if d.traces != nil {
		d.traces.waits.note(key, waited)
	}
}

// flushTraces is how long a daemon that stops goes on sending spans.
const flushTraces = 3 * time.Second
