package daemon

import (
	"crypto/x509"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/internal/acme/acmetest"
	"github.com/certwright/certwright/internal/api"
	"github.com/certwright/certwright/internal/pki"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/labels"
)

// byHTTP proves names by HTTP-01, without a self check: there is no network in
// a bubble.
func byHTTP(config cmapi.IssuerConfig) cmapi.IssuerConfig {
	config.ACME.Solvers = []cmacme.ACMEChallengeSolver{{
		HTTP01:                 &cmacme.ACMEChallengeSolverHTTP01{Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{}},
		WaitInsteadOfSelfCheck: &metav1.Duration{},
	}}
	return config
}

// podsAnswer has pods answer validation, so that no port is opened.
func podsAnswer(c *config.Config) {
	c.ACMEHTTP01SolverMode, c.ACMEHTTP01SolverImage = config.SolverPod, "certwright.test/certwright:v1"
}

// validating makes an ACME server that finds what the daemon at work answers.
func validating(t *testing.T, w *world) *acmetest.Server {
	return acmetest.New(t, acmetest.Options{Validate: func(p acmetest.Proof) error {
		for _, answer := range (&answering{set: w.latest.Load().daemon.set}).look(p.Token) {
			if answer.Name == p.Identifier.Value && answer.KeyAuthorization == p.KeyAuthorization {
				return nil
			}
		}
		return fmt.Errorf("404 at %s", p.Identifier.Value)
	}})
}

// expectIssued checks that a Certificate is ready and its Secret by that server.
func (w *world) expectIssued(name string, by *acmetest.Server) {
	w.Helper()
	crt := w.certificate(name)
	s := w.secret(crt.Spec.SecretName)
	if !api.CertificateIs(crt, cmapi.CertificateConditionReady) || s == nil {
		w.Fatalf("Certificate %s is not ready: %+v", name, crt.Status)
	}
	chain, err := pki.ParseCertificates(s.Data[corev1.TLSCertKey])
	w.must(err)
	roots := x509.NewCertPool()
	roots.AppendCertsFromPEM(by.Roots())
	between := x509.NewCertPool()
	for _, c := range chain[1:] {
		between.AddCert(c)
	}
	for _, dns := range crt.Spec.DNSNames {
		if _, err := chain[0].Verify(x509.VerifyOptions{DNSName: dns, Roots: roots, Intermediates: between}); err != nil {
			w.Errorf("Secret of Certificate %s: %v", name, err)
		}
	}
}

// expectNoProofs checks that nothing is left of any challenge.
func (w *world) expectNoProofs() {
	w.Helper()
	for _, plural := range []string{"challenges", "pods", "services", "ingresses"} {
		if left := w.stored(plural); len(left) > 0 {
			w.Errorf("%d %s are left, such as %s", len(left), plural, left[0].GetName())
		}
	}
}

// From a Certificate to its Secret by way of an Order and a Challenge: the
// proof stands while the server looks, and nothing of it is left afterwards.
func TestACMEByHTTP01(t *testing.T) {
	bubble(t, func(w *world) {
		server := validating(t, w)
		w.acme = server.Transport()
		r := w.start(podsAnswer)
		w.create(issuer("le", byHTTP(acmeAt(server))))
		w.rest()
		r.take(work)
		w.create(certificate("web", "le"))
		w.rest()
		w.expectIssued("web", server)
		w.expectNoProofs()
		if writes := r.take(work); len(writes) > mostForACME {
			t.Errorf("%d writes, want at most %d:\n%s", len(writes), mostForACME, strings.Join(writes, "\n"))
		}
	})
}

// mostForACME is 14 without what the solver makes, and a pod, a Service and an
// Ingress made and deleted.
const mostForACME = 14 + 6

