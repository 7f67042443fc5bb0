package daemon

import (
	"slices"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/restarts"
	"github.com/certwright/certwright/handlers/shims"
	"github.com/certwright/certwright/informers"

	"github.com/cert-manager/cert-manager/pkg/apis/certmanager"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	appsv1 "k8s.io/api/apps/v1"
	networkingv1 "k8s.io/api/networking/v1"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
	gatewayv1 "sigs.k8s.io/gateway-api/apis/v1"
)

// shimOptions says which parents are watched.
func shimOptions(cfg config.Config, c Clients) informers.Shims {
	gateway := c.Gateway != nil
	return informers.Shims{
		Ingresses: cfg.Runs(config.IngressShim), Gateways: gateway && cfg.Runs(config.GatewayShim), ListenerSets: gateway && cfg.Runs(config.ListenerSetShim),
		Gateway: c.Gateway, Annotations: slices.Concat(cfg.AutoCertificateAnnotations, cfg.ExtraCertificateAnnotations),
	}
}

func shimHandler(cfg config.Config, c Clients, set *informers.Set, events record.EventRecorder) *shims.Handler {
	return &shims.Handler{
		Cache: set, Client: c.CertManager.CertmanagerV1(), Events: events, Clock: clock.RealClock{},
		Settings: shims.Settings{
			Issuer:          cmmeta.IssuerReference{Name: cfg.DefaultIssuerName, Kind: cfg.DefaultIssuerKind, Group: cfg.DefaultIssuerGroup},
			AutoAnnotations: cfg.AutoCertificateAnnotations, ExtraAnnotations: cfg.ExtraCertificateAnnotations,
			ExtraProtocols: cfg.GatewayAPIExtraProtocols, Limits: settings(cfg).Limits,
		},
	}
}

func restartHandler(c Clients, set *informers.Set, events record.EventRecorder) *restarts.Handler {
	return &restarts.Handler{Cache: set, Client: c.Core.AppsV1(), Events: events, Clock: clock.RealClock{}}
}

// shimming are the rights that Certificates by annotation take.
func shimming() []right {
	read := []string{"list", "watch"}
	all := []right{
		{group: networkingv1.GroupName, resource: "ingresses", verbs: read, part: config.IngressShim},
		{group: gatewayv1.GroupName, resource: "gateways", verbs: read, part: config.GatewayShim},
		{group: gatewayv1.GroupName, resource: "httproutes", verbs: read, part: config.GatewayShim},
		{group: gatewayv1.GroupName, resource: "listenersets", verbs: read, part: config.ListenerSetShim},
	}
	for _, part := range []config.Controller{config.IngressShim, config.GatewayShim, config.ListenerSetShim} {
		all = append(all, right{group: certmanager.GroupName, resource: "certificates", verbs: []string{"create", "patch", "delete"}, part: part})
	}
	for _, resource := range []string{"deployments", "statefulsets", "daemonsets"} {
		all = append(all, right{group: appsv1.GroupName, resource: resource, verbs: []string{"list", "watch", "patch"}, part: config.Restarts})
	}
	return all
}
