package contract

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// dueSoon makes a certificate that is due for renewal some seconds after it was
// issued, if it is renewed at all.
func dueSoon(crt *cmapi.Certificate) {
	crt.Spec.Duration = &metav1.Duration{Duration: time.Hour}
	crt.Spec.RenewBefore = &metav1.Duration{Duration: time.Hour - 3*time.Second}
}

// TestNoRenewalWherePolicyIsDisabled lets a neighbour that is due at the same
// time be renewed twice.
func TestNoRenewalWherePolicyIsDisabled(t *testing.T) {
	s := space(t)
	s.CA("ca")
	s.Issue("stays", suite.IssuerRef("ca"), dueSoon, func(crt *cmapi.Certificate) {
		crt.Spec.Renewal = &cmapi.CertificateRenewal{Policy: cmapi.CertificateRenewalPolicyDisabled}
	})
	s.Create("neighbour", suite.IssuerRef("ca"), dueSoon)
	s.Await("neighbour", harness.ReadyAt(3))
	s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), "neighbour", metav1.DeleteOptions{}))
	crt := s.Ready("stays")
	if harness.Revision(crt) != 1 || crt.Status.RenewalTime != nil {
		t.Errorf("it is at revision %d and due at %s", harness.Revision(crt), crt.Status.RenewalTime)
	}
	s.Renew("stays") // by hand, it is
	s.Await("stays", harness.ReadyAt(2))
}

// TestRenewalWindows: a renewal waits for the next opening, in the window's own
// time zone, summer time or not.
func TestRenewalWindows(t *testing.T) {
	t.Parallel()
	for zone, hour := range map[string]int{"": 3, "Europe/Berlin": 3, "America/New_York": 22, "Asia/Kolkata": 0} {
		t.Run("zone "+zone, func(t *testing.T) {
			s := space(t)
			s.CA("ca")
			at := time.Date(0, 1, 1, hour, 30, 0, 0, time.UTC).Format("4 15") // minute and hour of cron
			got := s.Issue("web", suite.IssuerRef("ca"), func(crt *cmapi.Certificate) {
				crt.Spec.Renewal = &cmapi.CertificateRenewal{Windows: []cmapi.CertificateRenewalWindows{
					{Cron: at + " * * 2", WindowDuration: &metav1.Duration{Duration: time.Hour}, Timezone: zone},
				}}
			})
			due := got.Leaf.NotAfter.Add(-got.Leaf.NotAfter.Sub(got.Leaf.NotBefore) / 3).Truncate(time.Second)
			want := tuesdayAt(t, due, zone, hour)
			if is := s.Get("web").Status.RenewalTime; is == nil || is.Sub(want).Abs() > time.Second {
				t.Errorf("it is renewed at %s, want %s; without windows it were %s", is, want, due)
			}
		})
	}
}

// tuesdayAt is due if it falls into the hour after half past that hour of a
// Tuesday in the zone, else the next such moment.
func tuesdayAt(t *testing.T, due time.Time, zone string, hour int) time.Time {
	t.Helper()
	place, err := time.LoadLocation(zone)
	if err != nil {
		t.Skip("this machine has no time zones: ", err)
	}
	for day := -1; ; day++ {
		local := due.In(place)
		opens := time.Date(local.Year(), local.Month(), local.Day()+day, hour, 30, 0, 0, place)
		switch {
		case opens.Weekday() != time.Tuesday || !opens.Add(time.Hour).After(due):
		case opens.After(due):
			return opens
		default:
			return due
		}
	}
}

// TestNoWindowInTime: a certificate that would end before the next window
// opens is renewed outside them, and the condition says why.
func TestNoWindowInTime(t *testing.T) {
	s := space(t)
	s.Create("web", theirs, func(crt *cmapi.Certificate) {
		crt.Spec.RenewBefore = &metav1.Duration{Duration: 24*time.Hour - 3*time.Second} // theirs live for a day
		crt.Spec.Renewal = &cmapi.CertificateRenewal{Windows: []cmapi.CertificateRenewalWindows{
			{Cron: "0 0 29 2 *", WindowDuration: &metav1.Duration{Duration: time.Hour}},
		}}
	})
	s.SignElsewhere(approved(s, "web-1"))
	crt := s.Await("web", func(crt *cmapi.Certificate) bool {
		c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
		return harness.Revision(crt) == 1 && c != nil && c.Status == cmmeta.ConditionTrue
	})
	c := harness.Condition(crt, cmapi.CertificateConditionIssuing)
	if c.Reason != "WindowError" {
		t.Errorf("it is renewed for %s: %s", c.Reason, c.Message)
	}
	s.Mentions(c.Message, "spec.renewal.windows: no renewal window opens before the certificate ends", "add a window")
	s.SignElsewhere(approved(s, "web-2"))
	s.Await("web", func(crt *cmapi.Certificate) bool { return harness.Revision(crt) == 2 })
	s.Must(s.CertManager.CertmanagerV1().Certificates(s.Namespace).Delete(t.Context(), "web", metav1.DeleteOptions{}))
}
