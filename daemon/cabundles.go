package daemon

import (
	"fmt"
	"os"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/cabundles"
	"github.com/certwright/certwright/informers"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/queue"

	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/record"
	"k8s.io/utils/clock"
)

// injectables are the kinds that this daemon injects CA bundles into.
func injectables(cfg config.Config) []queue.Kind {
	var kinds []queue.Kind
	if !cfg.Runs(config.CABundles) {
		return nil
	}
	for _, row := range []struct {
		on   bool
		kind queue.Kind
	}{
		{cfg.EnableMutatingWebhookConfigurationsInjectable, queue.MutatingWebhook},
		{cfg.EnableValidatingWebhookConfigurationsInjectable, queue.ValidatingWebhook},
		{cfg.EnableAPIServicesInjectable, queue.APIService},
		{cfg.EnableCustomResourceDefinitionsInjectable, queue.CustomResource},
	} {
		if row.on {
			kinds = append(kinds, row.kind)
		}
	}
	return kinds
}

// injection is the right to inject CA bundles into objects of a kind.
func injection(k queue.Kind) right {
	r := api.InjectableResource(k.String())
	return right{group: r.Group, resource: r.Resource, verbs: []string{"get", "list", "watch", "patch"}, cluster: true, kind: k}
}

func bundles(c Clients, set *informers.Set, events record.EventRecorder) *cabundles.Handler {
	return &cabundles.Handler{
		Cache: set, Objects: cabundles.REST{Client: c.Raw}, APIServerCA: c.APIServerCA,
		Events: events, Clock: clock.RealClock{},
	}
}

// raw makes a client for resources that none of our types describe.
func raw(rc *rest.Config) *rest.Config {
	rc = rest.CopyConfig(rc)
	rc.NegotiatedSerializer = scheme.Codecs.WithoutConversion()
	return rc
}

// apiServerCA reads the CA by which the connection knows the API server. A
// file is read each time, for it may be replaced; so does client-go.
func apiServerCA(rc *rest.Config) func() ([]byte, error) {
	file, data := rc.CAFile, rc.CAData
	return func() ([]byte, error) {
		if len(data) > 0 || file == "" {
			return data, nil
		}
		text, err := os.ReadFile(file)
		if err != nil {
			return nil, fmt.Errorf("read the API server's CA: %w", err)
		}
		return text, nil
	}
}
