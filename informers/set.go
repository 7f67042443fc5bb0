package informers

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"

	"github.com/certwright/certwright/internal/webhookset"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmclient "github.com/cert-manager/cert-manager/pkg/client/clientset/versioned"
	admissionv1 "k8s.io/api/admissionregistration/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/metadata"
	"k8s.io/client-go/tools/cache"
)

// Options is what a Set is made of.
type Options struct {
	Core        kubernetes.Interface
	CertManager cmclient.Interface
	Metadata    metadata.Interface

	// Namespaces served; none means all of them. With a list, cluster-scoped
	// resources are not watched: whoever is confined to namespaces has no
	// right to them.
	Namespaces []string
	// ClusterNamespace is where ClusterIssuers find their Secrets.
	ClusterNamespace string
	// SigningRequests has the Kubernetes CertificateSigningRequests watched,
	// which are cluster-scoped.
	SigningRequests bool
	// ACME has the Orders and Challenges watched.
	ACME bool
	// Shims has those watched who ask for Certificates by annotation.
	Shims Shims
	// Restarts has the workloads watched that may ask to be restarted.
	Restarts bool
	// WebhookSets are the sets of webhook certificates.
	WebhookSets []webhookset.Set
	// Injectables are the kinds that CA bundles are injected into, all of which
	// are cluster-scoped.
	Injectables []queue.Kind
	// Plural finds the resource of a custom kind; empty when it is not served.
	// nil: sets are not triggered by custom resources.
	Plural func(context.Context, schema.GroupVersionKind) (string, error)
	// Served tells whether the API server knows a resource. nil: all of them.
	Served func(context.Context, schema.GroupVersionResource) (bool, error)
	// Recheck is how often a missing API is looked for. 0: 3 seconds.
	Recheck time.Duration
}

// Set is everything that is watched, with the indexes over it.
type Set struct {
	options        Options
	certificates   *store[*cmapi.Certificate]
	requests       *store[*cmapi.CertificateRequest]
	issuers        *store[*cmapi.Issuer]
	clusterIssuers *store[*cmapi.ClusterIssuer]                      // nil when confined to namespaces
	signing        *store[*certificatesv1.CertificateSigningRequest] // nil too, and when nobody asks for them
	secrets        *secrets
	orders         *store[*cmacme.Order]     // nil without ACME
	challenges     *store[*cmacme.Challenge] // nil without ACME
	changed        changes                   // Challenges, for who gives them places

	mutating     *store[*admissionv1.MutatingWebhookConfiguration]   // nil without sets
	validating   *store[*admissionv1.ValidatingWebhookConfiguration] // nil without sets
	setsBySecret map[string][]queue.Key
	triggered    []trigger

	injectables injectables // empty when confined to namespaces

	generation atomic.Uint64 // grows with every event: see Generation

	shims
	workloads
}

// New makes the informers; nothing is watched before Run.
func New(o Options) *Set {
	if o.Recheck == 0 {
		o.Recheck = 3 * time.Second
	}
	namespaces := o.Namespaces
	if len(namespaces) == 0 {
		namespaces = []string{metav1.NamespaceAll}
	}
	s := &Set{options: o}
	s.certificates = newStore(namespaces, s.certificateSpec())
	s.requests = newStore(namespaces, s.requestSpec())
	s.issuers = newStore(namespaces, s.issuerSpec())
	if len(o.Namespaces) == 0 {
		s.clusterIssuers = newStore([]string{metav1.NamespaceAll}, s.clusterIssuerSpec())
	}
	if o.SigningRequests && len(o.Namespaces) == 0 {
		s.signing = newStore([]string{metav1.NamespaceAll}, s.signingSpec())
	}
	if o.ACME {
		s.orders = newStore(namespaces, s.orderSpec())
		s.challenges = newStore(namespaces, s.challengeSpec())
	}
	if len(o.WebhookSets) > 0 {
		s.mutating = newStore([]string{metav1.NamespaceAll}, s.mutatingSpec())
		s.validating = newStore([]string{metav1.NamespaceAll}, s.validatingSpec())
	}
	s.setsBySecret = setIndex(o.WebhookSets)
	s.injectables = s.newInjectables(o.Injectables)
	s.shims = s.newShims(namespaces)
	s.workloads = s.newWorkloads(namespaces)
	s.secrets = &secrets{
		client:  o.Core,
		own:     newStore(namespaces, s.ownSecretSpec()),
		foreign: newStore(namespaces, s.foreignSecretSpec()),
		read:    map[string]*corev1.Secret{},
	}
	s.secrets.foreign.handle(s.secrets.forgetDeleted())
	return s
}

