package contract

import (
	"testing"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// theirs is an issuer that certwright does not serve: it answers when the test
// does, by Space.SignElsewhere.
var theirs = cmmeta.IssuerReference{Name: "theirs", Kind: "TheirIssuer", Group: "issuers.example.com"}

// approved waits until a request is approved.
func approved(s *suite.Space, name string) *cmapi.CertificateRequest {
	s.Helper()
	return s.AwaitRequest(name, func(cr *cmapi.CertificateRequest) bool {
		return harness.RequestCondition(cr, cmapi.CertificateRequestConditionApproved) != nil
	})
}

func temporarily(crt *cmapi.Certificate) {
	crt.Annotations = map[string]string{"cert-manager.io/issue-temporary-certificate": "true"}
}

// TestTemporaryCertificate: a program that must have a certificate to start
// gets one that nobody trusts, until the issuer has answered.
func TestTemporaryCertificate(t *testing.T) {
	s := space(t)
	s.Create("web", theirs, temporarily)
	secret := s.AwaitSecret("web", filled)
	temporary := s.Parse(secret).Leaf
	d := newDesk(s)
	d.put("leaf", secret.Data["tls.crt"])
	s.Mentions(d.run("openssl", "x509", "-in", "leaf", "-noout", "-subject", "-ext", "subjectAltName"), "serialNumber = 1234567890", "DNS:web.example.com")
	if secret.Data["ca.crt"] != nil {
		t.Error("there is a CA to trust")
	}
	s.AwaitEvent("web", "Issuing", "Issued temporary certificate")
	s.Refused("web", "TemporaryCertificate")
	if crt := s.Get("web"); crt.Status.NotAfter != nil || crt.Status.RenewalTime != nil {
		t.Errorf("the status tells of the temporary certificate: %+v", crt.Status)
	}

	s.SignElsewhere(approved(s, "web-1"))
	s.Ready("web")
	if got := s.Bundle("web"); got.Leaf.Equal(temporary) || got.Leaf.Subject.SerialNumber != "" {
		t.Errorf("the Secret still holds %s", got.Leaf.Subject)
	}
	s.NoLeftovers()
}

// TestTemporaryCertificateDisplacesNothing that works.
func TestTemporaryCertificateDisplacesNothing(t *testing.T) {
	s := space(t)
	s.Create("web", theirs, temporarily)
	s.SignElsewhere(approved(s, "web-1"))
	s.Ready("web")
	first := s.Bundle("web")
	s.Renew("web")
	second := approved(s, "web-2")
	s.Await("web", func(crt *cmapi.Certificate) bool { return crt.Status.NextPrivateKeySecretName != nil })
	if still := s.Bundle("web"); !still.Leaf.Equal(first.Leaf) {
		t.Error("a certificate that works was displaced")
	}
	s.SignElsewhere(second)
	s.AwaitSecret("web", func(secret *corev1.Secret) bool { return !s.Parse(secret).Leaf.Equal(first.Leaf) })
	s.Await("web", harness.ReadyAt(2))
	s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
}

// TestExternalIssuerThatWeMayNotApproveFor: the request tells which right is
// missing, and goes on when it is given.
func TestExternalIssuerThatWeMayNotApproveFor(t *testing.T) {
	s := space(t)
	ref := theirs
	ref.Kind = "GuardedIssuer"
	s.Create("web", ref)
	signer := "guardedissuers.issuers.example.com/" + s.Namespace + ".theirs"
	s.AwaitEvent("web-1", "Forbidden", "it takes the verb approve on signers.cert-manager.io of the name guardedissuers.issuers.example.com/* or "+signer)
	s.Must(mayApprove(t.Context(), signer))
	s.SignElsewhere(approved(s, "web-1"))
	s.Ready("web")
}
