package webpage

import (
	"context"
	"crypto/x509"
	"time"

	"github.com/certwright/certwright/internal/pki"
	"github.com/certwright/certwright/internal/webhookset"

	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// SetEntry is a set of webhook certificates as it is shown.
type SetEntry struct {
	Name      string     `json:"name"`
	Namespace string     `json:"namespace"`
	Phase     string     `json:"phase"`
	Meaning   string     `json:"meaning"`
	Since     *time.Time `json:"since,omitempty"`
	Cause     string     `json:"cause,omitempty"`
	CA        Held       `json:"ca"`
	Server    Held       `json:"server"`
	// InPlace are those of Webhooks whose every bundle is that of this moment.
	Webhooks int `json:"webhookConfigurations"`
	InPlace  int `json:"inPlace"`
}

// Held is a certificate in a Secret.
type Held struct {
	Secret  string     `json:"secret"`
	Expires *time.Time `json:"expires,omitempty"`
	Fault   string     `json:"fault,omitempty"`
}

// Good tells whether nothing is wrong with a set. During a rotation bundles are
// behind for a while.
func (e SetEntry) Good() bool {
	return e.CA.Fault == "" && e.Server.Fault == "" && e.Phase != "" && (e.InPlace == e.Webhooks || !e.Steady())
}

// Steady tells whether no rotation is under way.
func (e SetEntry) Steady() bool { return e.Phase == string(webhookset.Steady) }

var phaseMeanings = map[string]string{
	string(webhookset.Steady):    "One CA, in every bundle.",
	string(webhookset.Spreading): "A rotation: the new CA goes into the bundles beside the old one.",
	string(webhookset.Serving):   "A rotation: the new server certificate is on its way to the servers; the bundles hold both CAs.",
	"":                           "It was not looked at yet.",
}

// secretPatience is how long a Secret may take that is not in memory.
const secretPatience = 2 * time.Second

func (o Options) sets(ctx context.Context) []SetEntry {
	ctx, cancel := context.WithTimeout(ctx, secretPatience)
	defer cancel()
	all := make([]SetEntry, 0, len(o.Sets))
	for i := range o.Sets {
		all = append(all, o.set(ctx, &o.Sets[i]))
	}
	return all
}

func (o Options) set(ctx context.Context, set *webhookset.Set) SetEntry {
	e := SetEntry{Name: set.Name, Namespace: set.Namespace}
	secret, fault := o.secret(ctx, set.Namespace, set.CA.Name)
	marks, data := marksOf(secret)
	e.Phase, e.Cause = marks[webhookset.PhaseAnnotation], marks[webhookset.CauseAnnotation]
	e.Meaning = phaseMeanings[e.Phase]
	if since, err := time.Parse(time.RFC3339, marks[webhookset.SinceAnnotation]); err == nil {
		e.Since = &since
	}
	var bundle []*x509.Certificate
	e.CA, bundle = held(set.CA.Name, data[set.CA.CertKey], fault)
	if len(bundle) > 0 {
		old, _ := pki.ParseBundle(data[set.PreviousKey]) // none, but during a rotation
		bundle = append(bundle[:1:1], old...)
	}
	secret, fault = o.secret(ctx, set.Namespace, set.Server.Name)
	_, data = marksOf(secret)
	e.Server, _ = held(set.Server.Name, data[set.Server.CertKey], fault)
	o.countBundles(&e, set, bundle)
	return e
}

func marksOf(s *corev1.Secret) (map[string]string, map[string][]byte) {
	if s == nil {
		return nil, nil
	}
	return s.Annotations, s.Data
}

// secret reads a Secret, or says in few words why not.
func (o Options) secret(ctx context.Context, namespace, name string) (s *corev1.Secret, fault string) {
	s, err := o.Caches.Secret(ctx, namespace, name)
	switch {
	case err == nil:
		return s, ""
	case apierrors.IsNotFound(err):
		return nil, "there is no such Secret"
	default:
		return nil, "it could not be read from the API server"
	}
}

func held(secret string, data []byte, fault string) (Held, []*x509.Certificate) {
	if fault != "" {
		return Held{Secret: secret, Fault: fault}, nil
	}
	certs, err := pki.ParseCertificates(data)
	if err != nil {
		return Held{Secret: secret, Fault: err.Error()}, nil
	}
	end := certs[0].NotAfter.UTC()
	return Held{Secret: secret, Expires: &end}, certs
}

// countBundles counts the webhook configurations, and those that are right.
func (o Options) countBundles(e *SetEntry, set *webhookset.Set, bundle []*x509.Certificate) {
	want := ""
	if len(bundle) > 0 {
		want = webhookset.Fingerprint(bundle)
	}
	for _, m := range o.Caches.MutatingWebhooks(set) {
		right := want != ""
		for _, w := range m.Webhooks {
			right = right && carries(w.ClientConfig, want)
		}
		e.count(right)
	}
	for _, v := range o.Caches.ValidatingWebhooks(set) {
		right := want != ""
		for _, w := range v.Webhooks {
			right = right && carries(w.ClientConfig, want)
		}
		e.count(right)
	}
}

func (e *SetEntry) count(right bool) {
	e.Webhooks++
	if right {
		e.InPlace++
	}
}

func carries(c admissionv1.WebhookClientConfig, want string) bool {
	certs, err := pki.ParseBundle(c.CABundle)
	return err == nil && webhookset.Fingerprint(certs) == want
}
