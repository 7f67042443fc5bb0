package main

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01"
	"github.com/certwright/certwright/internal/dnscheck"
	"github.com/certwright/certwright/internal/dnscheck/dnstest"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	corev1 "k8s.io/api/core/v1"
	apiextensionsv1 "k8s.io/apiextensions-apiserver/pkg/apis/apiextensions/v1"
)

type secrets map[string]string

func (s secrets) Secret(context.Context, string, string) (*corev1.Secret, error) {
	secret := &corev1.Secret{Data: map[string][]byte{}}
	for k, v := range s {
		secret.Data[k] = []byte(v)
	}
	return secret, nil
}

// The whole way: a Challenge whose solver is a webhook of our own group, a
// Secret, the child, a DNS server, and the self check.
func TestFromChallengeToDNS(t *testing.T) {
	t.Parallel()
	const tsig = "IwBTJx9wrDp4Y1RyC3H0gA=="
	dns := dnstest.Start(t, "127.0.0.1", "")
	dns.Zone("example.test.", "example.test. 60 IN NS ns.example.test.", "ns.example.test. 60 IN A 127.0.0.1")
	dns.Key("key.test.", tsig)
	b := bridge(t)
	b.Nameservers = []string{dnstest.Resolve(t, dns).Address}
	checker := dnscheck.New(dnscheck.Options{Nameservers: b.Nameservers, Port: dns.Port})
	b.Visible = checker.Check
	solver := &dns01.Solver{DNS: checker, Secrets: secrets{"tsig": tsig}, Lego: b}
	config := `{"env":{"DNSUPDATE_NAMESERVER":"` + dns.Address + `","DNSUPDATE_TSIG_KEY":"key.test.","DNSUPDATE_TSIG_ALGORITHM":"hmac-sha256."},"secretEnv":{"DNSUPDATE_TSIG_SECRET":{"name":"tsig","key":"tsig"}}}`
	task := challenges.Task{
		SecretNamespace:  "shop",
		KeyAuthorization: func(context.Context) (string, error) { return keyAuthorization, nil },
		Challenge: &cmacme.Challenge{Spec: cmacme.ChallengeSpec{
			DNSName: "example.test", Wildcard: true, Token: "token", Key: value,
			Solver: cmacme.ACMEChallengeSolver{DNS01: &cmacme.ACMEChallengeSolverDNS01{Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{
				GroupName: "lego.certwright.dev", SolverName: "rfc2136", Config: &apiextensionsv1.JSON{Raw: []byte(config)},
			}}},
		}},
	}
	if err := solver.Present(t.Context(), task); err != nil {
		t.Fatal(err)
	}
	if got := dns.TXT("_acme-challenge.example.test."); !slices.Equal(got, []string{value}) {
		t.Errorf("%q", got)
	}
	if err := solver.Visible(t.Context(), task); err != nil {
		t.Error(err)
	}
	if err := solver.Remove(t.Context(), task); err != nil || len(dns.TXT("_acme-challenge.example.test.")) > 0 {
		t.Errorf("%v", err)
	}
	solver.Secrets = secrets{}
	var fault *challenges.Fault
	if err := solver.Present(t.Context(), task); !errors.As(err, &fault) || !strings.HasPrefix(err.Error(), "spec.solver.dns01.webhook.config.secretEnv.DNSUPDATE_TSIG_SECRET: ") {
		t.Errorf("%v", err)
	}
}
