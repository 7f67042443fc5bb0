package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"math/big"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// notReady waits until an Issuer is not ready for that reason and returns the
// message.
func notReady(s *suite.Space, name, reason string) string {
	s.Helper()
	issuer := s.AwaitIssuer(name, func(status cmapi.IssuerStatus) bool {
		ready, why, _ := harness.IssuerReady(status)
		return !ready && why == reason
	})
	_, _, message := harness.IssuerReady(issuer.Status)
	return message
}

func TestIssuerConditions(t *testing.T) {
	s := space(t)
	s.CA("ca")
	issuer := s.IssuerReady("ca")
	if c := issuer.Status.Conditions[0]; c.Reason != "KeyPairVerified" || c.ObservedGeneration != issuer.Generation {
		t.Errorf("a ready CA issuer says %+v", c)
	}
	s.AwaitEvent("ca", "KeyPairVerified", "")
}

func TestIssuerWaitsForItsSecret(t *testing.T) {
	s := space(t)
	s.CreateIssuer("ca", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "late"}})
	s.Mentions(notReady(s, "ca", "ErrGetKeyPair"), "spec.ca.secretName", s.Namespace+"/late", "does not exist")
	s.Create("web", suite.IssuerRef("ca"))
	_, message := s.RequestEnds("web-1", cmapi.CertificateRequestReasonPending)
	s.Mentions(message, "Issuer.cert-manager.io/ca", "not ready", "late")

	root, err := harness.NewRoot("late")
	s.Must(err)
	s.PutSecret(s.CASecret("late", root))
	s.IssuerReady("ca")
	s.Ready("web")
	s.Bundle("web").SignedBy(s, root)
	s.NoLeftovers()
}

func TestIssuerNoticesThatItsSecretGoes(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Must(s.Kube.CoreV1().Secrets(s.Namespace).Delete(t.Context(), "ca-ca", metav1.DeleteOptions{}))
	notReady(s, "ca", "ErrGetKeyPair")
}

func TestIssuerRefusesWhatIsNoCA(t *testing.T) {
	for name, row := range map[string]struct {
		secret func(s *suite.Space) *corev1.Secret
		words  []string
	}{
		"leaf only": {words: []string{"not that of a CA", "isCA"}, secret: func(s *suite.Space) *corev1.Secret {
			return issued(s, &x509.Certificate{DNSNames: []string{"leaf.example.com"}, NotAfter: time.Now().Add(time.Hour)})
		}},
		"expired": {words: []string{"expired", "renew"}, secret: func(s *suite.Space) *corev1.Secret {
			return issued(s, &x509.Certificate{
				Subject: pkix.Name{CommonName: "old"}, NotAfter: time.Now().Add(-time.Minute),
				IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
			})
		}},
		"key of another": {words: []string{"do not belong together"}, secret: func(s *suite.Space) *corev1.Secret {
			secret := issued(s, caTemplate())
			secret.Data["tls.key"] = issued(s, caTemplate()).Data["tls.key"]
			return secret
		}},
		"half a certificate": {words: []string{"certificate"}, secret: func(s *suite.Space) *corev1.Secret {
			secret := issued(s, caTemplate())
			chain := secret.Data["tls.crt"]
			secret.Data["tls.crt"] = chain[:len(chain)/2]
			return secret
		}},
		"half a key": {words: []string{"private key"}, secret: func(s *suite.Space) *corev1.Secret {
			secret := issued(s, caTemplate())
			key := secret.Data["tls.key"]
			secret.Data["tls.key"] = key[:len(key)/2]
			return secret
		}},
		"empty": {words: []string{"PEM certificate"}, secret: func(s *suite.Space) *corev1.Secret {
			return &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "bad"}}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			s := space(t)
			s.CreateIssuer("ca", cmapi.IssuerConfig{CA: &cmapi.CAIssuer{SecretName: "bad"}})
			bad := s.PutSecret(row.secret(s))
			message := notReady(s, "ca", "ErrInvalidKeyPair")
			s.Mentions(message, append(row.words, "spec.ca.secretName", s.Namespace+"/bad")...)
			// And a good one in its place mends it.
			root, err := harness.NewRoot("good")
			s.Must(err)
			good := s.CASecret("bad", root)
			bad.Data = good.Data
			s.PutSecret(bad)
			s.IssuerReady("ca")
		})
	}
}

func caTemplate() *x509.Certificate {
	return &x509.Certificate{
		Subject: pkix.Name{CommonName: "ca"}, NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign,
	}
}

// issued is a Secret named bad with a certificate of that template.
func issued(s *suite.Space, template *x509.Certificate) *corev1.Secret {
	s.Helper()
	root, err := harness.NewRoot("above")
	s.Must(err)
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	s.Must(err)
	template.SerialNumber, template.NotBefore = big.NewInt(1), time.Now().Add(-time.Hour)
	made, err := root.Issue(template, key)
	s.Must(err)
	return s.CASecret("bad", made)
}

func TestIssuerWithoutAType(t *testing.T) {
	s := space(t)
	issuer := &cmapi.Issuer{ObjectMeta: metav1.ObjectMeta{Namespace: s.Namespace, Name: "none"}}
	if _, err := s.CertManager.CertmanagerV1().Issuers(s.Namespace).Create(t.Context(), issuer, metav1.CreateOptions{}); err != nil {
		s.Mentions(err.Error(), "spec") // refused at admission: better still
		return
	}
	s.Mentions(notReady(s, "none", "BadConfig"), "spec.ca", "spec.selfSigned")
}

func TestClusterIssuerConditions(t *testing.T) {
	s := space(t)
	issuer := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}}
	issuer.Spec.CA = &cmapi.CAIssuer{SecretName: s.Namespace}
	_, err := s.CertManager.CertmanagerV1().ClusterIssuers().Create(t.Context(), issuer, metav1.CreateOptions{})
	s.Must(err)
	ctx, cancel := s.Within()
	defer cancel()
	got, err := s.ClusterIssuers().Until(ctx, "", s.Namespace, func(i *cmapi.ClusterIssuer) bool {
		_, reason, _ := harness.IssuerReady(i.Status)
		return reason == "ErrGetKeyPair"
	})
	s.Must(err)
	_, _, message := harness.IssuerReady(got.Status)
	s.Mentions(message, "kube-system/"+s.Namespace) // where the Secret has to be
}
