package signingrequests

import (
	"crypto/x509"
	"errors"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	certificatesv1 "k8s.io/api/certificates/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const keyAnnotation = "experimental.cert-manager.io/private-key-secret-name"

const eventIssued = "Normal CertificateIssued: Certificate fetched from issuer successfully"

// row is a request in a cluster, and what one call makes of it.
type row struct {
	signer  string // "": the Issuer team/ca
	edits   []edit
	cluster func(w *world) // what else there is
	event   string         // the one event, in full
	failure string         // the Failed condition but for its status; "": none
	signed  bool
}

// run handles the row's request, and then again, which must do nothing more.
func (r row) run(t *testing.T) {
	t.Parallel()
	if r.signer == "" {
		r.signer = issuerSigner
	}
	w := newWorld(t, request(t, r.signer, r.edits...))
	if r.cluster != nil {
		r.cluster(w)
	}
	writes := 0
	if r.signed || r.failure != "" {
		writes = 1
	}
	for range 2 {
		if err := w.handle(); err != nil {
			t.Fatal(err)
		}
		if r.event != "" {
			w.expect(writes, r.event)
		} else {
			w.expect(writes)
		}
		writes, r.event = 0, ""
	}
	if r.failure != "" {
		r.failure = "True " + r.failure
	}
	if got := w.failure(); got != r.failure {
		t.Errorf("failure:\ngot  %s\nwant %s", got, r.failure)
	}
	if got := len(w.shown.Status.Certificate) > 0; got != r.signed {
		t.Errorf("signed: got %t", got)
	}
}

func TestHandle(t *testing.T) {
	t.Parallel()
	authority := handlertest.NewAuthority(t, "Test CA")
	withCA := func(w *world) {
		w.issuer("team", "ca", caOf("pair"), true)
		w.pair("team", "pair", authority)
	}
	withClusterCA := func(w *world) {
		w.issuer("", "ca", caOf("pair"), true)
		w.pair(clusterNamespace, "pair", authority)
	}
	refuseAll := func(w *world) { w.may = refuses }
	both := func(fs ...func(*world)) func(*world) {
		return func(w *world) {
			for _, f := range fs {
				f(w)
			}
		}
	}
	key := handlertest.NewKey(t)
	keyed := func(name string) []edit {
		return []edit{carrying(handlertest.CSR(t, key)), annotated(keyAnnotation, name)}
	}
	withKey := func(namespace string, data []byte) func(w *world) {
		return func(w *world) {
			w.issuer("team", "ca", selfSigned(), true)
			w.issuer("", "ca", selfSigned(), true)
			w.secret(namespace, "key", map[string][]byte{"tls.key": data})
		}
	}
	const denied = `spec.signerName: user "alice" may not reference Issuer team/ca: grant the verb reference on resource signers ` +
		`of group cert-manager.io, name ca, in namespace team, and make a new request`
	const short = "spec.expirationSeconds: 5m0s is too short: make a new request for at least 10m0s"
	const otherKey = `the private key in Secret "key" is not the key of the request: name the right Secret in the annotation ` + keyAnnotation

	for name, r := range map[string]row{
		"Issuer":        {cluster: withCA, signed: true, event: eventIssued},
		"ClusterIssuer": {signer: clusterSigner, cluster: withClusterCA, signed: true, event: eventIssued},
		"ClusterIssuer, no right asked for": {signer: clusterSigner, cluster: both(withClusterCA, refuseAll),
			signed: true, event: eventIssued},
		"somebody else's": {signer: "kubernetes.io/kubelet-serving", cluster: withCA},
		"another group's": {signer: "awspcaissuers.awspca.cert-manager.io/team.ca", cluster: withCA},
		"as the cache keeps it": {edits: []edit{func(csr *certificatesv1.CertificateSigningRequest) {
			*csr = certificatesv1.CertificateSigningRequest{ObjectMeta: csr.ObjectMeta}
		}}},
		"denied": {edits: []edit{unapproved, condition("Denied")}, cluster: withCA},
		"not approved": {edits: []edit{unapproved}, cluster: withCA,
			event: "Normal WaitingApproval: Waiting for somebody to approve or deny this request: kubectl certificate approve web"},
		"no Issuer": {event: "Warning IssuerNotFound: spec.signerName: Issuer team/ca does not exist: create it, or make a new request that names another"},
		"the other kind only": {cluster: withClusterCA,
			event: "Warning IssuerNotFound: spec.signerName: Issuer team/ca does not exist: create it, or make a new request that names another"},
		"malformed signer": {signer: "issuers.cert-manager.io/ca", cluster: withCA,
			event:   `Warning IssuerNotFound: spec.signerName: "issuers.cert-manager.io/ca" names no issuer: make a new request, for issuers.cert-manager.io/NAMESPACE.NAME or clusterissuers.cert-manager.io/NAME`,
			failure: `IssuerNotFound: spec.signerName: "issuers.cert-manager.io/ca" names no issuer: make a new request, for issuers.cert-manager.io/NAMESPACE.NAME or clusterissuers.cert-manager.io/NAME`},
		"not ready": {cluster: func(w *world) { w.issuer("team", "ca", caOf("pair"), false) },
			event: "Warning IssuerNotReady: spec.signerName: Issuer team/ca is not ready: its own words"},
		"no type": {cluster: func(w *world) { w.issuer("team", "ca", cmapi.IssuerConfig{}, true) },
			event: "Warning IssuerTypeMissing: spec.signerName: Issuer team/ca: spec: no issuer type is configured: set one of spec.acme, spec.ca, spec.selfSigned, spec.vault or spec.venafi"},
		"a type that is not served": {cluster: func(w *world) { w.issuer("team", "ca", cmapi.IssuerConfig{Venafi: &cmapi.VenafiIssuer{}}, true) },
			event: "Warning IssuerTypeMissing: spec.signerName: Issuer team/ca: issuers of type venafi are not served: make a new request that names another"},
		"no right": {cluster: both(withCA, refuseAll), event: "Warning DeniedReference: " + denied, failure: "DeniedReference: " + denied},
		"too short": {edits: []edit{seconds(300)}, cluster: withCA,
			event: "Warning InvalidDuration: " + short, failure: "InvalidDuration: " + short},
		"too short, no right": {edits: []edit{seconds(300)}, cluster: both(withCA, refuseAll),
			event: "Warning DeniedReference: " + denied, failure: "DeniedReference: " + denied},
		"CA's Secret missing": {cluster: func(w *world) { w.issuer("team", "ca", caOf("pair"), true) },
			event: "Warning SecretMissing: the CA's Secret team/pair does not exist"},
		"CA's Secret elsewhere": {signer: clusterSigner,
			cluster: func(w *world) { w.issuer("", "ca", caOf("pair"), true); w.pair("team", "pair", authority) },
			event:   "Warning SecretMissing: the CA's Secret cluster-secrets/pair does not exist"},
		"self-signed": {edits: keyed("key"), cluster: withKey("team", handlertest.KeyPEM(t, key)), signed: true, event: eventIssued},
		"self-signed by a ClusterIssuer": {signer: clusterSigner, edits: keyed("key"),
			cluster: withKey(clusterNamespace, handlertest.KeyPEM(t, key)), signed: true, event: eventIssued},
		"self-signed, no annotation": {cluster: withKey("team", nil),
			event:   "Warning MissingAnnotation: a SelfSigned issuer signs with the request's own key: name the Secret that holds it in the annotation " + keyAnnotation,
			failure: "MissingAnnotation: a SelfSigned issuer signs with the request's own key: name the Secret that holds it in the annotation " + keyAnnotation},
		"self-signed, no Secret": {edits: keyed("other"), cluster: withKey("team", nil),
			event: `Warning MissingSecret: Secret "other" with the request's private key does not exist in namespace "team": create it`},
		"self-signed by a ClusterIssuer, Secret elsewhere": {signer: clusterSigner, edits: keyed("key"), cluster: withKey("team", handlertest.KeyPEM(t, key)),
			event: `Warning MissingSecret: Secret "key" with the request's private key does not exist in namespace "cluster-secrets": create it`},
		"self-signed, no key": {edits: keyed("key"), cluster: withKey("team", nil),
			event: `Warning MissingSecret: Secret "key" has no private key in tls.key: put the request's key there`},
		"self-signed, another key": {edits: keyed("key"), cluster: withKey("team", handlertest.KeyPEM(t, handlertest.NewKey(t))),
			event: "Warning ErrorKeyMatch: " + otherKey, failure: "ErrorKeyMatch: " + otherKey},
	} {
		t.Run(name, func(t *testing.T) {
			r.run(t)
		})
	}
}

// What is signed is what was asked for, and verifies.
func TestTheCertificate(t *testing.T) {
	t.Parallel()
	authority := handlertest.NewAuthority(t, "Test CA")
	w := newWorld(t, request(t, issuerSigner, annotated(durationAnnotation, "24h")))
	w.issuer("team", "ca", caOf("pair"), true)
	w.pair("team", "pair", authority)
	if err := w.handle(); err != nil {
		t.Fatal(err)
	}
	leaf := handlertest.Leaf(t, w.shown.Status.Certificate)
	roots := x509.NewCertPool()
	roots.AddCert(authority.Certificate)
	if _, err := leaf.Verify(x509.VerifyOptions{Roots: roots, DNSName: "web.example.com", CurrentTime: now}); err != nil {
		t.Error(err)
	}
	if want := now.Add(24 * time.Hour).Truncate(time.Second); !leaf.NotAfter.Equal(want) {
		t.Errorf("ends %s, want %s", leaf.NotAfter, want)
	}
	if leaf.IsCA || leaf.KeyUsage != x509.KeyUsageDigitalSignature|x509.KeyUsageKeyEncipherment ||
		len(leaf.ExtKeyUsage) != 1 || leaf.ExtKeyUsage[0] != x509.ExtKeyUsageServerAuth {
		t.Errorf("CA %t, usages %b %v", leaf.IsCA, leaf.KeyUsage, leaf.ExtKeyUsage)
	}
	if len(w.shown.Status.Conditions) != 1 || w.shown.Status.Conditions[0].Type != certificatesv1.CertificateApproved {
		t.Errorf("conditions: %v", w.shown.Status.Conditions)
	}
}

func TestACAIsSigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t, request(t, clusterSigner, plain(t), annotated(isCAAnnotation, "true")))
	w.issuer("", "ca", caOf("pair"), true)
	w.pair(clusterNamespace, "pair", handlertest.NewAuthority(t, "Test CA"))
	if err := w.handle(); err != nil {
		t.Fatal(err)
	}
	if leaf := handlertest.Leaf(t, w.shown.Status.Certificate); !leaf.IsCA || leaf.KeyUsage&x509.KeyUsageCertSign == 0 {
		t.Errorf("CA %t, usages %b", leaf.IsCA, leaf.KeyUsage)
	}
}

