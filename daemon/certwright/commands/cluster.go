package commands

import (
	"context"
	"errors"
	"fmt"
	"io"

	"github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	"github.com/spf13/cobra"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/cli-runtime/pkg/genericclioptions"
	"k8s.io/client-go/discovery"
	"k8s.io/client-go/discovery/cached/memory"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/restmapper"
	"k8s.io/client-go/tools/clientcmd"

	"github.com/certwright/certwright/daemon/certwright/status"
	"github.com/certwright/certwright/daemon/config/nearest"
)

// cluster is the API server that a command works with.
type cluster struct {
	certs versioned.Interface
	kube  kubernetes.Interface
	// dynamic and config are for what the others have no words for.
	dynamic dynamic.Interface
	config  *rest.Config
	// external reads issuers of other groups; nil: they are not read.
	external func(ctx context.Context, kind schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error)
	// namespace is the one in effect: of -n, else of the context.
	namespace string
	host      string
}

func (c cluster) reader() status.Reader {
	return status.Reader{Certs: c.certs.CertmanagerV1(), Core: c.kube.CoreV1(), ACME: c.certs.AcmeV1(), External: c.external}
}

// clusterFlags adds the flags by which kubectl finds a cluster. The rarely
// used ones work but are not shown, so that a command's own can be found.
func clusterFlags(cmd *cobra.Command) *genericclioptions.ConfigFlags {
	flags := genericclioptions.NewConfigFlags(true)
	flags.AddFlags(cmd.Flags())
	for _, rare := range []string{
		"as-uid", "as-user-extra", "cache-dir", "certificate-authority", "client-certificate", "client-key",
		"cluster", "disable-compression", "insecure-skip-tls-verify", "tls-server-name", "token", "user",
	} {
		if f := cmd.Flags().Lookup(rare); f != nil {
			f.Hidden = true
		}
	}
	return flags
}

var errNoKubeconfig = errors.New("no cluster to talk to: there is no kubeconfig, and this is no pod\nname one with --kubeconfig or KUBECONFIG")

// connect makes clients from the flags. It makes no request.
func connect(flags *genericclioptions.ConfigFlags, warnings io.Writer) (cluster, error) {
	loader := flags.ToRawKubeConfigLoader()
	namespace, _, err := loader.Namespace()
	if err != nil {
		return cluster{}, contextHint(flags, loader, err)
	}
	cfg, err := flags.ToRESTConfig()
	if err != nil {
		return cluster{}, contextHint(flags, loader, err)
	}
	if raw, err := loader.RawConfig(); err == nil && len(raw.Clusters) == 0 && cfg.Host == clientcmd.ClusterDefaults.Server && *flags.APIServer == "" {
		return cluster{}, errNoKubeconfig
	}
	// Who waits at a terminal is not to be slowed down on this side.
	cfg.QPS, cfg.Burst = -1, 0
	cfg.UserAgent = "certwright/" + versionInfo().Version
	cfg.WarningHandler = rest.NewWarningWriter(warnings, rest.WarningWriterOptions{Deduplicate: true})
	return newCluster(cfg, namespace)
}

func newCluster(cfg *rest.Config, namespace string) (cluster, error) {
	certs, err := versioned.NewForConfig(cfg)
	if err != nil {
		return cluster{}, fmt.Errorf("client of cert-manager.io: %w", err)
	}
	kube, err := kubernetes.NewForConfig(cfg)
	if err != nil {
		return cluster{}, fmt.Errorf("client of the cluster: %w", err)
	}
	anything, err := dynamic.NewForConfig(cfg)
	if err != nil {
		return cluster{}, fmt.Errorf("client of the cluster: %w", err)
	}
	return cluster{certs: certs, kube: kube, dynamic: anything, config: cfg, external: externalReader(kube.Discovery(), anything), namespace: namespace, host: cfg.Host}, nil
}

// externalReader reads an object of any kind that the API server serves.
func externalReader(d discovery.DiscoveryInterface, c dynamic.Interface) func(context.Context, schema.GroupKind, string, string) (*unstructured.Unstructured, error) {
	return func(ctx context.Context, kind schema.GroupKind, namespace, name string) (*unstructured.Unstructured, error) {
		known, err := restmapper.NewDeferredDiscoveryRESTMapper(memory.NewMemCacheClient(d)).RESTMapping(kind)
		if err != nil {
			return nil, err
		}
		if known.Scope.Name() == meta.RESTScopeNameRoot {
			return c.Resource(known.Resource).Get(ctx, name, metav1.GetOptions{})
		}
		return c.Resource(known.Resource).Namespace(namespace).Get(ctx, name, metav1.GetOptions{})
	}
}

// contextHint adds to an unknown context the one that was perhaps meant.
func contextHint(flags *genericclioptions.ConfigFlags, loader clientcmd.ClientConfig, err error) error {
	raw, rawErr := loader.RawConfig()
	if rawErr != nil || *flags.Context == "" || raw.Contexts[*flags.Context] != nil {
		return err
	}
	var known []string
	for name := range raw.Contexts {
		known = append(known, name)
	}
	return fmt.Errorf("%w%s", err, nearest.Hint(*flags.Context, known))
}
