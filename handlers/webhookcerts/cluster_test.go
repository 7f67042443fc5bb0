package webhookcerts

import (
	"context"
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/queue"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubefake "k8s.io/client-go/kubernetes/fake"
	k8stesting "k8s.io/client-go/testing"
	"k8s.io/client-go/tools/record"
	clocktesting "k8s.io/utils/clock/testing"
)

// cluster is an API server, a webhook server that loads its certificate with a
// delay, and a second API server that learns of bundles with a delay.
type cluster struct {
	t      *testing.T
	client *kubefake.Clientset
	clock  *clocktesting.FakePassiveClock
	set    *webhookset.Set
	seen   Sight

	writes  int
	dieAt   int // the write after which the process dies; 0: none
	made    []string
	events  *record.FakeRecorder
	served  lagging[*x509.Certificate]
	known   lagging[[]byte]
	handler *Handler
}

// lagging is a value that arrives some time after it was stored.
type lagging[T any] struct {
	delay   time.Duration
	present T
	coming  []arrival[T]
	latest  string
}

type arrival[T any] struct {
	at    time.Time
	value T
}

func (l *lagging[T]) put(id string, value T, now time.Time) {
	if id != l.latest {
		l.latest = id
		l.coming = append(l.coming, arrival[T]{now.Add(l.delay), value})
	}
	for len(l.coming) > 0 && !now.Before(l.coming[0].at) {
		l.present, l.coming = l.coming[0].value, l.coming[1:]
	}
}

var errDied = errors.New("the process died")

func newCluster(t *testing.T, objects ...runtime.Object) *cluster {
	c := &cluster{t: t, client: kubefake.NewClientset(objects...), clock: clocktesting.NewFakePassiveClock(now), set: shop()}
	c.set.GraceTime = 40 * time.Second
	c.served.delay, c.known.delay = 30*time.Second, 8*time.Second
	c.client.PrependReactor("patch", "*", func(a k8stesting.Action) (bool, runtime.Object, error) {
		c.writes++
		if c.dieAt > 0 && c.writes > c.dieAt {
			return true, nil, errDied
		}
		return false, nil, nil
	})
	c.restart()
	return c
}

// restart begins a new process, which remembers nothing.
func (c *cluster) restart() {
	c.events = record.NewFakeRecorder(1000)
	c.handler = New(Handler{Sets: []webhookset.Set{*c.set}, Cache: c, Client: c.client, Events: c.events, Gauges: c, Clock: c.clock})
	c.handler.sight = func(context.Context, *Observed) Sight { return c.seen }
	c.writes, c.dieAt = 0, 0
}

func (c *cluster) Stands(string, webhookset.Phase, time.Time, time.Time) {}
func (c *cluster) Regenerated(_, cause string)                           { c.made = append(c.made, cause) }
func (c *cluster) WebhooksSynced() bool                                  { return true }
func (c *cluster) MutatingWebhooks(*webhookset.Set) []*admissionv1.MutatingWebhookConfiguration {
	return nil
}
func (c *cluster) ValidatingWebhooks(*webhookset.Set) []*admissionv1.ValidatingWebhookConfiguration {
	list, err := c.client.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(c.t.Context(), metav1.ListOptions{})
	check(c.t, err)
	var all []*admissionv1.ValidatingWebhookConfiguration
	for i := range list.Items {
		all = append(all, &list.Items[i])
	}
	return all
}
func (c *cluster) Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return c.client.CoreV1().Secrets(namespace).Get(ctx, name, metav1.GetOptions{})
}
func (c *cluster) LiveSecret(ctx context.Context, namespace, name string) (*corev1.Secret, error) {
	return c.Secret(ctx, namespace, name)
}

// second handles the set until it rests, lets a second pass, and holds what is
// served against what the API server knows. It reports whether it rests.
func (c *cluster) second(probing bool) (after time.Duration) {
	c.t.Helper()
	for range 40 {
		before := c.writes
		result, err := c.handler.Handle(c.t.Context(), queue.Key{Kind: queue.WebhookSet, Name: "shop"})
		if errors.Is(err, errDied) {
			c.restart()
			continue
		}
		check(c.t, err)
		c.arrive(probing)
		if c.writes == before {
			after = result.After
			break
		}
	}
	c.clock.SetTime(c.clock.Now().Add(time.Second))
	c.arrive(probing)
	return after
}

// arrive moves what is on its way, and looks as a probe does.
func (c *cluster) arrive(probing bool) {
	c.t.Helper()
	if s, err := c.Secret(c.t.Context(), "shop", "webhook-server-cert"); err == nil {
		certs, err := pki.ParseCertificates(s.Data["tls.crt"])
		check(c.t, err)
		c.served.put(string(s.Data["tls.crt"]), certs[0], c.clock.Now())
	}
	for _, h := range c.ValidatingWebhooks(nil) {
		c.known.put(string(h.Webhooks[0].ClientConfig.CABundle), h.Webhooks[0].ClientConfig.CABundle, c.clock.Now())
	}
	c.seen = Unseen
	if s, err := c.Secret(c.t.Context(), "shop", "ca-server-cert"); err == nil && probing && c.served.present != nil {
		c.seen = SeenFormer
		if c.admits(s.Data["ca.crt"]) == nil {
			c.seen = SeenNew
		}
	}
}

func (c *cluster) admits(bundle []byte) error {
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(bundle)
	_, err := c.served.present.Verify(x509.VerifyOptions{Roots: roots, DNSName: "hook.shop.svc", CurrentTime: c.clock.Now()})
	return err
}

// works fails the test when an admission call would be lost just now.
func (c *cluster) works(when string) {
	c.t.Helper()
	if err := c.admits(c.known.present); err != nil {
		c.t.Fatalf("%s, at %s: an admission call is lost: %v", when, c.clock.Now().Sub(now), err)
	}
}

func (c *cluster) phase() string {
	s, err := c.Secret(c.t.Context(), "shop", "ca-server-cert")
	if apierrors.IsNotFound(err) {
		return ""
	}
	check(c.t, err)
	return s.Annotations[webhookset.PhaseAnnotation]
}

// install runs a new set until its first certificate is served.
func (c *cluster) install() {
	c.t.Helper()
	for range 40 {
		c.second(true)
	}
	c.works("after the install")
	c.made = nil
}

func (c *cluster) ask(what string) {
	s, err := c.Secret(c.t.Context(), "shop", "ca-server-cert")
	check(c.t, err)
	s.Annotations[webhookset.RotateAnnotation] = what
	_, err = c.client.CoreV1().Secrets("shop").Update(c.t.Context(), s, metav1.UpdateOptions{})
	check(c.t, err)
}