// A request that waits tells each cause once, from approval to signature.
func TestAWaitTellsEachCauseOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t, request(t, issuerSigner, unapproved))
	handle := func(writes int, events ...string) {
		t.Helper()
		for range 3 {
			if err := w.handle(); err != nil {
				t.Fatal(err)
			}
		}
		w.expect(writes, events...)
	}
	handle(0, "Normal WaitingApproval: Waiting for somebody to approve or deny this request: kubectl certificate approve web")
	w.start() // a new daemon does not know what was told
	handle(0, "Normal WaitingApproval: Waiting for somebody to approve or deny this request: kubectl certificate approve web")
	condition("Approved")(w.shown)
	handle(0, "Warning IssuerNotFound: spec.signerName: Issuer team/ca does not exist: create it, or make a new request that names another")
	w.issuer("team", "ca", caOf("pair"), false)
	handle(0, "Warning IssuerNotReady: spec.signerName: Issuer team/ca is not ready: its own words")
	w.issuer("team", "ca", caOf("pair"), true)
	handle(0, "Warning SecretMissing: the CA's Secret team/pair does not exist")
	w.issuer("team", "ca", caOf("pair"), false)
	handle(0, "Warning IssuerNotReady: spec.signerName: Issuer team/ca is not ready: its own words")
	w.issuer("team", "ca", caOf("pair"), true)
	w.pair("team", "pair", handlertest.NewAuthority(t, "Test CA"))
	handle(1, eventIssued)
	if len(w.handler.told.last) > 0 {
		t.Errorf("remembered for ever: %v", w.handler.told.last)
	}
}

