package webpage

import (
	"context"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/internal/webhookset"
)

// Caches are what the page is made from. Nothing they return is changed.
type Caches interface {
	Certificate(namespace, name string) *cmapi.Certificate
	Certificates() []*cmapi.Certificate
	RequestsOf(*cmapi.Certificate) []*cmapi.CertificateRequest
	OrdersOf(owner metav1.Object) []*cmacme.Order
	Challenges() []*cmacme.Challenge
	ChallengesOf(*cmacme.Order) []*cmacme.Challenge
	IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer
	Issuers() []*cmapi.Issuer
	ClusterIssuers() []*cmapi.ClusterIssuer
	MutatingWebhooks(*webhookset.Set) []*admissionv1.MutatingWebhookConfiguration
	ValidatingWebhooks(*webhookset.Set) []*admissionv1.ValidatingWebhookConfiguration
	// KnownSecret returns a Secret that is in memory anyway, or nil.
	KnownSecret(namespace, name string) *corev1.Secret
	// Secret may read it from the API server, once for each of its versions.
	Secret(ctx context.Context, namespace, name string) (*corev1.Secret, error)
	// Generation changes with anything that is cached.
	Generation() uint64
	Synced() bool
}

// Shard is a part of the work and who holds its Lease.
type Shard struct {
	Lease  string `json:"lease"`
	Holder string `json:"holder"` // empty: nobody, or it is not known yet
	Mine   bool   `json:"mine"`
}

// Options is what a page is made of.
type Options struct {
	Caches Caches
	Sets   []webhookset.Set
	// Places is how many challenges may be at work at a time; 0: this daemon
	// does not run the ACME controllers.
	Places int
	// Confined says that cluster-scoped resources are not watched, and
	// ClusterNamespace where the Secrets of ClusterIssuers are.
	Confined         bool
	ClusterNamespace string
	// Identity tells what this replica calls itself in a Lease, and Shards who
	// holds what; nil: there is no leader election.
	Identity func() string
	Shards   func() []Shard
}
