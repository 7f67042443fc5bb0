// Package webhooks tells how sets of webhook certificates stand. It finds them
// by the marks that the daemon leaves in the cluster, and so needs no
// configuration file.
package webhooks

import (
	"context"
	"crypto/x509"
	"strings"
	"time"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/webhookset"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// Report is how one set stands. It holds no private key.
type Report struct {
	Set       string     `json:"set"`
	Namespace string     `json:"namespace"`
	Phase     string     `json:"phase"`
	Since     *time.Time `json:"since,omitempty"`
	Cause     string     `json:"cause,omitempty"`
	CA        Part       `json:"ca"`
	Server    Part       `json:"server"`
	Webhooks  []Webhook  `json:"webhooks,omitempty"`
	// WebhooksUnread is set when they may not be read.
	WebhooksUnread bool `json:"webhooksUnread,omitempty"`
}

// Part is a certificate in its Secret.
type Part struct {
	Secret   string     `json:"secret"`
	NotAfter *time.Time `json:"notAfter,omitempty"`
	Fault    string     `json:"fault,omitempty"`
}

// Webhook is a webhook configuration of a set.
type Webhook struct {
	Kind string `json:"kind"`
	Name string `json:"name"`
	// InPlace is whether every webhook of it carries the bundle of this moment.
	InPlace bool `json:"inPlace"`
}

// Selector finds the CA Secrets of sets.
const Selector = webhookset.RoleLabel + "=" + webhookset.RoleCA

// All reads every set of a namespace, or of all with "".
func All(ctx context.Context, kube kubernetes.Interface, namespace string) ([]Report, error) {
	list, err := kube.CoreV1().Secrets(namespace).List(ctx, metav1.ListOptions{LabelSelector: Selector})
	if err != nil {
		return nil, err
	}
	reports := make([]Report, 0, len(list.Items))
	hooks, unread := configurations(ctx, kube)
	for i := range list.Items {
		r, want := read(ctx, kube, &list.Items[i])
		r.WebhooksUnread = unread
		for _, h := range hooks {
			if h.set == r.Set {
				r.Webhooks = append(r.Webhooks, Webhook{h.kind, h.name, want != "" && h.all(want)})
			}
		}
		reports = append(reports, r)
	}
	return reports, nil
}

// read tells of the Secrets of a set, and which bundle belongs to them.
func read(ctx context.Context, kube kubernetes.Interface, ca *corev1.Secret) (r Report, bundle string) {
	keys := strings.Split(ca.Annotations[webhookset.PairAnnotation]+",,", ",")
	r = Report{
		Set: ca.Labels[webhookset.SetLabel], Namespace: ca.Namespace,
		Phase: ca.Annotations[webhookset.PhaseAnnotation], Cause: ca.Annotations[webhookset.CauseAnnotation],
	}
	if since, err := time.Parse(time.RFC3339, ca.Annotations[webhookset.SinceAnnotation]); err == nil {
		r.Since = &since
	}
	var certs []*x509.Certificate
	r.CA, certs = part(ca.Name, ca.Data[keys[0]])
	if len(certs) > 0 {
		certs = certs[:1]
		old, _ := pki.ParseBundle(ca.Data[keys[2]]) // none, but during a rotation
		bundle = webhookset.Fingerprint(append(certs, old...))
	}
	r.Server = server(ctx, kube, ca)
	return r, bundle
}

func server(ctx context.Context, kube kubernetes.Interface, ca *corev1.Secret) Part {
	name, key, _ := strings.Cut(ca.Annotations[webhookset.ServerAnnotation], "/")
	s, err := kube.CoreV1().Secrets(ca.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return Part{Secret: name, Fault: err.Error()}
	}
	p, _ := part(name, s.Data[key])
	return p
}

func part(secret string, data []byte) (Part, []*x509.Certificate) {
	certs, err := pki.ParseCertificates(data)
	if err != nil {
		return Part{Secret: secret, Fault: err.Error()}, nil
	}
	end := certs[0].NotAfter
	return Part{Secret: secret, NotAfter: &end}, certs
}

// configuration is what matters here of a webhook configuration.
type configuration struct {
	set, kind, name string
	bundles         []string
}

func (c configuration) all(bundle string) bool {
	for _, b := range c.bundles {
		if b != bundle {
			return false
		}
	}
	return true
}

func (c *configuration) add(w admissionv1.WebhookClientConfig) {
	certs, err := pki.ParseBundle(w.CABundle)
	if err != nil {
		c.bundles = append(c.bundles, "")
		return
	}
	c.bundles = append(c.bundles, webhookset.Fingerprint(certs))
}

// configurations reads those that carry a set's mark; whoever may not see them
// is told of the Secrets alone.
func configurations(ctx context.Context, kube kubernetes.Interface) (all []configuration, unread bool) {
	mutating, err := kube.AdmissionregistrationV1().MutatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, true
	}
	validating, err := kube.AdmissionregistrationV1().ValidatingWebhookConfigurations().List(ctx, metav1.ListOptions{})
	if err != nil {
		return nil, true
	}
	for _, m := range mutating.Items {
		c := configuration{set: m.Annotations[webhookset.SetLabel], kind: webhookset.MutatingKind, name: m.Name}
		for _, w := range m.Webhooks {
			c.add(w.ClientConfig)
		}
		all = append(all, c)
	}
	for _, v := range validating.Items {
		c := configuration{set: v.Annotations[webhookset.SetLabel], kind: webhookset.ValidatingKind, name: v.Name}
		for _, w := range v.Webhooks {
			c.add(w.ClientConfig)
		}
		all = append(all, c)
	}
	return all, false
}
