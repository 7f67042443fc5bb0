package harness

import (
	"fmt"

	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"
)

// Clients reach the control plane as its administrator.
type Clients struct {
	// Config is what the clients below were made from.
	Config *rest.Config
	// Kube speaks to the API groups of Kubernetes.
	Kube kubernetes.Interface
	// CertManager speaks to cert-manager.io and acme.cert-manager.io.
	CertManager cmclient.Interface
	// Dynamic applies manifests of any kind.
	Dynamic dynamic.Interface

	mapper *restmapper.DeferredDiscoveryRESTMapper
}

// NewClients makes clients from a kubeconfig file.
func NewClients(kubeconfig string) (*Clients, error) {
	config, err := clientcmd.BuildConfigFromFlags("", kubeconfig)
	if err != nil {
		return nil, fmt.Errorf("read the kubeconfig: %w", err)
	}
	// The API server shares its capacity out by itself; a client that waits
	// would only be measured as slowness of the daemon.
	config.QPS = -1
	config.UserAgent = "certwright-harness"
	config.WarningHandler = rest.NoWarnings{} // tests store bad keys on purpose
	kube, err := kubernetes.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	certManager, err := cmclient.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	dyn, err := dynamic.NewForConfig(config)
	if err != nil {
		return nil, err
	}
	mapper := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(kube.Discovery()))
	return &Clients{Config: config, Kube: kube, CertManager: certManager, Dynamic: dyn, mapper: mapper}, nil
}