// Places are kept to by whole daemons whose caches lag, and which are killed in
// the middle: the API server never shows one too many, nor two of a name.
func TestPlacesInAStorm(t *testing.T) {
	bubble(t, func(w *world) {
		const places, many = 3, 24
		server := validating(t, w)
		w.acme = server.Transport()
		most := 0
		w.onChange(func(_ string, k kind, _, _ *object) {
			if k.plural != "challenges" {
				return
			}
			busy := map[string]bool{}
			for _, o := range w.api.list(target{kind: k}, labels.Everything()) {
				name, _, _ := unstructured.NestedString(o.Object, "spec", "dnsName")
				if at, _, _ := unstructured.NestedBool(o.Object, "status", "processing"); !at {
					continue
				}
				if busy[name] {
					w.Errorf("two are at work on %s", name)
				}
				busy[name] = true
			}
			if most = max(most, len(busy)); len(busy) > places {
				w.Errorf("%d are at work at %d places", len(busy), places)
			}
		})
		start := func() *replica {
			a := newActor(w.api, fmt.Sprintf("daemon-%d", len(w.replicas)+1))
			seed := uint64(len(w.replicas))
			random := rand.New(rand.NewPCG(seed, seed))
			a.lagging = func(string) time.Duration { return time.Duration(random.IntN(300)) * time.Millisecond }
			return w.launchOver(a, podsAnswer, func(c *config.Config) { c.MaxConcurrentChallenges = places })
		}
		r := start()
		w.create(issuer("le", byHTTP(acmeAt(server))))
		w.rest()
		for i := range many {
			w.create(certificate(fmt.Sprintf("web-%d", i), "le", func(crt *cmapi.Certificate) {
				crt.Spec.DNSNames = []string{fmt.Sprintf("www-%d.example.com", i), "shared.example.com"}
			}))
		}
		for range 3 {
			w.wait(7 * time.Second)
			r.kill()
			r = start()
		}
		w.wait(20 * time.Minute)
		for i := range many {
			w.expectIssued(fmt.Sprintf("web-%d", i), server)
		}
		w.expectNoProofs()
		if most != places {
			t.Errorf("at most %d of %d places were used", most, places)
		}
	})
}

func TestMetricsOfChallenges(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start(func(c *config.Config) { c.Controllers = []string{"*", "-challenges"} })
		for _, ch := range []*cmacme.Challenge{
			inFlight("web", "www.example.com", "t1", func(ch *cmacme.Challenge) {
				ch.Status.State, ch.Status.Reason = cmacme.Pending, strings.Repeat("x", 300)
			}),
			inFlight("waiting", "a.example.com", "t2", func(ch *cmacme.Challenge) { ch.Status.Processing = false }),
		} {
			_, err := w.user.CertManager.AcmeV1().Challenges(ns).Create(w.ctx, ch, metav1.CreateOptions{})
			w.must(err)
			_, err = w.user.CertManager.AcmeV1().Challenges(ns).UpdateStatus(w.ctx, ch, metav1.UpdateOptions{})
			w.must(err)
		}
		w.wait(time.Second)
		got := r.series(w)
		for name, want := range map[string]float64{
			"certwright_challenge_places{}":   1,
			"certwright_challenges_waiting{}": 1,
			"certmanager_certificate_challenge_status{domain=www.example.com,name=web,namespace=shop,processing=true,reason=" +
				strings.Repeat("x", 99) + "…,status=pending,type=HTTP-01}": 1,
			"certmanager_certificate_challenge_status{domain=a.example.com,name=waiting,namespace=shop,processing=false,reason=,status=valid,type=HTTP-01}": 0,
			"certmanager_certificate_challenge_status{domain=a.example.com,name=waiting,namespace=shop,processing=false,reason=,status=,type=HTTP-01}":      1,
		} {
			if value, ok := got[name]; !ok || value != want {
				t.Errorf("%s is %v (there: %t), want %v", name, value, ok, want)
			}
		}
	})
}

// The writes of a leader that cannot renew its lease end before another begins.
func TestPlacesLimit(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		lease, renew, retry, want time.Duration
	}{
		{60 * time.Second, 40 * time.Second, 15 * time.Second, 4 * time.Second},
		{10 * time.Minute, 40 * time.Second, 15 * time.Second, mostForPlaces},
		{15 * time.Second, 10 * time.Second, 5 * time.Second, leastForPlaces},
	} {
		cfg := config.Default()
		cfg.LeaderElectionLeaseDuration, cfg.LeaderElectionRenewDeadline, cfg.LeaderElectionRetryPeriod = row.lease, row.renew, row.retry
		if got := placesLimit(cfg); got != row.want {
			t.Errorf("%s, %s, %s: %s, want %s", row.lease, row.renew, row.retry, got, row.want)
		}
	}
	if got := placesLimit(alone()); got != mostForPlaces {
		t.Errorf("without a lease: %s, want %s", got, mostForPlaces)
	}
}
