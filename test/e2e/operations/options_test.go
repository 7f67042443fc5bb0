package operations

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"

	"github.com/certwright/certwright/test/e2e/suite"
)

// TestRenewalIsNeverDueAtOnce: a certificate begins some minutes before it is
// made, and those minutes must not be taken for a part of its life that is over.
func TestRenewalIsNeverDueAtOnce(t *testing.T) {
	for name, row := range map[string]struct {
		shortest, duration time.Duration
		percentage         *int32
	}{
		// Not less than an hour: the policies that other tests install refuse that.
		"an hour":          {shortest: time.Hour, duration: time.Hour},
		"most of the life": {shortest: time.Hour, duration: time.Hour, percentage: ptr.To[int32](98)},
	} {
		t.Run(name, func(t *testing.T) {
			world.StartDaemon(t, alone, "--minimum-certificate-duration="+row.shortest.String(), "--expiry-sweep-spread=0s")
			s := world.Space(t)
			s.CA("ca")
			s.Create("brief", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
				crt.Spec.Duration = &metav1.Duration{Duration: row.duration}
				crt.Spec.RenewBeforePercentage = row.percentage
			})
			crt := s.Ready("brief")
			ready := time.Now()
			if at := crt.Status.RenewalTime; at == nil || !at.After(ready) || !at.Before(crt.Status.NotAfter) {
				t.Errorf("it ends at %s and is renewed at %s; now is %s", crt.Status.NotAfter, at, ready)
			}
			s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), "brief", metav1.DeleteOptions{}))
		})
	}
}

// TestSecretsThatGoWithTheirCertificates also moves the place of the Secrets of
// ClusterIssuers, which is another option that a Secret shows.
func TestSecretsThatGoWithTheirCertificates(t *testing.T) {
	s := world.Space(t)
	world.StartDaemon(t, alone, "--enable-certificate-owner-ref", "--cluster-resource-namespace="+s.Namespace)
	s.CA("ca")
	issuer := &cmapi.ClusterIssuer{ObjectMeta: metav1.ObjectMeta{Name: s.Namespace}}
	issuer.Spec.CA = &cmapi.CAIssuer{SecretName: "ca-ca"}
	_, err := s.CertManager.CertmanagerV1().ClusterIssuers().Create(t.Context(), issuer, metav1.CreateOptions{})
	s.Must(err)
	got := s.Issue("web", suite.ClusterRef(s.Namespace))
	if owner := metav1.GetControllerOf(got.Secret); owner == nil || owner.Name != "web" {
		t.Errorf("the Secret is owned by %+v", owner)
	}
	s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
	ctx, cancel := s.Within()
	defer cancel()
	s.Must(s.Secrets().UntilGone(ctx, s.Namespace, "web"))
}
