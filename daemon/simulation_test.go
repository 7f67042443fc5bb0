package daemon

import (
	"flag"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
	"pgregory.net/rapid"
)

// TestSimulation lets the daemon work while everything goes wrong: calls fail,
// or have their effect and fail all the same; watches lag and break; clocks
// differ; the daemon is killed and stays away for months; and people edit,
// delete and make things. When that is over, everything must come to rest in
// order, whatever happened, and in between nothing may ever be half done.
//
// It runs as many simulations as fit into a time (-simulation, or the
// environment's CERTWRIGHT_SIMULATION, as 10m with a large -rapid.checks).
// -rapid.seed repeats a run: faults depend on the seed and on what a call is
// about, and not on the order in which workers get their turn.
func TestSimulation(t *testing.T) {
	t.Parallel()
	end := time.Now().Add(simulationTime(t))
	runs := 0
	rapid.Check(t, func(rt *rapid.T) {
		if time.Now().After(end) {
			return // the rest of the checks count as passed
		}
		runs++
		rapid.SyncTest(rt, simulate)
	})
	t.Logf("%d simulations", runs)
}

var simulationFlag = flag.String("simulation", "", "how long to simulate, such as 10m; without it CERTWRIGHT_SIMULATION, or some seconds")

func simulationTime(t *testing.T) time.Duration {
	text := *simulationFlag
	if text == "" {
		text = os.Getenv("CERTWRIGHT_SIMULATION")
	}
	if text == "" {
		return 12 * time.Second
	}
	d, err := time.ParseDuration(text)
	if err != nil {
		t.Fatalf("-simulation, CERTWRIGHT_SIMULATION: %v", err)
	}
	return d
}

// simulation is one world in trouble.
type simulation struct {
	*world
	*chaos
	t       *rapid.T
	current *replica
	options []func(*config.Config)
	names   []string
}

func simulate(t *rapid.T) {
	s := &simulation{world: newWorld(t), t: t, names: []string{"web", "api", "mail"}}
	s.chaos = newChaos(t)
	sweeps := rapid.SampledFrom([]string{"@every 12h", "@every 720h"}).Draw(t, "sweeps")
	s.options = append(s.options, func(cfg *config.Config) { cfg.ExpirySweepSchedule = sweeps })
	s.onChange(s.signedOnce)
	s.create(issuer("selfsigned", selfSigned()), root(), issuer("ca", caOf("root-tls")), poison())
	for _, name := range s.names {
		s.create(certificate(name, "ca"))
	}
	s.launchDaemon()
	for range rapid.IntRange(1, 12).Draw(t, "steps") {
		what := rapid.SampledFrom(steps).Draw(t, "step")
		what.do(s)
		s.wait(time.Duration(rapid.IntRange(0, 20_000).Draw(t, "ms until the next")) * time.Millisecond)
	}
	s.calm()
	s.expectOrder()
}

// poison is a Certificate that can never be issued, and harms no other.
func poison() *cmapi.Certificate {
	return certificate("poison", "ca", func(crt *cmapi.Certificate) { crt.Spec.CommonName = strings.Repeat("x", 70) })
}

func (s *simulation) launchDaemon() {
	a := newActor(s.api, fmt.Sprintf("daemon-%d", len(s.replicas)+1))
	a.fault, a.lagging = s.fault, s.lag
	s.current = s.launchOver(a, s.options...)
}

// step is something that happens.
type step struct {
	name string
	do   func(s *simulation)
}

// GoString names the step in the account of a failed simulation.
func (s step) GoString() string { return s.name }

var steps = []step{
	{"a kill", func(s *simulation) {
		s.current.kill()
		s.launchDaemon()
	}},
	{"a kill at a write", func(s *simulation) {
		s.current.dieAt(rapid.IntRange(1, 6).Draw(s.t, "write"), rapid.Bool().Draw(s.t, "after it"))
		s.pick("to renew by hand", s.renew)
		s.wait(5 * time.Second)
		s.current.kill()
		s.launchDaemon()
	}},
	{"a restart", func(s *simulation) {
		if err := s.current.stop(); err != nil {
			s.Errorf("stop: %v", err)
		}
		s.launchDaemon()
	}},
	{"a long absence", func(s *simulation) {
		s.current.kill()
		s.wait(time.Duration(rapid.IntRange(1, 100).Draw(s.t, "days")) * day)
		s.launchDaemon()
	}},
	{"a long time", func(s *simulation) {
		s.wait(time.Duration(rapid.IntRange(1, 70).Draw(s.t, "days")) * day)
	}},
	{"another clock", func(s *simulation) {
		s.api.mu.Lock()
		defer s.api.mu.Unlock()
		s.api.skew = time.Duration(rapid.IntRange(-600, 600).Draw(s.t, "seconds")) * time.Second
	}},
	{"broken watches", func(s *simulation) { s.breakWatches(rapid.Bool().Draw(s.t, "for good")) }},
	{"a renewal by hand", func(s *simulation) { s.pick("renewed", s.renew) }},
	{"another name", func(s *simulation) {
		s.pick("edited", s.editing(func(crt *cmapi.Certificate) {
			crt.Spec.DNSNames = append(crt.Spec.DNSNames, fmt.Sprintf("n%d.example.com", len(crt.Spec.DNSNames)))
		}))
	}},
	{"another duration", func(s *simulation) {
		s.pick("edited", s.editing(lasting(time.Duration(rapid.IntRange(100, 4000).Draw(s.t, "hours"))*time.Hour)))
	}},
	{"another Secret", func(s *simulation) {
		to := rapid.SampledFrom([]string{"web-tls", "api-tls", "other-tls"}).Draw(s.t, "to")
		s.pick("moved", s.editing(func(crt *cmapi.Certificate) { crt.Spec.SecretName = to }))
	}},
	{"another issuer", func(s *simulation) {
		to := rapid.SampledFrom([]string{"selfsigned", "ca", "nobody"}).Draw(s.t, "to")
		s.pick("moved", s.editing(func(crt *cmapi.Certificate) { crt.Spec.IssuerRef.Name = to }))
	}},
	{"a lost Secret", func(s *simulation) { s.pickSecret(func(name string) { s.deleteSecret(name) }) }},
	{"a spoiled Secret", func(s *simulation) {
		how := rapid.SampledFrom(slices.Sorted(maps.Keys(spoilers))).Draw(s.t, "how")
		s.pickSecret(func(name string) { s.changeSecret(name, spoilers[how]) })
	}},
	{"a lost request", func(s *simulation) { s.deleteRequests() }},
	{"a lost Certificate", func(s *simulation) { s.pick("deleted", s.deleteCertificate) }},
	{"a lost issuer", func(s *simulation) {
		_ = s.user.CertManager.CertmanagerV1().Issuers(ns).Delete(s.ctx, "ca", metav1.DeleteOptions{}) // it may be gone
	}},
	{"all that was lost", (*simulation).restore},
}

