package daemon

import (
	"crypto"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

const day = 24 * time.Hour

// rareSweeps leaves the daemon to its own wake-ups: they alone must be right,
// and months pass quickly.
func rareSweeps(cfg *config.Config) { cfg.ExpirySweepSchedule = "@every 720h" }

// A certificate of 90 days is renewed when two thirds of its life are over,
// with a new key, at the time that the status has said all along, again and
// again, and is Ready all the time.
func TestRenewalOverAYear(t *testing.T) {
	bubble(t, func(w *world) {
		w.start(rareSweeps)
		w.withCA()
		w.create(certificate("web", "ca"))
		w.rest()
		w.watchReady("web")
		began := time.Now()
		renewals := 0
		for last := w.expectReady("web"); time.Since(began) < 365*day; renewals++ {
			due := w.certificate("web").Status.RenewalTime.Time
			if want := last.NotBefore.Add(last.NotAfter.Sub(last.NotBefore) * 2 / 3); due.Sub(want).Abs() > time.Second {
				t.Fatalf("renewal is due on %s, want %s", due, want)
			}
			w.wait(time.Until(due) - time.Second)
			if !w.expectReady("web").Equal(last) {
				t.Fatalf("renewed before it was due, on %s", due)
			}
			w.wait(config.Default().ExpirySweepSpread + time.Minute)
			next := w.expectReady("web")
			if next.Equal(last) {
				t.Fatalf("not renewed when it was due, on %s", due)
			}
			if last.PublicKey.(interface{ Equal(crypto.PublicKey) bool }).Equal(next.PublicKey) {
				t.Errorf("renewed with the key it had")
			}
			last = next
		}
		if renewals != 7 { // every 60 days
			t.Errorf("%d renewals in a year", renewals)
		}
		if got := *w.certificate("web").Status.Revision; got != renewals+1 {
			t.Errorf("revision is %d after %d renewals", got, renewals)
		}
		w.expectTidy()
	})
}

// watchReady checks that a Certificate is Ready in each of its states from now on.
func (w *world) watchReady(name string) {
	w.onChange(func(by string, k kind, _, after *object) {
		if k.plural == "certificates" && after != nil && after.GetName() == name && !strings.Contains(string(after.raw), `"reason":"Ready"`) {
			w.Errorf("%s: %s wrote that Certificate %s is not Ready: %s", time.Now(), by, name, after.raw)
		}
	})
}

// A CA that is renewed goes on signing; what it signed before stays valid
// until its own time comes.
func TestARenewedCASignsOn(t *testing.T) {
	bubble(t, func(w *world) {
		w.start(rareSweeps)
		ca := root()
		ca.Spec.Duration = &metav1.Duration{Duration: 30 * day}
		w.create(issuer("selfsigned", selfSigned()), ca, issuer("ca", caOf("root-tls")))
		w.create(certificate("web", "ca", lasting(10*day)))
		w.rest()
		first := w.expectReady("root")
		w.wait(25 * day)
		second := w.expectReady("root")
		if second.Equal(first) {
			t.Error("the CA was not renewed")
		}
		if web := w.expectReady("web"); web.CheckSignatureFrom(second) != nil {
			t.Error("the leaf was not signed by the new CA")
		}
		w.expectTidy()
	})
}

func lasting(d time.Duration) func(*cmapi.Certificate) {
	return func(crt *cmapi.Certificate) { crt.Spec.Duration = &metav1.Duration{Duration: d} }
}

// Many certificates made in one minute are not renewed in one minute.
func TestRenewalsAreSpread(t *testing.T) {
	bubble(t, func(w *world) {
		w.start(rareSweeps)
		w.withCA()
		const n = 60
		for i := range n {
			w.create(certificate(fmt.Sprintf("web-%d", i), "ca"))
		}
		w.rest()
		perMinute := map[int]int{}
		var first time.Time
		w.onChange(func(_ string, k kind, before, _ *object) {
			if k.plural == "certificaterequests" && before == nil {
				if first.IsZero() {
					first = time.Now()
				}
				perMinute[int(time.Since(first)/time.Minute)]++
			}
		})
		w.wait(61 * day)
		total := 0
		for minute, requests := range perMinute {
			total += requests
			if requests > n/4 || minute > 11 {
				t.Errorf("%d of %d renewals began in minute %d", requests, n, minute)
			}
		}
		if total != n {
			t.Errorf("%d renewals, want %d", total, n)
		}
	})
}

// A daemon that was away when a certificate was due makes up for it, and one
// that was away until after its end too.
func TestRenewalAfterAnAbsence(t *testing.T) {
	for _, away := range []time.Duration{65 * day, 100 * day} {
		t.Run(away.String(), func(t *testing.T) {
			bubble(t, func(w *world) {
				r := w.start(rareSweeps)
				w.withCA()
				w.create(certificate("web", "ca"))
				w.rest()
				last := w.expectReady("web")
				if err := r.stop(); err != nil {
					t.Fatal(err)
				}
				w.wait(away)
				w.start(rareSweeps)
				w.wait(config.Default().ExpirySweepSpread)
				if next := w.expectReady("web"); next.Equal(last) {
					t.Error("not renewed")
				}
			})
		})
	}
}

// A CA that has run out signs nothing any more: the issuer says so, what needs
// a certificate waits, and goes on when the CA is mended.
func TestAnExpiredCA(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		w.withCA()
		ca := root()
		ca.Name, ca.Spec.SecretName = "old", "old-tls"
		ca.Spec.Duration = &metav1.Duration{Duration: 2 * time.Hour}
		ca.Spec.Renewal = &cmapi.CertificateRenewal{Policy: cmapi.CertificateRenewalPolicyDisabled}
		w.create(ca, issuer("old", caOf("old-tls")))
		w.rest()
		w.expectReady("old")
		w.wait(3 * time.Hour)
		w.create(certificate("web", "old"))
		w.rest()
		w.expectIssuer("old", "False", "ErrInvalidKeyPair")
		w.expectCondition("web", cmapi.CertificateConditionIssuing, "True", "is not ready")
		w.change("old", func(crt *cmapi.Certificate) { crt.Spec.Renewal = nil })
		w.rest()
		w.expectIssuer("old", "True", "KeyPairVerified")
		w.expectReady("web")
		w.expectTidy()
	})
}
