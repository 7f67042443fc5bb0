package daemon

import (
	"testing"

	"github.com/certwright/certwright/internal/api"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// Whoever spoils a Secret finds it mended: with another certificate where what
// it held is lost, and with the same one where only something around it is.
func TestASpoiledSecretIsMended(t *testing.T) {
	for name, row := range map[string]struct {
		spoil func(w *world)
		anew  bool
		why   string // in an Event
	}{
		"deleted":         {func(w *world) { w.deleteSecret("web-tls") }, true, "Secret does not exist"},
		"emptied":         {spoiled(func(s *corev1.Secret) { s.Data = nil }), true, "not contain any data"},
		"without its key": {spoiled(func(s *corev1.Secret) { delete(s.Data, "tls.key") }), true, "not contain a private key"},
		"with half a key": {spoiled(half), true, "invalid private key"},
		"with another's key": {func(w *world) {
			key := w.secret("root-tls").Data["tls.key"]
			w.changeSecret("web-tls", func(s *corev1.Secret) { s.Data["tls.key"] = key })
		}, true, "private key in the Secret does not belong"},
		"with another issuer's name": {spoiled(func(s *corev1.Secret) { s.Annotations["cert-manager.io/issuer-name"] = "other" }), true, "previously issued by"},
		"without its CA":             {spoiled(func(s *corev1.Secret) { delete(s.Data, "ca.crt") }), false, ""},
		"without our label":          {spoiled(func(s *corev1.Secret) { s.Labels = nil }), false, ""},
		"without annotations":        {spoiled(func(s *corev1.Secret) { delete(s.Annotations, "cert-manager.io/alt-names") }), false, ""},
	} {
		t.Run(name, func(t *testing.T) {
			bubble(t, func(w *world) {
				r := w.start()
				w.withCA()
				w.create(certificate("web", "ca"))
				w.rest()
				before := w.expectReady("web")
				r.take(work)
				row.spoil(w)
				w.rest()
				if after := w.expectReady("web"); after.Equal(before) == row.anew {
					t.Errorf("issued anew is %t, want %t", !row.anew, row.anew)
				}
				if row.anew {
					w.expectEvent("web", row.why)
				} else {
					w.expectWrites(r, "patch secrets shop/web-tls")
				}
				if s := w.secret("web-tls"); len(s.Data["ca.crt"]) == 0 || s.Labels["controller.cert-manager.io/fao"] != "true" {
					t.Errorf("the Secret is not whole again: %v", s.Labels)
				}
				w.expectTidy()
			})
		})
	}
}

// half cuts the key.
func half(s *corev1.Secret) {
	if key := s.Data["tls.key"]; len(key) > 0 {
		s.Data["tls.key"] = key[:len(key)/2]
	}
}

func spoiled(edit func(*corev1.Secret)) func(*world) {
	return func(w *world) { w.changeSecret("web-tls", edit) }
}

// What somebody puts beside ours in a Secret is his, and stays.
func TestWhatIsNotOursStays(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		w.create(certificate("web", "ca"))
		w.rest()
		r.take(work)
		w.changeSecret("web-tls", func(s *corev1.Secret) {
			s.Data["dhparam.pem"], s.Labels["team"] = []byte("his"), "blue"
		})
		w.rest()
		w.expectWrites(r)
		w.deleteRequests()
		w.change("web", func(crt *cmapi.Certificate) { crt.Spec.DNSNames = append(crt.Spec.DNSNames, "www.example.com") })
		w.rest()
		w.expectReady("web")
		if s := w.secret("web-tls"); string(s.Data["dhparam.pem"]) != "his" || s.Labels["team"] != "blue" {
			t.Errorf("his data are gone: %v, %v", s.Labels, s.Data["dhparam.pem"])
		}
	})
}

func (w *world) deleteRequests() {
	w.Helper()
	for _, cr := range w.requests() {
		w.retry(func() error {
			return w.user.CertManager.CertmanagerV1().CertificateRequests(ns).Delete(w.ctx, cr.Name, metav1.DeleteOptions{})
		})
	}
}

// A deleted request of the current revision is not missed.
func TestADeletedRequestIsNotMissed(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		w.create(certificate("web", "ca"))
		w.rest()
		before := w.expectReady("web")
		r.take(work)
		w.deleteRequests()
		w.rest()
		w.expectWrites(r)
		if !w.expectReady("web").Equal(before) {
			t.Error("issued anew")
		}
	})
}

// A CA's Secret that is deleted and made again in no time leaves nobody
// waiting, whatever was asked of it meanwhile.
func TestACAThatIsReplacedLeavesNobodyWaiting(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		w.withCA()
		w.deleteSecret("root-tls")
		for _, name := range []string{"a", "b", "c"} {
			w.create(certificate(name, "ca"))
		}
		w.rest()
		for _, name := range []string{"root", "a", "b", "c"} {
			w.expectReady(name)
		}
		w.expectTidy()
	})
}

// Someone who keeps deleting a Secret gets it back each time, but not at the
// price of a storm of requests.
func TestASecretDeletedAgainAndAgain(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		w.create(certificate("web", "ca"))
		w.rest()
		r.take(work)
		for range 600 { // ten minutes, every second
			if w.secret("web-tls") != nil {
				w.deleteSecret("web-tls")
			}
			w.wait(1e9)
		}
		issued := len(r.take(func(c call) bool { return c.verb == "create" && c.resource == "certificaterequests" }))
		if issued < 5 || issued > 30 {
			t.Errorf("%d requests in ten minutes", issued)
		}
		w.wait(10 * 60 * 1e9)
		w.expectReady("web")
		w.expectTidy()
	})
}

// Issuing=True set by somebody else is a wish for a new certificate.
func TestRenewalByHand(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		w.withCA()
		w.create(certificate("web", "ca"))
		w.rest()
		before := w.expectReady("web")
		w.renew("web")
		w.rest()
		if w.expectReady("web").Equal(before) {
			t.Error("not renewed")
		}
		w.expectTidy()
	})
}

// renew does what `cmctl renew` does.
func (w *world) renew(name string) {
	w.Helper()
	w.retry(func() error {
		crt := w.certificate(name)
		api.SetCertificateCondition(crt, cmapi.CertificateCondition{
			Type: cmapi.CertificateConditionIssuing, Status: cmmeta.ConditionTrue, Reason: "ManuallyTriggered",
			Message: "Certificate re-issuance manually triggered"}, metav1.Now())
		_, err := w.user.CertManager.CertmanagerV1().Certificates(ns).UpdateStatus(w.ctx, crt, metav1.UpdateOptions{})
		return err
	})
}

// A Certificate that is deleted leaves its Secret, and no request or key.
func TestADeletedCertificate(t *testing.T) {
	bubble(t, func(w *world) {
		w.start()
		w.withCA()
		w.create(certificate("web", "ca"), certificate("waits", "nobody"))
		w.rest()
		for _, name := range []string{"web", "waits"} {
			w.deleteCertificate(name)
		}
		w.rest()
		if len(w.requests()) != 1 { // the root's
			t.Errorf("requests are left: %d", len(w.requests()))
		}
		if w.secret("web-tls") == nil {
			t.Error("the Secret, which servers may still use, is gone")
		}
		w.expectTidy()
	})
}
