package informers

import (
	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
)

// route is a line of the route table: a change of an object in from wakes to.
type route struct {
	from watched
	to   []target
}

// routes is THE ROUTE TABLE: which event wakes which keys. Nothing else in the
// daemon reacts to an event, and daemon/wire.go names the handler of each key.
func (s *Set) routes() []route {
	table := []route{
		{s.certificates, []target{self(queue.Certificate), rivals, injectedFromCertificate, shimsOfCertificate}},
		{s.requests, []target{self(queue.CertificateRequest), itsCertificate}},
		{s.issuers, []target{self(queue.Issuer), waitingRequests(cmapi.IssuerKind), waitingOrders(cmapi.IssuerKind)}},
		{s.secrets.own, []target{itsCertificate, certificatesOfSecret, issuersOfSecret, requestsOfIssuerSecret, requestsOfKey, setsOfSecret, injectedFromSecret, restartsOfSecret}},
		{s.secrets.foreign, []target{certificatesOfSecret, issuersOfSecret, requestsOfIssuerSecret, requestsOfKey, setsOfSecret, injectedFromSecret}},
	}
	if s.clusterIssuers != nil {
		table = append(table, route{s.clusterIssuers, []target{self(queue.ClusterIssuer), waitingRequests(cmapi.ClusterIssuerKind), waitingOrders(cmapi.ClusterIssuerKind)}})
	}
	if s.orders != nil {
		table = append(table,
			route{s.orders, []target{self(queue.Order), itsAsker}},
			route{s.challenges, []target{self(queue.Challenge), itsOrder, places}})
	}
	if s.mutating != nil {
		table = append(table,
			route{s.mutating, []target{setOfWebhook(webhookset.MutatingKind)}},
			route{s.validating, []target{setOfWebhook(webhookset.ValidatingKind)}})
	}
	if s.signing != nil {
		table = append(table, route{s.signing, []target{signingRequest}})
	}
	table = append(append(table, s.shimRoutes()...), s.workloadRoutes()...)
	return append(table, s.injectableRoutes()...)
}
