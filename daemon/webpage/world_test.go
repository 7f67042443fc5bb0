package webpage

import (
	"context"
	"fmt"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"github.com/certwright/certwright/internal/webhookset"
)

// now is a Wednesday.
var now = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

const day = 24 * time.Hour

func at4(d time.Duration) *metav1.Time {
	t := metav1.NewTime(now.Add(d))
	return &t
}

// caches are Caches in maps.
type caches struct {
	certificates []*cmapi.Certificate
	requests     map[types.UID][]*cmapi.CertificateRequest
	orders       map[types.UID][]*cmacme.Order
	challenges   []*cmacme.Challenge
	issuers      []*cmapi.Issuer
	clusters     []*cmapi.ClusterIssuer
	secrets      map[string]*corev1.Secret
	mutating     []*admissionv1.MutatingWebhookConfiguration
	validating   []*admissionv1.ValidatingWebhookConfiguration
	generation   uint64
	empty        bool
}

func (c *caches) Certificate(namespace, name string) *cmapi.Certificate {
	for _, crt := range c.certificates {
		if crt.Namespace == namespace && crt.Name == name {
			return crt
		}
	}
	return nil
}

func (c *caches) Certificates() []*cmapi.Certificate { return c.certificates }

func (c *caches) RequestsOf(crt *cmapi.Certificate) []*cmapi.CertificateRequest {
	return c.requests[crt.UID]
}
func (c *caches) OrdersOf(o metav1.Object) []*cmacme.Order { return c.orders[o.GetUID()] }
func (c *caches) Challenges() []*cmacme.Challenge          { return c.challenges }

func (c *caches) ChallengesOf(o *cmacme.Order) (of []*cmacme.Challenge) {
	for _, ch := range c.challenges {
		if metav1.IsControlledBy(ch, o) {
			of = append(of, ch)
		}
	}
	return of
}

func (c *caches) IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer {
	for _, i := range c.issuers {
		if ref.Kind != cmapi.ClusterIssuerKind && i.Namespace == namespace && i.Name == ref.Name {
			return i
		}
	}
	for _, i := range c.clusters {
		if ref.Kind == cmapi.ClusterIssuerKind && i.Name == ref.Name {
			return i
		}
	}
	return nil
}

func (c *caches) Issuers() []*cmapi.Issuer               { return c.issuers }
func (c *caches) ClusterIssuers() []*cmapi.ClusterIssuer { return c.clusters }

func (c *caches) MutatingWebhooks(*webhookset.Set) []*admissionv1.MutatingWebhookConfiguration {
	return c.mutating
}

func (c *caches) ValidatingWebhooks(*webhookset.Set) []*admissionv1.ValidatingWebhookConfiguration {
	return c.validating
}

func (c *caches) KnownSecret(namespace, name string) *corev1.Secret {
	return c.secrets[namespace+"/"+name]
}

func (c *caches) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	if s := c.KnownSecret(namespace, name); s != nil {
		return s, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

func (c *caches) Generation() uint64 { return c.generation }
func (c *caches) Synced() bool       { return !c.empty }

func ready(reason string, status cmmeta.ConditionStatus) []cmapi.IssuerCondition {
	return []cmapi.IssuerCondition{{Type: "Ready", Status: status, Reason: reason, Message: "said of " + reason}}
}

// certificate is in order: issued 30 of its 90 days ago.
func certificate(namespace, name string, change ...func(*cmapi.Certificate)) *cmapi.Certificate {
	revision := 1
	crt := &cmapi.Certificate{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, UID: types.UID(namespace + "/" + name), CreationTimestamp: *at4(-30 * day)},
		Spec: cmapi.CertificateSpec{SecretName: name + "-tls", DNSNames: []string{name + ".example.com"},
			IssuerRef: cmmeta.IssuerReference{Name: "ca"}},
		Status: cmapi.CertificateStatus{
			NotBefore: at4(-30 * day), NotAfter: at4(60 * day), RenewalTime: at4(30 * day), Revision: &revision,
			Conditions: []cmapi.CertificateCondition{{Type: "Ready", Status: "True", Reason: "Ready", Message: "Certificate is up to date and has not expired", LastTransitionTime: at4(-30 * day)}},
		},
	}
	for _, c := range change {
		c(crt)
	}
	return crt
}

func ends(d time.Duration) func(*cmapi.Certificate) {
	return func(c *cmapi.Certificate) { c.Status.NotAfter = at4(d) }
}

func by(kind, name string) func(*cmapi.Certificate) {
	return func(c *cmapi.Certificate) { c.Spec.IssuerRef = cmmeta.IssuerReference{Kind: kind, Name: name} }
}

// fresh was created and not seen by a daemon.
func fresh(c *cmapi.Certificate) { c.Status = cmapi.CertificateStatus{} }

func failing(c *cmapi.Certificate) {
	n := 2
	c.Status = cmapi.CertificateStatus{LastFailureTime: at4(-10 * time.Minute), FailedIssuanceAttempts: &n,
		Conditions: []cmapi.CertificateCondition{
			{Type: "Ready", Status: "False", Reason: "DoesNotExist", Message: "no Secret", LastTransitionTime: at4(-time.Hour)},
			{Type: "Issuing", Status: "False", Reason: "Failed", Message: "no such role", LastTransitionTime: at4(-10 * time.Minute)}}}
}

// everything is one of each state, and hostile texts among them.
func everything() *caches {
	c := &caches{secrets: map[string]*corev1.Secret{}, requests: map[types.UID][]*cmapi.CertificateRequest{}, orders: map[types.UID][]*cmacme.Order{}}
	good := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: "ca"},
		Spec:   cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "ca"}}},
		Status: cmapi.IssuerStatus{Conditions: ready("KeyPairVerified", "True")}}
	bad := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: "acme"},
		Spec:   cmapi.IssuerSpec{IssuerConfig: cmapi.IssuerConfig{ACME: &cmacme.ACMEIssuer{}}},
		Status: cmapi.IssuerStatus{Conditions: ready(hostile, "False")}}
	c.issuers, c.clusters = []*cmapi.Issuer{good}, []*cmapi.ClusterIssuer{bad}
	c.certificates = []*cmapi.Certificate{
		certificate("shop", "web"),
		certificate("shop", "expired", ends(-day)),
		certificate("shop", "failed", failing),
		certificate("shop", "stuck", by("ClusterIssuer", "acme")),
		certificate("shop", "new", fresh),
		certificate("shop", "lost", fresh, by("Issuer", "gone")),
		certificate("shop", "due", func(c *cmapi.Certificate) { c.Status.RenewalTime = at4(-time.Minute) }),
		certificate("shop", "odd", func(c *cmapi.Certificate) {
			c.Spec.DNSNames = []string{hostile}
			c.Status.Conditions[0].Message = hostile
		}),
		certificate("shop", "many", func(c *cmapi.Certificate) {
			c.Spec.DNSNames = nil
			for i := range 100 {
				c.Spec.DNSNames = append(c.Spec.DNSNames, fmt.Sprintf("n%d.example.com", i))
			}
		}),
	}
	return c
}

// hostile is what somebody may write into a name or a message.
const hostile = `"><script>alert(1)</script><img src=x onerror=alert(2)>'{{.}}javascript:alert(3)`

// secretData must never be shown.
const secretData = "topsecret-private-key"

func handler(t *testing.T, c *caches) *Handler {
	t.Helper()
	h := New(Options{Caches: c, Places: 60})
	h.now = func() time.Time { return now }
	return h
}
