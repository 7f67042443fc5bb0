package certificates_test

import (
	"fmt"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/handlers/handlertest"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

const day = 24 * time.Hour

// The fixture was issued on 30 January at noon for ninety days.
func TestRenewalTime(t *testing.T) {
	t.Parallel()
	percent := int32(10)
	window := func(cron string, d time.Duration) func(*cmapi.CertificateSpec) {
		return func(s *cmapi.CertificateSpec) {
			s.Renewal = &cmapi.CertificateRenewal{Windows: []cmapi.CertificateRenewalWindows{{
				Cron: cron, WindowDuration: &metav1.Duration{Duration: d}}}}
		}
	}
	for name, row := range map[string]struct {
		spec   func(*cmapi.CertificateSpec)
		want   time.Time // zero: never
		reason string
	}{
		"at two thirds": {func(*cmapi.CertificateSpec) {}, handlertest.Renewal, "Renewing"},
		"renewBefore": {func(s *cmapi.CertificateSpec) { s.RenewBefore = &metav1.Duration{Duration: 10 * day} },
			handlertest.Ends.Add(-10 * day), "Renewing"},
		"renewBefore longer than the issuer gave": {func(s *cmapi.CertificateSpec) { s.RenewBefore = &metav1.Duration{Duration: 91 * day} },
			handlertest.Renewal, "Renewing"},
		"renewBeforePercentage": {func(s *cmapi.CertificateSpec) { s.RenewBeforePercentage = &percent },
			handlertest.Ends.Add(-9 * day), "Renewing"},
		"policy RenewBefore": {func(s *cmapi.CertificateSpec) {
			s.Renewal = &cmapi.CertificateRenewal{Policy: cmapi.CertificateRenewalPolicyRenewBefore}
		}, handlertest.Renewal, "Renewing"},
		"policy Disabled": {func(s *cmapi.CertificateSpec) {
			s.Renewal = &cmapi.CertificateRenewal{Policy: cmapi.CertificateRenewalPolicyDisabled}
		}, time.Time{}, ""},
		"a window open at two thirds": {window("0 11 * * *", 2*time.Hour), handlertest.Renewal, "Renewing"},
		"a window that opens later":   {window("0 3 * * *", time.Hour), handlertest.Renewal.Add(15 * time.Hour), "Renewing"},
		"no window before the end":    {window("0 0 1 1 *", time.Hour), handlertest.Renewal, "WindowError"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observed(t, func(o *certificates.Observed) {
				row.spec(&o.Certificate.Spec)
				o.Certificate.Status.RenewalTime = nil
				o.Certificate.Status.Conditions = nil
				o.Path = certificates.Slow
			})
			step, ok := certificates.Next(o, handlertest.Now).(certificates.Settle)
			if !ok {
				t.Fatalf("got %T, want Settle", step)
			}
			o.Certificate = step.Certificate
			got := step.Certificate.Status.RenewalTime
			if row.want.IsZero() {
				if got != nil {
					t.Errorf("renewalTime: got %s, want none", got.UTC())
				}
				wantStep(t, certificates.Next(o, handlertest.Now), "Rest "+toEnd.String())
				return
			}
			if got == nil || !got.Time.Equal(row.want) {
				t.Errorf("renewalTime: got %v, want %s", got, row.want)
			}
			wantStep(t, certificates.Next(o, row.want.Add(-time.Second)), "Rest 1s")
			wantStep(t, certificates.Next(o, row.want), "Settle Ready=True/Ready Issuing=True/"+row.reason+" | Normal Issuing: ...")
		})
	}
}

func TestACertificateThatIsNeverRenewedExpires(t *testing.T) {
	t.Parallel()
	disabled := func(_ *testing.T, o *certificates.Observed) {
		o.Certificate.Spec.Renewal = &cmapi.CertificateRenewal{Policy: cmapi.CertificateRenewalPolicyDisabled}
		o.Certificate.Status.RenewalTime = nil
	}
	decide(t, []decision{
		{name: "it rests until its end", want: "Rest " + toEnd.String(), o: disabled},
		{name: "in order up to its last moment", want: "Rest 1ns", late: toEnd - 1, o: disabled},
		{name: "then it says so", want: "Settle Ready=False/Expired", late: toEnd, o: disabled},
		{name: "and rests until somebody acts", want: "Rest 0s", late: toEnd, o: func(t *testing.T, o *certificates.Observed) {
			disabled(t, o)
			unready(o, "Expired", "Certificate expired on Thu, 30 Apr 2026 12:00:00 UTC")
		}},
		{name: "a renewal by hand is a renewal", want: "Request 2", late: toEnd, o: func(t *testing.T, o *certificates.Observed) {
			disabled(t, o)
			handlertest.ManuallyTriggered(o.Certificate)
		}},
	})
}

// Thousands of Certificates made in one minute are not renewed in one.
func TestRenewalsAreSpread(t *testing.T) {
	t.Parallel()
	for name, row := range map[string]struct{ spread, most time.Duration }{
		"no spread":      {0, 0},
		"by the setting": {10 * time.Minute, 10 * time.Minute},
		"by at most a twentieth of the time left": {1000 * time.Hour, 30 * day / 20},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o := observed(t, func(o *certificates.Observed) { o.Settings.RenewalSpread = row.spread })
			seen := map[time.Duration]bool{}
			for i := range 200 {
				o.Certificate.UID = types.UID(fmt.Sprintf("uid-%d", i))
				rest, ok := certificates.Next(o, handlertest.Now).(certificates.Rest)
				again, _ := certificates.Next(o, handlertest.Now.Add(time.Hour)).(certificates.Rest)
				if !ok || rest.After-again.After != time.Hour {
					t.Fatalf("the offset of one Certificate moved: rests %s, an hour later %s", rest.After, again.After)
				}
				offset := rest.After - toRenewal
				if offset < 0 || offset > row.most {
					t.Fatalf("offset: got %s, want 0 to %s", offset, row.most)
				}
				wantStep(t, certificates.Next(o, handlertest.Now.Add(rest.After-1)), "Rest 1ns")
				wantStep(t, certificates.Next(o, handlertest.Now.Add(rest.After)), "Request 2 | Normal Issuing: ...")
				seen[offset] = true
			}
			if row.most > 0 && len(seen) < 150 {
				t.Errorf("200 Certificates have only %d offsets", len(seen))
			}
		})
	}
}
