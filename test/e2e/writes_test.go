package e2e

import (
	"bytes"
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// pass has the daemon issue a Certificate elsewhere. Whatever it had left to do
// for an earlier one has begun by then.
func pass(t *testing.T) {
	t.Helper()
	elsewhere := world.Space(t)
	elsewhere.CA("ca")
	elsewhere.Issue("fence", suite.IssuerRef("ca"))
}

func TestFirstIssuanceMakesFourWrites(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.AwaitEvent("ca", "KeyPairVerified", "")
	earlier := len(s.Asked(world.Account))
	s.Issue("web", suite.IssuerRef("ca"))
	s.AwaitEvent("web", "Issuing", "successfully issued")
	pass(t)
	entries := s.Asked(world.Account)[earlier:]
	s.Writes(entries, 3,
		"create certificaterequests.cert-manager.io",
		"update certificaterequests.cert-manager.io/status",
		"patch secrets",
		"update certificates.cert-manager.io/status",
	)
	for _, entry := range entries {
		if !entry.Writes() {
			t.Logf("and read: %s", entry)
		}
	}
}

func TestRenewalMakesFiveWrites(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	s.AwaitEvent("web", "Issuing", "successfully issued")
	pass(t)
	earlier := len(s.Asked(world.Account))
	before := s.Get("web")
	s.Renew("web") // by another user
	s.Reissued(before)
	s.OneRequestLeft("web", 2)
	pass(t)
	s.Writes(s.Asked(world.Account)[earlier:], 3,
		"create certificaterequests.cert-manager.io",
		"update certificaterequests.cert-manager.io/status",
		"patch secrets",
		"update certificates.cert-manager.io/status",
		"delete certificaterequests.cert-manager.io",
	)
}

func TestEventsOfAFirstIssuance(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	s.AwaitEvent("web", "Issuing", "Secret does not exist")
	s.AwaitEvent("web-1", "CertificateIssued", "Certificate fetched from issuer successfully")
	s.AwaitEvent("web", "Issuing", "The certificate has been successfully issued")
}

// TestForeignEditsThatChangeNothing: a label on the Certificate, say, wakes the
// daemon and moves it to nothing.
func TestForeignEditsThatChangeNothing(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("web", suite.IssuerRef("ca"))
	s.AwaitEvent("web", "Issuing", "successfully issued")
	pass(t)
	earlier := len(s.Asked(world.Account))
	s.Edit("web", func(crt *cmapi.Certificate) { crt.Labels = map[string]string{"a": "b"} })
	pass(t)
	s.Writes(s.Asked(world.Account)[earlier:], 0)
}

// TestRequestIsSignedOnce: whatever happens to a request afterwards.
func TestRequestIsSignedOnce(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Ask("foreign", suite.IssuerRef("ca"), s.SimpleCSR(s.NewKey()))
	signed, _ := s.RequestEnds("foreign", cmapi.CertificateRequestReasonIssued)
	requests := s.CertManager.CertmanagerV1().CertificateRequests(s.Namespace)
	for _, patch := range []string{`{"metadata":{"labels":{"a":"b"}}}`, `{"metadata":{"annotations":{"a":"b"}}}`} {
		_, err := requests.Patch(t.Context(), "foreign", mergePatch, []byte(patch), metav1.PatchOptions{})
		s.Must(err)
	}
	// A new CA, too, is for new requests.
	root, err := harness.NewRoot("new")
	s.Must(err)
	secret, err := s.Kube.CoreV1().Secrets(s.Namespace).Get(t.Context(), "ca-ca", metav1.GetOptions{})
	s.Must(err)
	secret.Data = s.CASecret("ca-ca", root).Data
	s.PutSecret(secret)
	pass(t)
	now, err := requests.Get(t.Context(), "foreign", metav1.GetOptions{})
	s.Must(err)
	if !bytes.Equal(now.Status.Certificate, signed.Status.Certificate) {
		t.Error("it was signed again")
	}
	written := 0
	for _, entry := range s.Asked(world.Account) {
		if entry.Name == "foreign" && entry.Writes() && !entry.IsEvent() {
			written++
		}
	}
	if written != 1 {
		t.Errorf("the request was written to %d times, want once", written)
	}
}