// Nothing is kept of a request that is gone, and its namesake tells its own.
func TestWhatWasToldIsForgotten(t *testing.T) {
	t.Parallel()
	waiting := request(t, issuerSigner)
	namesake := waiting.DeepCopy()
	namesake.UID = "uid-of-another"
	w := newWorld(t, waiting)
	const event = "Warning IssuerNotFound: spec.signerName: Issuer team/ca does not exist: create it, or make a new request that names another"
	for _, step := range []struct {
		shown *certificatesv1.CertificateSigningRequest
		told  []string
	}{{waiting, []string{event}}, {nil, nil}, {waiting, []string{event}}, {waiting, nil}, {namesake, []string{event}}} {
		w.shown = step.shown
		if err := w.handle(); err != nil {
			t.Fatal(err)
		}
		w.expect(0, step.told...)
	}
}

// Whoever failed a request, it is left alone.
func TestAFailedRequestIsLeftAlone(t *testing.T) {
	t.Parallel()
	w := newWorld(t, request(t, issuerSigner, condition("Failed")))
	w.issuer("team", "ca", caOf("pair"), true)
	w.pair("team", "pair", handlertest.NewAuthority(t, "Test CA"))
	if err := w.handle(); err != nil {
		t.Fatal(err)
	}
	w.expect(0)
}

