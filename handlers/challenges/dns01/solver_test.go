package dns01_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01"
	"github.com/certwright/certwright/internal/dnscheck"
	"github.com/certwright/certwright/internal/dnscheck/dnstest"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
)

const tsig = "IwBTJx9wrDp4Y1RyC3H0gA=="

// secrets are those of the namespace shop.
type secrets struct {
	mu    sync.Mutex
	known map[string]*corev1.Secret
}

func (s *secrets) Secret(_ context.Context, namespace, name string) (*corev1.Secret, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "unreadable" {
		return nil, errors.New("the API server is away")
	}
	if found := s.known[name]; found != nil && namespace == "shop" {
		return found, nil
	}
	return nil, apierrors.NewNotFound(schema.GroupResource{Resource: "secrets"}, name)
}

func (s *secrets) put(name, version string, data map[string]string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	secret := &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: "shop", Name: name, ResourceVersion: version}, Data: map[string][]byte{}}
	for k, v := range data {
		secret.Data[k] = []byte(v)
	}
	if s.known == nil {
		s.known = map[string]*corev1.Secret{}
	}
	s.known[name] = secret
}

// world is a DNS server of example.test and other.test that takes updates, and a
// solver that asks it.
type world struct {
	dns     *dnstest.Server
	secrets *secrets
	solver  *dns01.Solver
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{dns: dnstest.Start(t, "127.0.0.1", ""), secrets: &secrets{}}
	for _, zone := range []string{"example.test.", "other.test."} {
		w.dns.Zone(zone, zone+" 60 IN NS ns."+zone, "ns."+zone+" 60 IN A 127.0.0.1")
	}
	w.dns.Key("key.", tsig)
	w.secrets.put("tsig", "1", map[string]string{"key": tsig + "\n"})
	w.solver = &dns01.Solver{Secrets: w.secrets, UserAgent: "certwright/test", DNS: dnscheck.New(dnscheck.Options{
		Nameservers: []string{dnstest.Resolve(t, w.dns).Address}, Port: w.dns.Port, Timeout: time.Second,
	})}
	return w
}

func (w *world) rfc2136() *cmacme.ACMEChallengeSolverDNS01 {
	return &cmacme.ACMEChallengeSolverDNS01{RFC2136: &cmacme.ACMEIssuerDNS01ProviderRFC2136{
		Nameserver: w.dns.Address, TSIGKeyName: "key", TSIGAlgorithm: "HMACSHA256", TSIGSecret: ref("tsig", "key"),
	}}
}

func ref(name, key string) cmmeta.SecretKeySelector {
	return cmmeta.SecretKeySelector{LocalObjectReference: cmmeta.LocalObjectReference{Name: name}, Key: key}
}

func task(domain, value string, solver *cmacme.ACMEChallengeSolverDNS01) challenges.Task {
	return challenges.Task{SecretNamespace: "shop", Challenge: &cmacme.Challenge{Spec: cmacme.ChallengeSpec{
		Type: cmacme.ACMEChallengeTypeDNS01, DNSName: domain, Key: value, Token: "token", Solver: cmacme.ACMEChallengeSolver{DNS01: solver},
	}}}
}

func says(t *testing.T, err error, fault bool, want string) {
	t.Helper()
	var f *challenges.Fault
	if err == nil || err.Error() != want || errors.As(err, &f) != fault {
		t.Errorf("got  %v (fault %t)\nwant %s (fault %t)", err, errors.As(err, &f), want, fault)
	}
}

