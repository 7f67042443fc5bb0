package signingrequests

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/handlers/issuers"
	"github.com/certwright/certwright/handlers/issuers/ca"
	"github.com/certwright/certwright/handlers/issuers/selfsigned"
	"github.com/certwright/certwright/queue"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	authorizationv1 "k8s.io/api/authorization/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	kubefake "k8s.io/client-go/kubernetes/fake"
	clienttesting "k8s.io/client-go/testing"
	clocktesting "k8s.io/utils/clock/testing"
)

var now = time.Date(2026, time.March, 1, 12, 0, 0, 400_000_000, time.UTC)

// The names of the tests' objects.
const (
	namespace        = "team"
	clusterNamespace = "cluster-secrets"
	name             = "web"
	issuerSigner     = "issuers.cert-manager.io/team.ca"
	clusterSigner    = "clusterissuers.cert-manager.io/ca"
)

var key = queue.Key{Kind: queue.SigningRequest, Name: name}

// world is a cluster with one signing request, as the handler sees it. It is
// the handler's cache, its backends' Secrets and its recorder of events.
type world struct {
	t       *testing.T
	client  *kubefake.Clientset
	handler *Handler
	shown   *certificatesv1.CertificateSigningRequest // what the cache shows
	issuers map[string]cmapi.GenericIssuer            // by "Issuer ns/name"
	secrets map[string]*corev1.Secret
	failing error // of reading a Secret

	// may answers reviews; nil allows everything.
	may     func(authorizationv1.SubjectAccessReviewSpec) (authorizationv1.SubjectAccessReviewStatus, error)
	reviews []authorizationv1.SubjectAccessReviewSpec
	writes  []string
	events  []string
	refuse  error // what the next write is answered with
}

func newWorld(t *testing.T, csr *certificatesv1.CertificateSigningRequest) *world {
	w := &world{t: t, client: kubefake.NewSimpleClientset(), shown: csr,
		issuers: map[string]cmapi.GenericIssuer{}, secrets: map[string]*corev1.Secret{}}
	w.client.PrependReactor("create", "subjectaccessreviews", w.review)
	w.client.PrependReactor("update", "certificatesigningrequests", w.write)
	w.start()
	return w
}

// start starts a daemon, which remembers nothing.
func (w *world) start() {
	c := clocktesting.NewFakePassiveClock(now)
	w.handler = &Handler{
		Cache: w, Client: w.client.CertificatesV1().CertificateSigningRequests(),
		Reviews: w.client.AuthorizationV1().SubjectAccessReviews(),
		Signers: map[issuers.Type]issuers.Backend{
			issuers.CA: ca.New(w, c), issuers.SelfSigned: selfsigned.Backend{Secrets: w}},
		ClusterNamespace: clusterNamespace, Events: w, Clock: c,
	}
}

// handle handles the key once, and fails the test when that changes the cache.
func (w *world) handle() error {
	w.t.Helper()
	shown := w.shown
	before := shown.DeepCopy()
	result, err := w.handler.Handle(context.Background(), key)
	if !equality.Semantic.DeepEqual(before, shown) {
		w.t.Error("the object in the cache was changed")
	}
	if result != (queue.Result{}) {
		w.t.Errorf("result: got %+v; events wake a request, and nothing else", result)
	}
	return err
}

func (w *world) review(a clienttesting.Action) (bool, runtime.Object, error) {
	review := a.(clienttesting.CreateAction).GetObject().(*authorizationv1.SubjectAccessReview).DeepCopy()
	w.reviews = append(w.reviews, review.Spec)
	if w.may == nil {
		review.Status.Allowed = true
		return true, review, nil
	}
	var err error
	review.Status, err = w.may(review.Spec)
	return true, review, err
}

func (w *world) write(a clienttesting.Action) (bool, runtime.Object, error) {
	w.writes = append(w.writes, fmt.Sprintf("%s %s/%s", a.GetVerb(), a.GetResource().Resource, a.GetSubresource()))
	if err := w.refuse; err != nil {
		w.refuse = nil
		return true, nil, err
	}
	w.shown = a.(clienttesting.UpdateAction).GetObject().(*certificatesv1.CertificateSigningRequest).DeepCopy()
	return true, w.shown, nil
}

