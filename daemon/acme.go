package daemon

import (
	"context"
	"errors"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/issuers"
	acmeissuer "github.com/certwright/certwright/handlers/issuers/acme"
	"github.com/certwright/certwright/handlers/orders"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/acme"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// acmeServers is how all parts speak with ACME servers. They share it, so that
// what a server says of waiting to one holds for all.
type acmeServers struct {
	client   *acme.Client
	accounts *acme.Accounts
	issuer   *acmeissuer.Backend
	wake     func(queue.Key)
}

// acmeServers makes them. What no cache tells of an account, such as a pause,
// wakes the issuers that use it, whose status wakes all that wait for them.
func (d *Daemon) acmeServers() acmeServers {
	s := acmeServers{wake: d.queue.Add}
	wake := func(a acme.Account) {
		for _, k := range s.issuer.Concerned(a) {
			d.queue.Add(k)
		}
	}
	s.client = acme.NewClient(acme.Options{
		UserAgent: d.clients.UserAgent, Transport: d.clients.ACME, Observe: newACMEMetrics(d.metrics).observe,
		Paused: func(a acme.Account, until time.Time, _ string) {
			d.pauses.begin(until, s.issuer.Concerned(a))
			wake(a)
		},
		Lost: func(a acme.Account, _ string) { wake(a) },
	})
	s.accounts = acme.NewAccounts(d.set, d.cfg.ClusterResourceNamespace)
	s.issuer = acmeissuer.New(acmeissuer.Needs{
		Server: s.client, Accounts: s.accounts, Secrets: d.set, Cache: d.set,
		Core: d.clients.Core.CoreV1(), Orders: d.clients.CertManager.AcmeV1(), Clock: clock.RealClock{},
	})
	return s
}

// orderHandler serves Orders.
func orderHandler(c Clients, set *informers.Set, events record.EventRecorder, servers acmeServers) *orders.Handler {
	return orders.New(orders.Handler{
		Cache: set, Client: c.CertManager.AcmeV1(), Server: servers.client, Accounts: servers.accounts,
		Events: events, Clock: clock.RealClock{},
	})
}

// revoke has issuers of type ACME revoke what they have issued.
func (s acmeServers) revoke(clusterNamespace string) certificates.RevokeCertificate {
	return func(ctx context.Context, issuer cmapi.GenericIssuer, leaf []byte, reason int) (refused string, err error) {
		err = s.issuer.Revoke(ctx, issuers.Of(issuer, clusterNamespace), leaf, reason)
		var refusal *issuers.Refusal
		if errors.As(err, &refusal) {
			return refusal.Message, nil
		}
		return "", err
	}
}