// A write that is refused is no end: no event is told, and the next call tries
// again.
func TestAWriteThatFails(t *testing.T) {
	t.Parallel()
	w := newWorld(t, request(t, issuerSigner, seconds(1)))
	w.issuer("team", "ca", caOf("pair"), true)
	w.refuse = apierrors.NewConflict(certificatesv1.Resource("certificatesigningrequests"), name, errors.New("modified"))
	if err := w.handle(); !apierrors.IsConflict(err) {
		t.Errorf("got %v, want the conflict", err)
	}
	w.expect(1)
	if err := w.handle(); err != nil {
		t.Fatal(err)
	}
	w.expect(1, "Warning InvalidDuration: spec.expirationSeconds: 1s is too short: make a new request for at least 10m0s")
}

// What could not be found out is no refusal.
func TestASecretThatCannotBeRead(t *testing.T) {
	t.Parallel()
	w := newWorld(t, request(t, issuerSigner))
	w.issuer("team", "ca", caOf("pair"), true)
	w.failing = apierrors.NewTimeoutError("slow", 1)
	if err := w.handle(); !apierrors.IsTimeout(err) {
		t.Errorf("got %v, want the timeout", err)
	}
	w.expect(0)
}

// Times of the Failed condition, which clients sort by.
func TestTheFailedCondition(t *testing.T) {
	t.Parallel()
	w := newWorld(t, request(t, issuerSigner, seconds(1)))
	w.issuer("team", "ca", caOf("pair"), true)
	if err := w.handle(); err != nil {
		t.Fatal(err)
	}
	if n := len(w.shown.Status.Conditions); n != 2 {
		t.Fatalf("%d conditions, want Approved and Failed", n)
	}
	c := w.shown.Status.Conditions[1]
	if c.Status != corev1.ConditionTrue || !c.LastUpdateTime.Time.Equal(now) || !c.LastTransitionTime.Time.Equal(now) {
		t.Errorf("got %+v", c)
	}
}
