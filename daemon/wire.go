package daemon

import (
	"context"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/certificaterequests"
	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/ca"
	"github.com/certwright/certwright/handlers/issuers/selfsigned"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/scheduler"

	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// wire is the second of the two tables that are the architecture: which
// handler serves which kind of key. The first is informers/routes.go.
func wire(cfg config.Config, c Clients, set *informers.Set, events record.EventRecorder, took func(time.Duration)) map[queue.Kind]queue.Handler {
	now := clock.RealClock{}
	backends := map[issuers.Type]issuers.Backend{
		issuers.CA:         ca.New(set, now),
		issuers.SelfSigned: selfsigned.Backend{Secrets: set},
	}
	issuer := &issuers.Handler{
		Cache: set, Client: c.CertManager.CertmanagerV1(), Backends: backends,
		ClusterNamespace: cfg.ClusterResourceNamespace, Events: events, Clock: now,
	}
	approver := approver(cfg, c)
	requests := &certificaterequests.Handler{
		Cache: set, Client: c.CertManager.CertmanagerV1(), Approver: approver, Signers: backends,
		ClusterNamespace: cfg.ClusterResourceNamespace, Confined: len(cfg.Namespaces) > 0, Events: events, Clock: now,
	}
	crts := certificates.New(certificates.Handler{
		Cache: set, Client: c.CertManager.CertmanagerV1(), Secrets: c.Core.CoreV1(),
		Settings: settings(cfg), Approves: approver.Approves, Events: events, Clock: now, Took: took,
	})
	table := map[queue.Kind]queue.Handler{}
	for _, row := range []struct {
		part    config.Controller
		kind    queue.Kind
		handler queue.Handler
	}{
		{config.Certificates, queue.Certificate, crts},
		{config.CertificateRequests, queue.CertificateRequest, requests},
		{config.Issuers, queue.Issuer, issuer},
		{config.ClusterIssuers, queue.ClusterIssuer, issuer},
	} {
		if cfg.Runs(row.part) {
			table[row.kind] = row.handler
		} else {
			table[row.kind] = queue.HandlerFunc(leaveAlone)
		}
	}
	return table
}

func approver(cfg config.Config, c Clients) certificaterequests.Approver {
	if !cfg.Runs(config.Approver) {
		return certificaterequests.Approver{}
	}
	return certificaterequests.Approver{All: cfg.Approves(""), Allows: cfg.Approves, Resource: c.Resource}
}

func settings(cfg config.Config) certificates.Settings {
	limits := pki.Limits{MinDuration: cfg.MinimumCertificateDuration}
	if cfg.MinimumCertificateDuration < time.Hour {
		// Keep the proportion of the defaults, an hour and five minutes.
		limits.MinRenewBefore = cfg.MinimumCertificateDuration / 12
	}
	return certificates.Settings{
		Limits:     limits,
		MinBackoff: cfg.CertificateRequestMinimumBackoff, MaxBackoff: cfg.CertificateRequestMaximumBackoff,
		RenewalSpread: cfg.ExpirySweepSpread, OwnerRef: cfg.EnableCertificateOwnerRef, Copies: cfg.CopiesAnnotation,
	}
}

// sweep is the only resync: the net under every Result{After}.
func sweep(cfg config.Config, set *informers.Set) scheduler.Entry {
	return scheduler.Entry{
		Name: "expiry-sweep", Field: "--expiry-sweep-schedule",
		Schedule: cfg.ExpirySweepSchedule, Spread: cfg.ExpirySweepSpread, Keys: set.Keys(),
	}
}

// leaveAlone serves the kinds whose part is switched off by --controllers.
func leaveAlone(context.Context, queue.Key) (queue.Result, error) { return queue.Result{}, nil }
