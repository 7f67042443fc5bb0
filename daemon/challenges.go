package daemon

import (
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/informers"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// challengeHandlers serves Challenges, and the places at which they are at work.
func challengeHandlers(cfg config.Config, c Clients, set *informers.Set, events record.EventRecorder, servers acmeServers,
	solvers map[cmacme.ACMEChallengeType]challenges.Solver) (*challenges.Handler, *challenges.Places) {
	return challenges.New(challenges.Options{
		Cache: set, Client: c.CertManager.AcmeV1(), ACME: servers.client, Accounts: servers.accounts, Solvers: solvers,
		ClusterNamespace: cfg.ClusterResourceNamespace, Namespaces: cfg.Namespaces,
		AmbientIssuers: cfg.IssuerAmbientCredentials, AmbientClusterIssuers: cfg.ClusterIssuerAmbientCredentials,
		Max: cfg.MaxConcurrentChallenges, WriteLimit: placesLimit(cfg), CheckPeriod: cfg.DNS01CheckRetryPeriod,
		Wake: servers.wake, Events: events, Clock: clock.RealClock{},
	})
}

const (
	// mostForPlaces is enough for the API server to write all places, and
	// leastForPlaces for it to write one.
	mostForPlaces, leastForPlaces = 10 * time.Second, time.Second
)

// placesLimit is how long the writes of one pass over the places may take.
// They must have ended before another leader can have counted the places: a
// leader learns at worst a retry period and a renew deadline after its last
// renewal that it leads no more, and the next one begins a lease duration after
// it. Options that leave less than two seconds between leave that to luck.
func placesLimit(cfg config.Config) time.Duration {
	if !cfg.LeaderElect {
		return mostForPlaces
	}
	between := cfg.LeaderElectionLeaseDuration - cfg.LeaderElectionRenewDeadline - cfg.LeaderElectionRetryPeriod
	return min(max(between-time.Second, leastForPlaces), mostForPlaces)
}