func TestLifeOfARecord(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const name = "_acme-challenge.example.test."
	challenge := task("Example.Test", "v", w.rfc2136())
	says(t, w.solver.Visible(t.Context(), challenge), false, "the TXT record "+name+" does not have the value of this challenge everywhere yet: ns.example.test says there is no such name")
	for range 2 {
		if err := w.solver.Present(t.Context(), challenge); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.solver.Visible(t.Context(), challenge); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := w.solver.Remove(t.Context(), challenge); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.dns.TXT(name); len(got) > 0 {
		t.Errorf("%q", got)
	}
}

// A wildcard, its domain and other Certificates have one record name.
func TestManyAtOneName(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const n = 20
	var all sync.WaitGroup
	for i := range n {
		all.Go(func() {
			domain := []string{"example.test", "*.example.test"}[i%2]
			c := task(domain, fmt.Sprintf("v%02d", i), w.rfc2136())
			if err := w.solver.Present(t.Context(), c); err != nil {
				t.Error(err)
			}
			if err := w.solver.Visible(t.Context(), c); err != nil {
				t.Error(err)
			}
			if i%4 == 0 {
				return // stays
			}
			if err := w.solver.Remove(t.Context(), c); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if got := w.dns.TXT("_acme-challenge.example.test."); !slices.Equal(got, []string{"v00", "v04", "v08", "v12", "v16"}) {
		t.Errorf("%q", got)
	}
}

func TestCNAMEStrategy(t *testing.T) {
	t.Parallel()
	const alias, target = "_acme-challenge.www.example.test.", "www.acme.other.test."
	for _, row := range []struct {
		strategy cmacme.CNAMEStrategy
		at       string
	}{{cmacme.FollowStrategy, target}, {cmacme.NoneStrategy, alias}, {"", alias}} {
		w := newWorld(t)
		w.dns.Add(alias + " 60 IN CNAME " + target)
		solver := w.rfc2136()
		solver.CNAMEStrategy = row.strategy
		if err := w.solver.Present(t.Context(), task("www.example.test", "v", solver)); err != nil {
			t.Fatal(err)
		}
		if got := w.dns.TXT(row.at); !slices.Equal(got, []string{"v"}) {
			t.Errorf("%s: %q", row.strategy, got)
		}
		if row.at == target {
			if err := w.solver.Visible(t.Context(), task("www.example.test", "v", solver)); err != nil {
				t.Error(err)
			}
		}
		if err := w.solver.Remove(t.Context(), task("www.example.test", "v", solver)); err != nil || len(w.dns.TXT(row.at)) > 0 {
			t.Errorf("%s: %v", row.strategy, err)
		}
	}
}

func TestNoZone(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	solver := w.rfc2136()
	solver.CNAMEStrategy = cmacme.FollowStrategy
	c := task("nobody.invalid", "v", solver)
	const want = `spec.dnsName: no DNS zone is served for %s: the nearest zone that answers is "."; make the zone, have the one above delegate to its servers, or correct the DNS name`
	says(t, w.solver.Visible(t.Context(), c), true, fmt.Sprintf(want, "nobody.invalid."))
	says(t, w.solver.Present(t.Context(), c), true, fmt.Sprintf(want, "nobody.invalid."))
}

func TestSecretsThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.secrets.put("empty", "1", map[string]string{"key": ""})
	const f = "spec.solver.dns01.rfc2136.tsigSecretSecretRef: "
	for _, row := range []struct {
		ref   cmmeta.SecretKeySelector
		fault bool
		want  string
	}{
		{ref("absent", "key"), true, f + "there is no Secret shop/absent: create it"},
		{ref("tsig", "other"), true, f + `the Secret shop/tsig has no key "other", or it is empty: add it, or correct the reference`},
		{ref("empty", "key"), true, f + `the Secret shop/empty has no key "key", or it is empty: add it, or correct the reference`},
		{ref("tsig", ""), true, f + "it names no key: set key to that of the credential in the Secret shop/tsig"},
		{ref("", "key"), true, f + "it names no Secret: set name to that of one in the namespace shop"},
		{ref("unreadable", "key"), false, "read Secret shop/unreadable: the API server is away"},
	} {
		solver := w.rfc2136()
		solver.RFC2136.TSIGSecret = row.ref
		says(t, w.solver.Present(t.Context(), task("example.test", "v", solver)), row.fault, row.want)
	}
}

// What cannot be removed is not asked for when it is not there.
func TestRemoveWithoutTheMeans(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	c := task("example.test", "v", w.rfc2136())
	if err := w.solver.Present(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	w.secrets.put("tsig", "2", map[string]string{"other": "x"})
	says(t, w.solver.Remove(t.Context(), c), true, `spec.solver.dns01.rfc2136.tsigSecretSecretRef: the Secret shop/tsig has no key "key", or it is empty: add it, or correct the reference`)
	w.dns.Remove("_acme-challenge.example.test.")
	if err := w.solver.Remove(t.Context(), c); err != nil {
		t.Error(err)
	}
	for _, domain := range []string{"nobody.invalid", "nobody.test"} {
		if err := w.solver.Remove(t.Context(), task(domain, "v", w.rfc2136())); err != nil {
			t.Error(err)
		}
	}
	w.secrets.put("tsig", "3", map[string]string{"key": tsig})
	if err := w.solver.Remove(t.Context(), task("nobody.invalid", "v", w.rfc2136())); err != nil {
		t.Error(err)
	}
}

// A changed Secret is used at once.
func TestSecretsThatChange(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.secrets.put("tsig", "1", map[string]string{"key": "b3RoZXIgb3RoZXIgb3RoZXI="})
	c := task("example.test", "v", w.rfc2136())
	if err := w.solver.Present(t.Context(), c); err == nil || !strings.Contains(err.Error(), "BADSIG") {
		t.Fatal(err)
	}
	w.secrets.put("tsig", "2", map[string]string{"key": tsig})
	if err := w.solver.Present(t.Context(), c); err != nil {
		t.Fatal(err)
	}
}

func TestSolversThatCannotBe(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.secrets.put("s", "1", map[string]string{"k": "credential"})
	key := ref("s", "k")
	const f = "spec.solver.dns01"
	for _, row := range []struct {
		solver *cmacme.ACMEChallengeSolverDNS01
		want   string
	}{
		{nil, f + ": it is not set, but the challenge is of type DNS-01: correct the issuer's solvers"},
		{&cmacme.ACMEChallengeSolverDNS01{}, f + ": it names no DNS provider: set one, such as rfc2136, cloudflare, route53 or webhook, in the issuer's solver"},
		{&cmacme.ACMEChallengeSolverDNS01{Cloudflare: &cmacme.ACMEIssuerDNS01ProviderCloudflare{APIKey: &key, APIToken: &key}}, f + ".cloudflare: apiKeySecretRef and apiTokenSecretRef are both set: keep the token"},
		{&cmacme.ACMEChallengeSolverDNS01{Route53: &cmacme.ACMEIssuerDNS01ProviderRoute53{AccessKeyID: "K", SecretAccessKeyID: &key}}, f + ".route53: accessKeyID and accessKeyIDSecretRef are both set: keep one"},
		{&cmacme.ACMEChallengeSolverDNS01{AzureDNS: &cmacme.ACMEIssuerDNS01ProviderAzureDNS{ClientID: "c", ManagedIdentity: &cmacme.AzureManagedIdentity{}}}, f + ".azureDNS: managedIdentity is set beside a service principal: keep one of them"},
		{&cmacme.ACMEChallengeSolverDNS01{DigitalOcean: &cmacme.ACMEIssuerDNS01ProviderDigitalOcean{Token: ref("none", "k")}}, f + ".digitalocean.tokenSecretRef: there is no Secret shop/none: create it"},
		{&cmacme.ACMEChallengeSolverDNS01{AcmeDNS: &cmacme.ACMEIssuerDNS01ProviderAcmeDNS{Host: "x", AccountSecret: key}}, f + ".acmeDNS.host: it is no URL: give that of the acme-dns server, such as https://auth.example.com"},
		{&cmacme.ACMEChallengeSolverDNS01{CloudDNS: &cmacme.ACMEIssuerDNS01ProviderCloudDNS{Project: "p"}}, f + ".cloudDNS.serviceAccountSecretRef: there is no credential, and this issuer may not use those of the daemon: set it, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials"},
		{&cmacme.ACMEChallengeSolverDNS01{Akamai: &cmacme.ACMEIssuerDNS01ProviderAkamai{ClientToken: key, ClientSecret: key, AccessToken: key}}, f + ".akamai.serviceConsumerDomain: it is no host name: give the host of the API client's credentials, such as akab-xxxx.luna.akamaiapis.net"},
	} {
		says(t, w.solver.Present(t.Context(), task("example.test", "v", row.solver)), true, row.want)
	}
}