// spoilers are what somebody may do to a Secret. Taking ca.crt away is not
// among them: without the request, which may be lost too, nobody knows it.
var spoilers = map[string]func(*corev1.Secret){
	"half a key":     half,
	"no data":        func(s *corev1.Secret) { s.Data = nil },
	"no labels":      func(s *corev1.Secret) { s.Labels = nil },
	"no annotations": func(s *corev1.Secret) { s.Annotations = nil },
	"no certificate": func(s *corev1.Secret) { delete(s.Data, "tls.crt") },
}

// pick does something to a Certificate that is there.
func (s *simulation) pick(what string, do func(name string)) {
	name := rapid.SampledFrom(append([]string{"root"}, s.names...)).Draw(s.t, what)
	if s.has("certificates", name) {
		do(name)
	}
}

func (s *simulation) has(plural, name string) bool {
	return slices.ContainsFunc(s.stored(plural), func(o *object) bool { return o.GetName() == name })
}

// editing edits the spec of a Certificate; but the root stays a root.
func (s *simulation) editing(edit func(*cmapi.Certificate)) func(string) {
	return func(name string) {
		if name != "root" {
			s.change(name, edit)
		}
	}
}

func (s *simulation) pickSecret(do func(name string)) {
	var names []string
	for _, o := range s.stored("secrets") {
		if o.GetLabels()[cmapi.IsNextPrivateKeySecretLabelKey] == "" {
			names = append(names, o.GetName())
		}
	}
	if len(names) > 0 {
		do(rapid.SampledFrom(names).Draw(s.t, "Secret"))
	}
}

// restore puts back what is missing, and every spec to what can be served.
func (s *simulation) restore() {
	if !s.has("issuers", "ca") {
		s.create(issuer("ca", caOf("root-tls")))
	}
	if !s.has("certificates", "root") {
		s.create(root())
	}
	for _, name := range s.names {
		if !s.has("certificates", name) {
			s.create(certificate(name, "ca"))
			continue
		}
		s.change(name, func(crt *cmapi.Certificate) { crt.Spec.SecretName, crt.Spec.IssuerRef.Name = name+"-tls", "ca" })
	}
}

// calm ends all trouble, and waits for longer than any back-off lasts.
func (s *simulation) calm() {
	s.chaos.end()
	s.api.mu.Lock()
	s.api.skew = 0
	s.api.mu.Unlock()
	s.restore()
	s.wait(36 * time.Hour)
}

// expectOrder checks all that must be true at rest.
func (s *simulation) expectOrder() {
	for _, name := range append([]string{"root"}, s.names...) {
		s.expectReady(name)
	}
	s.expectCondition("poison", cmapi.CertificateConditionReady, string(cmmeta.ConditionFalse), "commonName")
	s.expectNoStrays()
	s.pastRenewals(3 * time.Hour)
	s.current.take(work)
	s.wait(3 * time.Hour)
	s.expectWrites(s.current)
}

// expectNoStrays is expectTidy, but for one thing: the request of an issuance
// that became needless, because an edit was taken back or somebody deleted the
// request before what it gave was recorded, stays until the next one.
func (s *simulation) expectNoStrays() {
	for _, o := range s.strays() {
		if owner := metav1.GetControllerOf(o); owner != nil && o.GetKind() == cmapi.CertificateRequestKind &&
			revisionOf(o) == int64(ptr.Deref(s.certificate(owner.Name).Status.Revision, 0))+1 {
			continue
		}
		s.Errorf("left over: %s %s", o.GetKind(), o.GetName())
	}
}

// pastRenewals waits until no renewal is due for a while.
func (s *simulation) pastRenewals(d time.Duration) {
	for range 100 {
		next := time.Now().Add(100 * day)
		for _, crt := range append([]string{"root"}, s.names...) {
			if at := s.certificate(crt).Status.RenewalTime; at != nil && at.Time.Before(next) {
				next = at.Time
			}
		}
		if time.Until(next) > d {
			return
		}
		s.wait(time.Until(next) + 15*time.Minute)
	}
	s.Fatalf("there is no rest between renewals")
}
