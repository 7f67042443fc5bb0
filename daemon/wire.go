package daemon

import (
	"context"
	"maps"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/certificaterequests"
	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/signingrequests"
	"github.com/certwright/certwright/handlers/webhookcerts"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/queue"
	"github.com/certwright/certwright/scheduler"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// wire is the second of the two tables that are the architecture: which
// handler serves which kind of key. The first is informers/routes.go.
func wire(cfg config.Config, c Clients, set *informers.Set, events record.EventRecorder, ended func(certificates.Ending), gauges webhookcerts.Gauges, backends map[issuers.Type]issuers.Backend, servers acmeServers) map[queue.Kind]queue.Handler {
	now := clock.RealClock{}
	backends = maps.Clone(backends) // what is added is for this table alone
	if servers.issuer != nil {
		backends[issuers.ACME] = servers.issuer
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
	signing := &signingrequests.Handler{
		Cache: set, Client: c.Core.CertificatesV1().CertificateSigningRequests(),
		Reviews: c.Core.AuthorizationV1().SubjectAccessReviews(), Signers: backends,
		ClusterNamespace: cfg.ClusterResourceNamespace, Events: events, Clock: now,
	}
	crts := certificates.New(certificates.Handler{
		Cache: set, Client: c.CertManager.CertmanagerV1(), Secrets: c.Core.CoreV1(),
		Settings: settings(cfg), Approves: approver.Approves, Events: events, Clock: now, Took: ended,
		AskRenewal: servers.client.RenewalInfo, Wake: servers.wake, Revoke: servers.revoke(cfg.ClusterResourceNamespace),
		External: externalIssuers(c.External),
	})
	webhooks := webhookcerts.New(webhookcerts.Handler{
		Sets: sets(cfg), Cache: set, Client: c.Core, Events: events, Gauges: gauges, Clock: now, NoOverlap: noOverlap(),
	})
	bundles := bundles(c, set, events)
	shims := shimHandler(cfg, c, set, events)
	http01 := http01Solver(cfg, c, set)
	proofs, places := challengeHandlers(cfg, c, set, events, servers, map[cmacme.ACMEChallengeType]challenges.Solver{
		cmacme.ACMEChallengeTypeHTTP01: http01,
		cmacme.ACMEChallengeTypeDNS01:  dns01Solver(cfg, c, set),
	})
	// Files have a queue of their own, which needs no lease (files.go).
	table := map[queue.Kind]queue.Handler{queue.SecretFiles: queue.HandlerFunc(leaveAlone)}
	for _, row := range []struct {
		part    config.Controller
		kind    queue.Kind
		handler queue.Handler
	}{
		{config.Certificates, queue.Certificate, crts},
		{config.CertificateRequests, queue.CertificateRequest, requests},
		{config.Issuers, queue.Issuer, issuer},
		{config.ClusterIssuers, queue.ClusterIssuer, issuer},
		{config.SigningRequests, queue.SigningRequest, signing},
		{config.WebhookCertificates, queue.WebhookSet, webhooks},
		{config.Orders, queue.Order, orderHandler(c, set, events, servers)},
		{config.Challenges, queue.Challenge, proofs},
		{config.Challenges, queue.ChallengePlaces, places},
		{config.Challenges, queue.SolverServices, sweepSolvers(http01, cfg.Namespaces)},
		{config.CABundles, queue.MutatingWebhook, bundles},
		{config.CABundles, queue.ValidatingWebhook, bundles},
		{config.CABundles, queue.APIService, bundles},
		{config.CABundles, queue.CustomResource, bundles},
		{config.IngressShim, queue.Ingress, shims},
		{config.GatewayShim, queue.Gateway, shims},
		{config.ListenerSetShim, queue.ListenerSet, shims},
		{config.Restarts, queue.Restarts, restartHandler(c, set, events)},
	} {
		if cfg.Runs(row.part) {
			table[row.kind] = row.handler
		} else {
			table[row.kind] = queue.HandlerFunc(leaveAlone)
		}
	}
	return table
}

// approver approves nothing where the requests are not served here, so that
// Certificates do not count on a signature within moments either.
func approver(cfg config.Config, c Clients) certificaterequests.Approver {
	if !cfg.Runs(config.Approver) || !cfg.Runs(config.CertificateRequests) {
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
