package acme

import (
	"crypto/x509"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/harness"
)

// TestRenewalInfo: the server's advice (RFC 9773) is in the status, and is
// followed: told to renew at once, the certificate is renewed as a replacement.
func TestRenewalInfo(t *testing.T) {
	s := begin(t)
	name := s.HTTPName("www")
	s.Obtain("web", s.HTTP(), name)
	crt := s.Await("web", func(crt *cmapi.Certificate) bool { return ari(crt) != nil && ari(crt).SuggestedWindow != nil })
	if until := time.Until(ari(crt).SuggestedWindow.Start.Time); until < 24*time.Hour {
		t.Errorf("the window begins in %s", until)
	}
	if crt.Status.RenewalTime.Before(ari(crt).SuggestedWindow.Start) || ari(crt).SuggestedWindow.End.Before(crt.Status.RenewalTime) {
		t.Errorf("renewalTime is outside of the window:\n%s", harness.Show(crt))
	}
	secret := s.AwaitSecret("web", harness.HasKeyPair)
	now := time.Now()
	s.Must(s.Pebble.SuggestRenewal(t.Context(), secret.Data[corev1.TLSCertKey], now.Add(-2*time.Hour), now.Add(-time.Hour), "https://example.com/incident"))
	// The server is asked again at the time that it named, hours from now;
	// whoever knows better says so in the status.
	askAgain(s, "web")
	s.Reissued(crt)
	s.Chain("web", 0)
	orders := s.Gate.OrdersFor(name)
	if len(orders) != 2 || orders[1].Field("replaces") == "" {
		t.Errorf("want a second order that replaces the first: %v", orders)
	}
	s.Clean()
}

func ari(crt *cmapi.Certificate) *cmapi.CertificateACMEARIStatus {
	if crt.Status.ACME == nil {
		return nil
	}
	return crt.Status.ACME.ARI
}

// TestRevoke by the command line: of what is in a Secret, at the server that
// issued it, with the issuer's account.
func TestRevoke(t *testing.T) {
	s := begin(t)
	b := s.Obtain("web", s.HTTP(), s.HTTPName("www"))
	if revoked, err := s.Pebble.Revoked(t.Context(), b.Leaf); err != nil || revoked {
		t.Fatalf("before: revoked is %v, %v", revoked, err)
	}
	said := s.OK("revoke", "web", "--reason", "keyCompromise", "--yes")
	s.Mentions(said, fmt.Sprintf("%x", b.Leaf.SerialNumber), "revoked")
	if revoked, err := s.Pebble.Revoked(t.Context(), b.Leaf); err != nil || !revoked {
		t.Errorf("after: revoked is %v, %v", revoked, err)
	}
	s.Mentions(s.OK("revoke", "web", "--yes"), "already")
	if said := s.CLI("revoke", "nobody", "--yes"); said.Code == 0 {
		t.Errorf("revoking what is not there went well: %s", said.Out)
	}
}

// TestRevokedByAnnotation: certificates that are not needed any more are revoked
// where the user asked for it, when another key has come and when the
// Certificate is deleted.
func TestRevokedByAnnotation(t *testing.T) {
	s := begin(t)
	name := s.HTTPName("www")
	s.Create("web", s.HTTP(), site.Names(name), func(crt *cmapi.Certificate) {
		crt.Annotations = map[string]string{"certwright.dev/revoke": "on-deletion,on-key-change"}
	})
	first := s.Obtained("web", name)
	before := s.Get("web")
	s.Renew("web")
	s.Reissued(before)
	second := s.Chain("web", 0)
	revoked(s, first.Leaf)
	if is, err := s.Pebble.Revoked(t.Context(), second.Leaf); err != nil || is {
		t.Errorf("the certificate in use: revoked is %v, %v", is, err)
	}
	deleteCertificate(s, "web")
	revoked(s, second.Leaf)
	ctx, cancel := s.Within()
	defer cancel()
	s.Must(s.Certificates().UntilGone(ctx, s.Namespace, "web"))
}

