package certificates_test

import (
	"crypto/tls"
	"crypto/x509"
	"testing"

	"github.com/certwright/certwright/handlers/handlertest"
	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	corev1 "k8s.io/api/core/v1"
)

// newCertificate is a world with a ready CA issuer and the Certificate "web",
// which is new; edits change it.
func newCertificate(t *testing.T, edits ...func(*cmapi.Certificate)) (*handlertest.World, *handlertest.Fixture) {
	t.Helper()
	f := handlertest.AtRest(t)
	return handlertest.New(t, f.Issuer, f.CASecret, handlertest.Web(edits...)), f
}

// atRest is a world with the fixture at rest.
func atRest(t *testing.T) (*handlertest.World, *handlertest.Fixture) {
	t.Helper()
	f := handlertest.AtRest(t)
	return handlertest.New(t, f.Objects()...), f
}

// settled is a world with the fixture at rest, and a process that has seen it.
func settled(t *testing.T) (*handlertest.World, *handlertest.Process, *handlertest.Fixture) {
	t.Helper()
	w, f := atRest(t)
	p := w.Start(handlertest.Defaults())
	p.Settle()
	w.Wrote()
	return w, p, f
}

// served checks that a server can use a Secret, and that clients who trust its
// ca.crt accept the leaf, which it returns.
func served(t *testing.T, s *corev1.Secret) *x509.Certificate {
	t.Helper()
	if s == nil {
		t.Fatal("the Secret does not exist")
	}
	pair, err := tls.X509KeyPair(s.Data["tls.crt"], s.Data["tls.key"])
	if err != nil {
		t.Fatalf("Secret %q: %v", s.Name, err)
	}
	if ca := s.Data["ca.crt"]; len(ca) > 0 {
		roots := x509.NewCertPool()
		roots.AppendCertsFromPEM(ca)
		_, err := pair.Leaf.Verify(x509.VerifyOptions{
			Roots: roots, CurrentTime: pair.Leaf.NotBefore, KeyUsages: []x509.ExtKeyUsage{x509.ExtKeyUsageAny}})
		if err != nil {
			t.Errorf("Secret %q: %v", s.Name, err)
		}
	}
	return pair.Leaf
}

// isReady checks a Certificate at rest at a revision: ready, no trace of an
// issuance or of failures, and nothing left in the namespace but one request
// and, beside those named, its Secret.
func isReady(t *testing.T, w *handlertest.World, revision int, secrets ...string) {
	t.Helper()
	crt := w.Certificate("web")
	s := crt.Status
	ready := api.CertificateCondition(crt, cmapi.CertificateConditionReady)
	if ready == nil || ready.Status != "True" || ready.Reason != "Ready" ||
		ready.Message != "Certificate is up to date and has not expired" || ready.ObservedGeneration != crt.Generation {
		t.Errorf("Ready: got %+v", ready)
	}
	if len(s.Conditions) != 1 {
		t.Errorf("conditions: got %+v, want Ready alone", s.Conditions)
	}
	if s.Revision == nil || *s.Revision != revision {
		t.Errorf("revision: got %v, want %d", s.Revision, revision)
	}
	if s.LastFailureTime != nil || s.FailedIssuanceAttempts != nil || s.NextPrivateKeySecretName != nil {
		t.Errorf("traces of an issuance: %+v", s)
	}
	leaf := served(t, w.Secret(crt.Spec.SecretName))
	if !s.NotBefore.Time.Equal(leaf.NotBefore) || !s.NotAfter.Time.Equal(leaf.NotAfter) {
		t.Errorf("dates: got %s to %s, want %s to %s", s.NotBefore, s.NotAfter, leaf.NotBefore, leaf.NotAfter)
	}
	if diff := cmp.Diff([]string{api.RequestName("web", revision)}, w.Requests()); diff != "" {
		t.Errorf("requests (-want +got):\n%s", diff)
	}
	sorted := cmpopts.SortSlices(func(a, b string) bool { return a < b })
	if diff := cmp.Diff(append(secrets, crt.Spec.SecretName), w.Secrets(), sorted); diff != "" {
		t.Errorf("Secrets (-want +got):\n%s", diff)
	}
}

// issuing returns the Issuing condition, or an empty one.
func issuing(w *handlertest.World) cmapi.CertificateCondition {
	if c := api.CertificateCondition(w.Certificate("web"), cmapi.CertificateConditionIssuing); c != nil {
		return *c
	}
	return cmapi.CertificateCondition{}
}

// readiness returns the Ready condition, or an empty one.
func readiness(w *handlertest.World) cmapi.CertificateCondition {
	if c := api.CertificateCondition(w.Certificate("web"), cmapi.CertificateConditionReady); c != nil {
		return *c
	}
	return cmapi.CertificateCondition{}
}
