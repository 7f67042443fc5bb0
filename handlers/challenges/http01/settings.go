package http01

import (
	"context"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	typedcore "k8s.io/client-go/kubernetes/typed/core/v1"
	typeddiscovery "k8s.io/client-go/kubernetes/typed/discovery/v1"
	typednetworking "k8s.io/client-go/kubernetes/typed/networking/v1"
	typedgateway "sigs.k8s.io/gateway-api/pkg/client/clientset/versioned/typed/apis/v1"
)

// Settings are what an operator chooses.
type Settings struct {
	// Host is where ingress controllers reach the daemon: an IP address, or a
	// DNS name. Empty: Unreachable is told to who needs it.
	Host string
	// Port is the one that the daemon answers on.
	Port int
	// Unreachable says what to set when Host is empty.
	Unreachable string
	// Pods has a pod answer for each challenge.
	Pods bool
	// Image, Resources, RunAsNonRoot and RuntimeClass are of these pods.
	Image        string
	Resources    corev1.ResourceRequirements
	RunAsNonRoot bool
	RuntimeClass string
	// Labels go to all that is made.
	Labels map[string]string
	// Nameservers, host:port, are asked by the self check; none: the system's.
	Nameservers []string
}

// API is what the solver writes by.
type API struct {
	Ingresses typednetworking.IngressesGetter
	Services  typedcore.ServicesGetter
	Pods      typedcore.PodsGetter
	Slices    typeddiscovery.EndpointSlicesGetter
	Routes    typedgateway.HTTPRoutesGetter
}

// Cache knows who is under way.
type Cache interface {
	// SolvingHTTP01 returns the HTTP-01 Challenges of a namespace that have no
	// end yet and are at work, or presented.
	SolvingHTTP01(namespace string) []*cmacme.Challenge
}

// store is the part of a typed client by which one kind of object is kept.
type store[T metav1.Object] interface {
	Get(ctx context.Context, name string, o metav1.GetOptions) (T, error)
	Create(ctx context.Context, object T, o metav1.CreateOptions) (T, error)
	Update(ctx context.Context, object T, o metav1.UpdateOptions) (T, error)
	Delete(ctx context.Context, name string, o metav1.DeleteOptions) error
}