// revoked waits until the server has revoked a certificate.
func revoked(s *site.Site, leaf *x509.Certificate) {
	s.Helper()
	s.Eventually(fmt.Sprintf("certificate %x is revoked", leaf.SerialNumber), func() error {
		is, err := s.Pebble.Revoked(s.Context(), leaf)
		if err == nil && !is {
			err = errors.New("it is not")
		}
		return err
	})
}

// TestDeletedInTheMiddle: the Certificate, the Order or the Challenge is
// deleted while the proof is under way; whatever it is, nothing stays behind,
// and what still wants a certificate gets one.
func TestDeletedInTheMiddle(t *testing.T) {
	for _, kind := range []string{"Certificate", "CertificateRequest", "Order", "Challenge", "namespace's Issuer"} {
		t.Run(kind, func(t *testing.T) {
			s := begin(t)
			ref, name := s.HTTP(), s.HTTPName("www")
			t.Cleanup(lost.lose(name))
			s.Create("web", ref, site.Names(name))
			challenge := s.AwaitChallenge(func(c *cmacme.Challenge) bool { return c.Status.Presented })
			gone := metav1.DeleteOptions{}
			acme := s.CertManager.AcmeV1()
			switch kind {
			case "Certificate":
				deleteCertificate(s, "web")
				s.Clean()
				return
			case "CertificateRequest":
				s.Must(s.CertManager.CertmanagerV1().CertificateRequests(s.Namespace).Delete(t.Context(), "web-1", gone))
			case "Order":
				s.Must(acme.Orders(s.Namespace).DeleteCollection(t.Context(), gone, metav1.ListOptions{}))
			case "Challenge":
				s.Must(acme.Challenges(s.Namespace).Delete(t.Context(), challenge.Name, gone))
			default:
				s.Must(s.CertManager.CertmanagerV1().Issuers(s.Namespace).Delete(t.Context(), ref.Name, gone))
				deleteCertificate(s, "web")
				s.Clean()
				return
			}
			lost.lose(name)() // it is found from now on
			s.Obtained("web", name)
			s.Clean()
		})
	}
}

// TestNamespaceDeleted in the middle of a proof: nothing holds it back.
func TestNamespaceDeleted(t *testing.T) {
	s := begin(t)
	name := s.HTTPName("www")
	t.Cleanup(lost.lose(name))
	s.Create("web", s.HTTP(), site.Names(name))
	s.AwaitChallenge(func(c *cmacme.Challenge) bool { return c.Status.Presented })
	s.Must(s.Kube.CoreV1().Namespaces().Delete(t.Context(), s.Namespace, metav1.DeleteOptions{}))
	s.Clean()
}

// TestCNAMEFollowed: the proof is put where an alias leads.
func TestCNAMEFollowed(t *testing.T) {
	s := begin(t)
	s.PutSecret(parts.TSIG(s.Namespace, s.Parts.DNS.Key))
	solver := s.Parts.DNS01()
	solver.DNS01.CNAMEStrategy = cmacme.FollowStrategy
	s.Obtain("web", s.ACME("dns", solver), "alias.dns.test")
	s.Eventually("nothing is left", func() error {
		all, err := s.Parts.DNS.TXT()
		for _, record := range all {
			if strings.Contains(record, "alias.target") {
				return fmt.Errorf("there is %s", record)
			}
		}
		return err
	})
}

// TestSelfCheckSaysWhatItSees: a path that leads elsewhere is told of, for as
// long as it lasts, and costs nothing once it is mended.
func TestSelfCheckSaysWhatItSees(t *testing.T) {
	s := begin(t)
	name := s.HTTPName("www")
	find := lost.lose(name)
	s.Create("web", s.HTTP(), site.Names(name))
	challenge := s.AwaitChallenge(func(c *cmacme.Challenge) bool { return c.Status.Presented && hasReason(c) })
	s.Mentions(challenge.Status.Reason, "self check", name, "404")
	find()
	s.Obtained("web", name)
	noFailure(s, "web")
	s.Clean()
}