func (s *Set) certificateSpec() spec[*cmapi.Certificate, *cmapi.CertificateList] {
	return spec[*cmapi.Certificate, *cmapi.CertificateList]{
		resource: cmapi.SchemeGroupVersion.WithResource("certificates"),
		example:  &cmapi.Certificate{}, client: s.options.CertManager, transform: trim,
		typed: func(ns string) listWatcher[*cmapi.CertificateList] {
			return s.options.CertManager.CertmanagerV1().Certificates(ns)
		},
		indexers: cache.Indexers{bySecret: indexBy(certificateSecrets), byShimOwner: indexBy(shimOwners)},
	}
}

func (s *Set) requestSpec() spec[*cmapi.CertificateRequest, *cmapi.CertificateRequestList] {
	return spec[*cmapi.CertificateRequest, *cmapi.CertificateRequestList]{
		resource: cmapi.SchemeGroupVersion.WithResource("certificaterequests"),
		example:  &cmapi.CertificateRequest{}, client: s.options.CertManager, transform: trim,
		typed: func(ns string) listWatcher[*cmapi.CertificateRequestList] {
			return s.options.CertManager.CertmanagerV1().CertificateRequests(ns)
		},
		indexers: cache.Indexers{
			byCertificate:   indexBy(requestCertificate),
			byWaitingIssuer: indexBy(waitingIssuer),
			byWaitingKey:    indexBy(waitingKey),
		},
	}
}

func (s *Set) issuerSpec() spec[*cmapi.Issuer, *cmapi.IssuerList] {
	return spec[*cmapi.Issuer, *cmapi.IssuerList]{
		resource: cmapi.SchemeGroupVersion.WithResource("issuers"),
		example:  &cmapi.Issuer{}, client: s.options.CertManager, transform: trim,
		typed: func(ns string) listWatcher[*cmapi.IssuerList] {
			return s.options.CertManager.CertmanagerV1().Issuers(ns)
		},
		indexers: cache.Indexers{bySecret: indexBy(func(i *cmapi.Issuer) []string {
			return issuerSecrets(i.Namespace, &i.Spec)
		})},
	}
}

func (s *Set) clusterIssuerSpec() spec[*cmapi.ClusterIssuer, *cmapi.ClusterIssuerList] {
	return spec[*cmapi.ClusterIssuer, *cmapi.ClusterIssuerList]{
		resource: cmapi.SchemeGroupVersion.WithResource("clusterissuers"),
		example:  &cmapi.ClusterIssuer{}, client: s.options.CertManager, transform: trim,
		typed: func(string) listWatcher[*cmapi.ClusterIssuerList] {
			return s.options.CertManager.CertmanagerV1().ClusterIssuers()
		},
		indexers: cache.Indexers{bySecret: indexBy(func(i *cmapi.ClusterIssuer) []string {
			return issuerSecrets(s.options.ClusterNamespace, &i.Spec)
		})},
	}
}

func (s *Set) signingSpec() spec[*certificatesv1.CertificateSigningRequest, *certificatesv1.CertificateSigningRequestList] {
	return spec[*certificatesv1.CertificateSigningRequest, *certificatesv1.CertificateSigningRequestList]{
		resource: certificatesv1.SchemeGroupVersion.WithResource("certificatesigningrequests"),
		example:  &certificatesv1.CertificateSigningRequest{}, client: s.options.Core, transform: trimSigningRequest,
		typed: func(string) listWatcher[*certificatesv1.CertificateSigningRequestList] {
			return s.options.Core.CertificatesV1().CertificateSigningRequests()
		},
		indexers: cache.Indexers{byWaitingIssuer: indexBy(signingIssuer), byWaitingKey: indexBy(s.signingKey)},
	}
}

func (s *Set) ownSecretSpec() spec[*corev1.Secret, *corev1.SecretList] {
	return spec[*corev1.Secret, *corev1.SecretList]{
		resource: secretResource, selector: ownLabel + "=true",
		example: &corev1.Secret{}, client: s.options.Core, transform: trimSecret,
		typed: func(ns string) listWatcher[*corev1.SecretList] {
			return s.options.Core.CoreV1().Secrets(ns)
		},
		indexers: cache.Indexers{byCertificate: indexBy(keySecretCertificate)},
	}
}

