package daemon

import (
	"slices"
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// The watches of a daemon lag, each by its own time. An edit that is seen before
// the Secret that was just stored makes the request anew, with the same key and
// under the same name; it must not be taken for the one that gave what the
// Secret holds.
func TestAnEditSeenBeforeTheSecretItIsAbout(t *testing.T) {
	bubble(t, func(w *world) {
		before := w.start()
		w.withCA()
		w.must(before.stop())

		a := newActor(w.api, "daemon-2")
		a.lagging = func(resource string) time.Duration {
			return map[string]time.Duration{
				"certificaterequests": 2000 * time.Millisecond, "certificates": 4000 * time.Millisecond, "secrets": 5500 * time.Millisecond}[resource]
		}
		w.launchOver(a)
		w.create(issuer("late", caOf("late-tls")), certificate("web", "late"))
		w.rest() // nobody can sign yet, so that the key is kept in a Secret
		pair := w.secret("root-tls")
		w.create(&corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "late-tls"}, Type: pair.Type, Data: pair.Data})
		for !w.isStored("web-tls") {
			w.wait(100 * time.Millisecond)
		}
		w.wait(400 * time.Millisecond)
		w.change("web", func(crt *cmapi.Certificate) { crt.Spec.DNSNames = append(crt.Spec.DNSNames, "www.example.com") })
		w.rest()
		w.expectReady("web")
	})
}

// isStored reports whether a Secret is there.
func (w *world) isStored(name string) bool {
	return slices.ContainsFunc(w.stored("secrets"), func(o *object) bool { return o.GetName() == name })
}
