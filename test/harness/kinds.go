package harness

import (
	"context"
	"fmt"
	"strings"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	coordinationv1 "k8s.io/api/coordination/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/fields"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/client-go/rest"
	"k8s.io/client-go/tools/cache"
	"sigs.k8s.io/yaml"
)

// Object is what can be watched: a pointer to an API type.
type Object interface {
	runtime.Object
	metav1.Object
}

// Kind is one resource with its Go type, so that a wait reads as a sentence:
//
//	crt, err := clients.Certificates().Until(ctx, "team-a", "web", Ready)
type Kind[T Object] struct {
	client   rest.Interface
	resource string
	example  T
}

// Certificates of any namespace.
func (c *Clients) Certificates() Kind[*cmapi.Certificate] {
	return Kind[*cmapi.Certificate]{c.CertManager.CertmanagerV1().RESTClient(), "certificates", &cmapi.Certificate{}}
}

// Requests are CertificateRequests of any namespace.
func (c *Clients) Requests() Kind[*cmapi.CertificateRequest] {
	return Kind[*cmapi.CertificateRequest]{c.CertManager.CertmanagerV1().RESTClient(), "certificaterequests", &cmapi.CertificateRequest{}}
}

// Issuers of any namespace.
func (c *Clients) Issuers() Kind[*cmapi.Issuer] {
	return Kind[*cmapi.Issuer]{c.CertManager.CertmanagerV1().RESTClient(), "issuers", &cmapi.Issuer{}}
}

// ClusterIssuers have no namespace.
func (c *Clients) ClusterIssuers() Kind[*cmapi.ClusterIssuer] {
	return Kind[*cmapi.ClusterIssuer]{c.CertManager.CertmanagerV1().RESTClient(), "clusterissuers", &cmapi.ClusterIssuer{}}
}

// Secrets of any namespace.
func (c *Clients) Secrets() Kind[*corev1.Secret] {
	return Kind[*corev1.Secret]{c.Kube.CoreV1().RESTClient(), "secrets", &corev1.Secret{}}
}

// Events of any namespace, whichever API they were written through.
func (c *Clients) Events() Kind[*corev1.Event] {
	return Kind[*corev1.Event]{c.Kube.CoreV1().RESTClient(), "events", &corev1.Event{}}
}

// Leases of any namespace.
func (c *Clients) Leases() Kind[*coordinationv1.Lease] {
	return Kind[*coordinationv1.Lease]{c.Kube.CoordinationV1().RESTClient(), "leases", &coordinationv1.Lease{}}
}

// Until waits until want holds of one object and returns the object. Before the
// object exists want is not asked. When ctx ends first the error shows what the
// object looked like last.
func (k Kind[T]) Until(ctx context.Context, namespace, name string, want func(T) bool) (T, error) {
	only := fields.OneTermEqualSelector("metadata.name", name)
	found, err := k.until(ctx, namespace, only, func(all []T) bool {
		return len(all) == 1 && want(all[0])
	})
	if err != nil {
		var none T
		return none, fmt.Errorf("waiting for %s %s/%s: %w", k.resource, namespace, name, err)
	}
	return found[0], nil
}

// UntilGone waits until there is no object of that name.
func (k Kind[T]) UntilGone(ctx context.Context, namespace, name string) error {
	only := fields.OneTermEqualSelector("metadata.name", name)
	_, err := k.until(ctx, namespace, only, func(all []T) bool { return len(all) == 0 })
	if err != nil {
		return fmt.Errorf("waiting for %s %s/%s to go: %w", k.resource, namespace, name, err)
	}
	return nil
}

// UntilAll waits until want holds of all objects of a namespace together, or of
// the whole cluster when namespace is empty.
func (k Kind[T]) UntilAll(ctx context.Context, namespace string, want func([]T) bool) ([]T, error) {
	all, err := k.until(ctx, namespace, fields.Everything(), want)
	if err != nil {
		return nil, fmt.Errorf("waiting for all %s of %q: %w", k.resource, namespace, err)
	}
	return all, nil
}

// until stands on an informer and not on a bare watch, because the API server
// may go away and come back while we wait.
func (k Kind[T]) until(ctx context.Context, namespace string, only fields.Selector, want func([]T) bool) ([]T, error) {
	changed := make(chan struct{}, 1)
	notify := func() {
		select {
		case changed <- struct{}{}:
		default: // there is a wake-up on its way already
		}
	}
	store, informer := cache.NewInformerWithOptions(cache.InformerOptions{
		ListerWatcher: cache.NewListWatchFromClient(k.client, k.resource, namespace, only),
		ObjectType:    k.example,
		Handler: cache.ResourceEventHandlerFuncs{
			AddFunc:    func(any) { notify() },
			UpdateFunc: func(any, any) { notify() },
			DeleteFunc: func(any) { notify() },
		},
	})
	running, stop := context.WithCancel(ctx)
	defer stop()
	go informer.RunWithContext(running)
	if !cache.WaitForCacheSync(ctx.Done(), informer.HasSynced) {
		return nil, fmt.Errorf("the API server does not answer: %w", context.Cause(ctx))
	}
	for {
		all := typed[T](store.List())
		if want(all) {
			return all, nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return nil, fmt.Errorf("%w; last seen:\n%s", context.Cause(ctx), Show(all...))
		}
	}
}

func typed[T Object](list []any) []T {
	out := make([]T, 0, len(list))
	for _, item := range list {
		out = append(out, item.(T).DeepCopyObject().(T))
	}
	return out
}

// Show renders objects for a failure message: as YAML, without managed fields,
// and with the sizes of a Secret's values instead of the values.
func Show[T Object](objects ...T) string {
	if len(objects) == 0 {
		return "    (nothing)"
	}
	var out strings.Builder
	for _, object := range objects[:min(len(objects), 10)] {
		shown := object.DeepCopyObject().(Object)
		shown.SetManagedFields(nil)
		if secret, is := shown.(*corev1.Secret); is {
			conceal(secret)
		}
		text, err := yaml.Marshal(shown)
		if err != nil {
			text = []byte(err.Error())
		}
		out.WriteString("    ---\n    " + strings.ReplaceAll(strings.TrimSpace(string(text)), "\n", "\n    ") + "\n")
	}
	if rest := len(objects) - 10; rest > 0 {
		fmt.Fprintf(&out, "    ... and %d more\n", rest)
	}
	return out.String()
}

func conceal(secret *corev1.Secret) {
	secret.StringData = map[string]string{}
	for key, value := range secret.Data {
		secret.StringData[key] = fmt.Sprintf("(%d bytes)", len(value))
	}
	secret.Data = nil
}