func (s *Set) foreignSecretSpec() spec[*metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList] {
	return spec[*metav1.PartialObjectMetadata, *metav1.PartialObjectMetadataList]{
		resource: secretResource, selector: ownLabel + "!=true",
		example: &metav1.PartialObjectMetadata{}, client: s.options.Metadata, transform: trimMetadata,
		typed: func(ns string) listWatcher[*metav1.PartialObjectMetadataList] {
			return s.options.Metadata.Resource(secretResource).Namespace(ns)
		},
		indexers: cache.Indexers{},
	}
}

// Wake connects the route table to a queue. Call it once, before Run.
func (s *Set) Wake(q adder) {
	for _, r := range s.routes() {
		r.from.handle(waker{set: s, to: r.to, q: q})
	}
	s.triggered = s.triggers(q)
}

// Run watches until ctx ends and every informer has stopped. A resource that
// the API server does not know yet is watched as soon as it does.
func (s *Set) Run(ctx context.Context) {
	var running sync.WaitGroup
	defer running.Wait()
	for _, t := range s.triggered {
		running.Go(func() { t.run(ctx) })
	}
	missing := s.all()
	for len(missing) > 0 {
		missing = s.start(ctx, missing, running.Go)
		if len(missing) == 0 {
			break
		}
		select {
		case <-ctx.Done():
			return
		case <-time.After(s.recheck(missing)):
		}
	}
	<-ctx.Done()
}

// start runs those stores whose resource is served and returns the others.
func (s *Set) start(ctx context.Context, stores []watched, spawn func(func())) (missing []watched) {
	for _, st := range stores {
		if s.served(ctx, st.gvr()) {
			st.run(ctx, spawn)
		} else {
			missing = append(missing, st)
		}
	}
	return missing
}

func (s *Set) served(ctx context.Context, r schema.GroupVersionResource) bool {
	if s.options.Served == nil {
		return true
	}
	ok, err := s.options.Served(ctx, r)
	return ok && err == nil
}

// Missing lists the resources that are not watched because the API server
// does not know them, but for those of the Gateway API, which need not be there.
func (s *Set) Missing() []schema.GroupVersionResource {
	var missing []schema.GroupVersionResource
	for _, st := range s.all() {
		if !st.hasStarted() && !s.isShim(st) {
			missing = append(missing, st.gvr())
		}
	}
	return missing
}

// Synced reports whether all that existed at the start is in the cache and on
// the queue. Handlers must not run before. Signing requests are left out: each
// is decided on by itself, and who may not watch them yet (they came later
// than the other rights) shall go on with all else.
func (s *Set) Synced() bool {
	for _, st := range s.all() {
		if !s.alone(st) && !st.hasSynced() {
			return false
		}
	}
	return true
}

// alone tells the stores that nobody but their own handlers waits for: see
// WebhooksSynced, ShimsSynced and RestartsSynced.
func (s *Set) alone(st watched) bool {
	return st == watched(s.signing) || st == watched(s.mutating) || st == watched(s.validating) ||
		s.isInjectable(st) || s.isShim(st) || s.isWorkload(st)
}

// recheck is how soon a missing API is looked for again: rarer when nothing but
// what may never come is missing.
func (s *Set) recheck(missing []watched) time.Duration {
	for _, st := range missing {
		if !s.alone(st) {
			return s.options.Recheck
		}
	}
	return 3 * s.options.Recheck
}

// Generation changes with everything that is cached, so that who shows it knows
// when to look again. It is no count of anything.
func (s *Set) Generation() uint64 { return s.generation.Load() }

func (s *Set) all() []watched {
	var all []watched
	for _, r := range s.routes() {
		all = append(all, r.from)
	}
	return all
}

// Keys yields the keys of everything that is kept and renewed, for a sweep.
func (s *Set) Keys() iter.Seq[queue.Key] {
	return func(yield func(queue.Key) bool) {
		all := keys(queue.Certificate, s.certificates.list())
		all = append(all, keys(queue.Issuer, s.issuers.list())...)
		if s.clusterIssuers != nil {
			all = append(all, keys(queue.ClusterIssuer, s.clusterIssuers.list())...)
		}
		all = append(append(all, s.shimKeys()...), s.restartKeys()...)
		for _, k := range all {
			if !yield(k) {
				return
			}
		}
	}
}
