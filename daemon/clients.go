package daemon

import (
	"context"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/daemon/connection"

	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	utilruntime "k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
	gwclient "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned"
)

// Clients are the ways to the API server.
type Clients struct {
	Core        kubernetes.Interface
	CertManager cmclient.Interface
	Metadata    metadata.Interface
	Gateway     gwclient.Interface
	// Side is for events and leases, so that work and they do not delay each other.
	Side kubernetes.Interface
	// Served tells whether the API server knows a resource; nil: all of them.
	Served func(context.Context, schema.GroupVersionResource) (bool, error)
	// Plural finds the resource of a kind; empty when it is not served. nil:
	// no custom kind is.
	Plural func(context.Context, schema.GroupVersionKind) (string, error)
	// Raw is for what is read and patched as JSON, whatever it is.
	Raw rest.Interface
	// APIServerCA reads the CA by which the connection knows the API server.
	APIServerCA func() ([]byte, error)
	// Admission tells whether bad requests are refused and good ones stamped;
	// nil: it is not asked.
	Admission func(ctx context.Context, namespace string) (refuses, stamps bool, err error)
	// ACME carries the requests to ACME servers; nil: the network.
	ACME http.RoundTripper
	// Collector carries traces; nil: the network.
	Collector http.RoundTripper
	// Calls meters the requests to the API server; nil: nobody does.
	Calls *apiCalls
	// UserAgent is what certwright calls itself to others.
	UserAgent string
	// Resource finds the plural of a kind, and whether it is cluster-scoped.
	Resource func(schema.GroupKind) (plural string, cluster bool, err error)
	// External reads an object of any kind; nil: none is read.
	External func(ctx context.Context, kind schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error)
	// Fault says what keeps the API server from serving us now; "" when nothing
	// does. nil: it is not known.
	Fault func() string
}

// connect makes the clients, over a line that outlives outages and takes new
// credentials. Errors: no usable kubeconfig, named.
func connect(ctx context.Context, cfg config.Config, version string) (Clients, *connection.Line, error) {
	line, rc, err := connection.Open(ctx, connection.Source{Files: kubeconfigs(cfg).GetLoadingPrecedence(), Load: func() (*rest.Config, error) {
		rc, err := restConfig(cfg)
		if err != nil {
			return nil, err
		}
		rc.UserAgent = fmt.Sprintf("certwright/%s (%s/%s)", version, runtime.GOOS, runtime.GOARCH)
		rc.QPS, rc.Burst = cfg.Throttle()
		return rc, nil
	}})
	if err != nil {
		return Clients{}, nil, err
	}
	c, err := clientsOver(rc, &http.Client{Transport: line})
	c.Fault = line.Fault
	return c, line, err
}

func restConfig(cfg config.Config) (*rest.Config, error) {
	rc, err := kubeconfig(cfg).ClientConfig()
	if err != nil {
		return nil, connection.Unusable(kubeconfigs(cfg).GetLoadingPrecedence(), cfg.Context, err)
	}
	return rc, nil
}

// kubeconfigs are the files that say where the API server is.
func kubeconfigs(cfg config.Config) *clientcmd.ClientConfigLoadingRules {
	rules := clientcmd.NewDefaultClientConfigLoadingRules()
	rules.ExplicitPath = cfg.Kubeconfig
	return rules
}

func kubeconfig(cfg config.Config) clientcmd.ClientConfig {
	rules := kubeconfigs(cfg)
	overrides := &clientcmd.ConfigOverrides{CurrentContext: cfg.Context}
	overrides.ClusterInfo.Server = cfg.Master
	return clientcmd.NewNonInteractiveDeferredLoadingClientConfig(rules, overrides)
}