// expect compares what happened since the last call with what is wanted.
func (w *world) expect(writes int, events ...string) {
	w.t.Helper()
	var want []string
	for range writes {
		want = append(want, "update certificatesigningrequests/status")
	}
	if diff := cmp.Diff(want, w.writes); diff != "" {
		w.t.Errorf("writes (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff(events, w.events); diff != "" {
		w.t.Errorf("events (-want +got):\n%s", diff)
	}
	w.writes, w.events = nil, nil
}

// failure is the Failed condition, "" without one.
func (w *world) failure() string {
	for _, c := range w.shown.Status.Conditions {
		if c.Type == certificatesv1.CertificateFailed {
			return fmt.Sprintf("%s %s: %s", c.Status, c.Reason, c.Message)
		}
	}
	return ""
}

// SigningRequest makes the world a Cache.
func (w *world) SigningRequest(string) *certificatesv1.CertificateSigningRequest { return w.shown }

// IssuerFor makes the world a Cache.
func (w *world) IssuerFor(namespace string, ref cmmeta.IssuerReference) cmapi.GenericIssuer {
	return w.issuers[ref.Kind+" "+namespace+"/"+ref.Name]
}

// Secret makes the world issuers.Secrets.
func (w *world) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	if s := w.secrets[namespace+"/"+name]; s != nil || w.failing != nil {
		return s, w.failing
	}
	return nil, apierrors.NewNotFound(corev1.Resource("secrets"), name)
}

// Event makes the world a recorder.
func (w *world) Event(_ runtime.Object, kind, reason, message string) {
	w.events = append(w.events, kind+" "+reason+": "+message)
}

// Eventf makes the world a recorder.
func (w *world) Eventf(o runtime.Object, kind, reason, format string, args ...any) {
	w.Event(o, kind, reason, fmt.Sprintf(format, args...))
}

// AnnotatedEventf makes the world a recorder.
func (w *world) AnnotatedEventf(o runtime.Object, _ map[string]string, kind, reason, format string, args ...any) {
	w.Eventf(o, kind, reason, format, args...)
}

type edit = func(*certificatesv1.CertificateSigningRequest)

// request is an approved one by alice, for a server certificate.
func request(t testing.TB, signer string, edits ...edit) *certificatesv1.CertificateSigningRequest {
	csr := &certificatesv1.CertificateSigningRequest{
		ObjectMeta: metav1.ObjectMeta{Name: name, UID: "uid-web", ResourceVersion: "1"},
		Spec: certificatesv1.CertificateSigningRequestSpec{
			Request: handlertest.CSR(t, handlertest.NewKey(t)), SignerName: signer,
			Usages:   []certificatesv1.KeyUsage{"digital signature", "key encipherment", "server auth"},
			Username: "alice", UID: "uid-alice", Groups: []string{"devs"},
			Extra: map[string]certificatesv1.ExtraValue{"scopes": {"web"}},
		},
	}
	condition("Approved")(csr)
	for _, e := range edits {
		e(csr)
	}
	return csr
}

func condition(kind certificatesv1.RequestConditionType) edit {
	return func(csr *certificatesv1.CertificateSigningRequest) {
		csr.Status.Conditions = append(csr.Status.Conditions,
			certificatesv1.CertificateSigningRequestCondition{Type: kind, Status: corev1.ConditionTrue, Reason: "ByHand"})
	}
}

func unapproved(csr *certificatesv1.CertificateSigningRequest) { csr.Status.Conditions = nil }

func annotated(annotation, value string) edit {
	return func(csr *certificatesv1.CertificateSigningRequest) {
		csr.Annotations = map[string]string{annotation: value}
	}
}

// issuer is one of both kinds, "" being no namespace.
func (w *world) issuer(namespace, name string, spec cmapi.IssuerConfig, ready bool) {
	status := cmmeta.ConditionFalse
	if ready {
		status = cmmeta.ConditionTrue
	}
	meta := metav1.ObjectMeta{Namespace: namespace, Name: name}
	is := cmapi.IssuerStatus{Conditions: []cmapi.IssuerCondition{
		{Type: cmapi.IssuerConditionReady, Status: status, Message: "its own words"}}}
	if namespace == "" {
		w.issuers["ClusterIssuer /"+name] = &cmapi.ClusterIssuer{ObjectMeta: meta, Spec: cmapi.IssuerSpec{IssuerConfig: spec}, Status: is}
		return
	}
	w.issuers["Issuer "+namespace+"/"+name] = &cmapi.Issuer{ObjectMeta: meta, Spec: cmapi.IssuerSpec{IssuerConfig: spec}, Status: is}
}

func caOf(secret string) cmapi.IssuerConfig {
	return cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: secret}}
}

func selfSigned() cmapi.IssuerConfig {
	return cmapi.IssuerConfig{SelfSigned: &cmapi.SelfSignedIssuer{}}
}

// pair puts a CA into a Secret.
func (w *world) pair(namespace, name string, a handlertest.Authority) {
	w.secret(namespace, name, map[string][]byte{
		corev1.TLSCertKey: a.PEM, corev1.TLSPrivateKeyKey: handlertest.KeyPEM(w.t, a.Key)})
}

func (w *world) secret(namespace, name string, data map[string][]byte) {
	w.secrets[namespace+"/"+name] = &corev1.Secret{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, Name: name, ResourceVersion: fmt.Sprint(len(w.secrets) + 1)}, Data: data}
}
