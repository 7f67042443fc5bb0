package daemon

import (
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func only(namespaces ...string) func(*config.Config) {
	return func(cfg *config.Config) { cfg.Namespaces = namespaces }
}

// A daemon for some namespaces serves these, leaves all others alone, and asks
// for nothing that takes a right beyond them.
func TestAListOfNamespaces(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start(only(ns, "bank"))
		w.withCA()
		elsewhere := issuer("selfsigned", selfSigned())
		elsewhere.Namespace = "else"
		there := root()
		there.Namespace = "else"
		bank, bankRoot := issuer("selfsigned", selfSigned()), root()
		bank.Namespace, bankRoot.Namespace = "bank", "bank"
		w.create(certificate("web", "ca"), elsewhere, there, bank, bankRoot,
			clusterIssuer("public", selfSigned()), certificate("waits", "public", ofClusterIssuer))
		w.rest()
		w.expectReady("web")
		w.expectCondition("waits", cmapi.CertificateConditionIssuing, "True", "out of reach")
		for _, c := range r.take(func(c call) bool {
			return c.resource == "clusterissuers" || c.resource == "certificatesigningrequests" || c.namespace == "else" ||
				c.namespace == "" && (c.verb == "list" || c.verb == "watch")
		}) {
			t.Errorf("out of its namespaces: %s", c)
		}
		_, err := w.user.Core.CoreV1().Secrets("bank").Get(w.ctx, "root-tls", metav1.GetOptions{})
		w.must(err)
	})
}

func ofClusterIssuer(crt *cmapi.Certificate) { crt.Spec.IssuerRef.Kind = cmapi.ClusterIssuerKind }

// A ClusterIssuer finds its Secret in the namespace for cluster resources.
func TestAClusterIssuer(t *testing.T) {
	bubble(t, func(w *world) {
		w.start(func(cfg *config.Config) { cfg.ClusterResourceNamespace = "cert-manager" })
		w.withCA()
		w.create(clusterIssuer("public", caOf("public-ca")), certificate("web", "public", ofClusterIssuer))
		w.rest()
		w.expectCondition("web", cmapi.CertificateConditionIssuing, "True", "is not ready")
		pair := w.secret("root-tls")
		w.create(&corev1.Secret{
			ObjectMeta: metav1.ObjectMeta{Namespace: "cert-manager", Name: "public-ca"}, Type: pair.Type, Data: pair.Data})
		w.rest()
		w.expectReady("web")
		w.expectTidy()
	})
}

// A part that is switched off leaves its objects alone, and the others go on.
func TestPartsThatAreOff(t *testing.T) {
	for off, untouched := range map[config.Controller]string{
		config.Certificates:        "update certificates/status",
		config.CertificateRequests: "update certificaterequests/status",
		config.Issuers:             "update issuers/status",
		config.ClusterIssuers:      "update clusterissuers/status",
	} {
		t.Run(string(off), func(t *testing.T) {
			bubble(t, func(w *world) {
				r := w.start(func(cfg *config.Config) { cfg.Controllers = []string{"*", "-" + string(off)} })
				w.create(issuer("selfsigned", selfSigned()), clusterIssuer("public", selfSigned()), root(), requestByHand(w, "hand", "selfsigned"))
				w.wait(2 * time.Hour)
				seen := map[string]bool{}
				r.take(func(c call) bool { seen[c.verb+" "+c.resource] = true; return false })
				for _, write := range []string{
					"update certificates/status", "update certificaterequests/status", "update issuers/status", "update clusterissuers/status",
				} {
					if seen[write] == (write == untouched) {
						t.Errorf("%s: it is %t that this was done", write, seen[write])
					}
				}
			})
		})
	}
}

// Without the CRDs a daemon waits, says what is missing, and begins within
// seconds when they are installed.
func TestWithoutItsAPIs(t *testing.T) {
	bubble(t, func(w *world) {
		w.absent("certificates", "certificaterequests", "issuers", "clusterissuers")
		r := w.start()
		w.wait(time.Hour)
		if r.daemon.set.Synced() {
			t.Error("it calls itself ready")
		}
		r.expectLog(w, `"Waiting for the caches"`, "Resource=issuers", "kubectl apply -k deploy/crds")
		w.absent()
		w.withCA()
	})
}

// absent says which resources the API server does not know.
func (w *world) absent(plurals ...string) {
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	clear(w.api.missing)
	for _, p := range plurals {
		w.api.missing[p] = true
	}
}

// A daemon that starts before its API server goes on when that is there.
func TestBeforeItsAPIServer(t *testing.T) {
	bubble(t, func(w *world) {
		a := newActor(w.api, "daemon-1")
		up := make(chan struct{})
		a.fault = func(call) fault {
			select {
			case <-up:
				return fault{}
			default:
				return fault{err: errRefused}
			}
		}
		r := w.launchOver(a, withLease)
		w.wait(10 * time.Minute)
		r.expectLog(w, "The API server does not answer")
		close(up)
		w.rest()
		w.withCA()
	})
}