// clientsOver makes all clients share one connection. Built-in resources
// travel as protobuf, which is cheaper at both ends; custom ones have only JSON.
func clientsOver(rc *rest.Config, transport *http.Client) (c Clients, err error) {
	c.Calls = newAPICalls(transport.Transport)
	metered := *transport
	metered.Transport = c.Calls
	transport = &metered
	binary := rest.CopyConfig(rc)
	binary.ContentType = utilruntime.ContentTypeProtobuf
	binary.AcceptContentTypes = utilruntime.ContentTypeProtobuf + "," + utilruntime.ContentTypeJSON
	if c.Core, err = kubernetes.NewForConfigAndClient(binary, transport); err != nil {
		return c, err
	}
	if c.Side, err = kubernetes.NewForConfigAndClient(binary, transport); err != nil {
		return c, err
	}
	if c.CertManager, err = cmclient.NewForConfigAndClient(rc, transport); err != nil {
		return c, err
	}
	if c.Metadata, err = metadata.NewForConfigAndClient(metadata.ConfigFor(rc), transport); err != nil {
		return c, err
	}
	if c.Gateway, err = gwclient.NewForConfigAndClient(rc, transport); err != nil {
		return c, err
	}
	if c.Raw, err = rest.UnversionedRESTClientForConfigAndClient(raw(rc), transport); err != nil {
		return c, err
	}
	c.APIServerCA, c.UserAgent = apiServerCA(rc), rc.UserAgent
	c.Served = served(c.Core.Discovery())
	c.Admission = func(ctx context.Context, namespace string) (bool, bool, error) {
		return admission(ctx, c.CertManager, namespace)
	}
	c.Plural = pluralServed(c.Core.Discovery())
	c.Resource = plural(c.Core.Discovery())
	anything, err := dynamic.NewForConfigAndClient(rc, transport)
	if err != nil {
		return c, err
	}
	c.External = external(c.Core.Discovery(), anything)
	return c, nil
}

// served asks the API server for the resources of a group version.
func served(d discovery.DiscoveryInterface) func(context.Context, schema.GroupVersionResource) (bool, error) {
	return func(_ context.Context, r schema.GroupVersionResource) (bool, error) {
		list, err := d.ServerResourcesForGroupVersion(r.GroupVersion().String())
		if apierrors.IsNotFound(err) {
			return false, nil
		}
		if err != nil {
			return false, err
		}
		for _, known := range list.APIResources {
			if known.Name == r.Resource {
				return true, nil
			}
		}
		return false, nil
	}
}

// pluralServed asks the API server for the resource of a kind in one version.
func pluralServed(d discovery.DiscoveryInterface) func(context.Context, schema.GroupVersionKind) (string, error) {
	return func(_ context.Context, kind schema.GroupVersionKind) (string, error) {
		list, err := d.ServerResourcesForGroupVersion(kind.GroupVersion().String())
		if apierrors.IsNotFound(err) {
			return "", nil
		}
		if err != nil {
			return "", err
		}
		for _, known := range list.APIResources {
			if known.Kind == kind.Kind && !strings.Contains(known.Name, "/") { // no subresource
				return known.Name, nil
			}
		}
		return "", nil
	}
}

// missTTL is how long a kind that the API server does not know is not asked
// for again: about what the contract's 30 s allow (section 1.5).
const missTTL = 30 * time.Second

// plural maps kinds by discovery, which is asked anew for a kind not seen yet,
// but not more often than missTTL.
func plural(d discovery.DiscoveryInterface) func(schema.GroupKind) (string, bool, error) {
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d))
	var mu sync.Mutex
	var refreshed time.Time
	return func(kind schema.GroupKind) (string, bool, error) {
		mu.Lock()
		defer mu.Unlock()
		if time.Since(refreshed) > missTTL {
			mapper.Reset()
			refreshed = time.Now()
		}
		m, err := mapper.RESTMapping(kind)
		if err != nil {
			return "", false, fmt.Errorf("kind %s is unknown to the API server: %w", kind, err)
		}
		return m.Resource.Resource, m.Scope.Name() == "root", nil
	}
}
