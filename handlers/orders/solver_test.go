package orders

import (
	"strings"
	"testing"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmmeta "github.com/cert-manager/cert-manager/pkg/apis/meta/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	gwapi "sigs.k8s.io/gateway-api/apis/v1"
)

type selector = cmacme.CertificateDNSNameSelector

// byDNS and byHTTP are solvers that a test tells apart by their mark.
func byDNS(mark string, s *selector) cmacme.ACMEChallengeSolver {
	return cmacme.ACMEChallengeSolver{Selector: s, DNS01: &cmacme.ACMEChallengeSolverDNS01{
		Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{SolverName: mark}}}
}

func byHTTP(mark string, s *selector) cmacme.ACMEChallengeSolver {
	return cmacme.ACMEChallengeSolver{Selector: s, HTTP01: &cmacme.ACMEChallengeSolverHTTP01{
		Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{Name: mark}}}
}

func markOf(c Choice) string {
	if c.Solver.DNS01 != nil {
		return string(c.Type) + " " + c.Solver.DNS01.Webhook.SolverName
	}
	return string(c.Type) + " " + c.Solver.HTTP01.Ingress.Name
}

func authz(name string, types ...string) cmacme.ACMEAuthorization {
	bare, wild := strings.CutPrefix(name, "*.")
	a := cmacme.ACMEAuthorization{URL: "https://acme/authz", Identifier: bare, Wildcard: &wild}
	if len(types) == 0 {
		types = []string{"http-01", "dns-01", "tls-alpn-01"}
	}
	for _, t := range types {
		a.Challenges = append(a.Challenges, cmacme.ACMEChallenge{URL: "https://acme/" + t, Type: t, Token: "token"})
	}
	return a
}

func zones(z ...string) *selector { return &selector{DNSZones: z} }
func names(n ...string) *selector { return &selector{DNSNames: n} }
func labelled(kv ...string) *selector {
	m := map[string]string{}
	for i := 0; i < len(kv); i += 2 {
		m[kv[i]] = kv[i+1]
	}
	return &selector{MatchLabels: m}
}

func TestChoose(t *testing.T) {
	t.Parallel()
	labels := map[string]string{"team": "a", "tier": "web"}
	for name, row := range map[string]struct {
		authz   cmacme.ACMEAuthorization
		solvers []cmacme.ACMEChallengeSolver
		want    string // empty: none
	}{
		"the only one":                        {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", nil)}, "DNS-01 x"},
		"an empty selector":                   {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byHTTP("x", &selector{})}, "HTTP-01 x"},
		"the first of equals":                 {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byHTTP("x", nil), byDNS("y", nil)}, "HTTP-01 x"},
		"any selector before none":            {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byHTTP("x", nil), byDNS("y", labelled("team", "a"))}, "DNS-01 y"},
		"a zone before labels":                {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byHTTP("x", labelled("team", "a", "tier", "web")), byDNS("y", zones("com"))}, "DNS-01 y"},
		"a name before a zone":                {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byHTTP("x", zones("a.example.com")), byDNS("y", names("a.example.com"))}, "DNS-01 y"},
		"the longer zone":                     {authz("a.b.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", zones("example.com")), byDNS("y", zones("b.example.com", "com"))}, "DNS-01 y"},
		"more labels":                         {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", labelled("team", "a")), byDNS("y", labelled("team", "a", "tier", "web"))}, "DNS-01 y"},
		"another label":                       {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", labelled("team", "b"))}, ""},
		"one label of two":                    {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", labelled("team", "a", "other", "b"))}, ""},
		"another zone":                        {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", zones("example.org"))}, ""},
		"no label of a zone":                  {authz("anexample.com"), []cmacme.ACMEChallengeSolver{byDNS("x", zones("example.com"))}, ""},
		"the zone itself":                     {authz("example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", zones("Example.COM."))}, "DNS-01 x"},
		"another name":                        {authz("b.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", names("a.example.com"))}, ""},
		"upper case":                          {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", names("A.Example.com"))}, "DNS-01 x"},
		"a name and not its zone":             {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", &selector{DNSNames: []string{"a.example.com"}, DNSZones: []string{"example.org"}})}, ""},
		"a name and a zone before a name":     {authz("a.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", names("a.example.com")), byDNS("y", &selector{DNSNames: []string{"a.example.com"}, DNSZones: []string{"com"}})}, "DNS-01 y"},
		"a wildcard never over HTTP":          {authz("*.example.com"), []cmacme.ACMEChallengeSolver{byHTTP("x", names("*.example.com"))}, ""},
		"a wildcard's name has its star":      {authz("*.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", names("example.com")), byDNS("y", nil)}, "DNS-01 y"},
		"a wildcard by name":                  {authz("*.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", nil), byDNS("y", names("*.example.com"))}, "DNS-01 y"},
		"a wildcard in its zone":              {authz("*.example.com"), []cmacme.ACMEChallengeSolver{byDNS("x", zones("example.com"))}, "DNS-01 x"},
		"an address never in the DNS":         {authz("192.0.2.1"), []cmacme.ACMEChallengeSolver{byDNS("x", nil)}, ""},
		"an address":                          {authz("2001:db8::1"), []cmacme.ACMEChallengeSolver{byDNS("x", nil), byHTTP("y", nil)}, "HTTP-01 y"},
		"an address is in no zone":            {authz("192.0.2.1"), []cmacme.ACMEChallengeSolver{byHTTP("x", zones("1"))}, ""},
		"what the server does not offer":      {authz("a.example.com", "http-01"), []cmacme.ACMEChallengeSolver{byDNS("x", names("a.example.com")), byHTTP("y", nil)}, "HTTP-01 y"},
		"nothing of ours offered":             {authz("a.example.com", "tls-alpn-01"), []cmacme.ACMEChallengeSolver{byDNS("x", nil), byHTTP("y", nil)}, ""},
		"a solver of no type":                 {authz("a.example.com"), []cmacme.ACMEChallengeSolver{{}}, ""},
		"no solvers":                          {authz("a.example.com"), nil, ""},
		"both types in one: what can be done": {authz("*.example.com"), []cmacme.ACMEChallengeSolver{{HTTP01: byHTTP("x", nil).HTTP01, DNS01: byDNS("x", nil).DNS01}}, "DNS-01 x"},
	} {
		c, ok := choose(row.solvers, row.authz, &cmacme.Order{ObjectMeta: metav1.ObjectMeta{Labels: labels}})
		got := ""
		if ok {
			got = markOf(c)
		}
		if got != row.want {
			t.Errorf("%s: got %q, want %q", name, got, row.want)
		}
	}
}

func TestOverrides(t *testing.T) {
	t.Parallel()
	class, className := "nginx", "traefik"
	gateway, kind, namespace := gwapi.ObjectName("gw"), gwapi.Kind("ListenerSet"), gwapi.Namespace("infra")
	ingress := func(i cmacme.ACMEChallengeSolverHTTP01Ingress) cmacme.ACMEChallengeSolver {
		return cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{Ingress: &i}}
	}
	route := func(parents ...gwapi.ParentReference) cmacme.ACMEChallengeSolver {
		return cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{
			GatewayHTTPRoute: &cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute{ParentRefs: parents}}}
	}
	type hi = cmacme.ACMEChallengeSolverHTTP01Ingress
	for name, row := range map[string]struct {
		solver      cmacme.ACMEChallengeSolver
		annotations map[string]string
		want        cmacme.ACMEChallengeSolver
	}{
		"none":            {ingress(hi{Class: &class}), nil, ingress(hi{Class: &class})},
		"a name":          {ingress(hi{Class: &class}), map[string]string{"acme.cert-manager.io/http01-override-ingress-name": "web"}, ingress(hi{Name: "web"})},
		"a class":         {ingress(hi{Name: "x"}), map[string]string{"acme.cert-manager.io/http01-override-ingress-class": "nginx"}, ingress(hi{Class: &class})},
		"a class name":    {ingress(hi{Class: &class}), map[string]string{"acme.cert-manager.io/http01-override-ingress-ingressclassname": "traefik"}, ingress(hi{IngressClassName: &className})},
		"not for the DNS": {byDNS("x", nil), map[string]string{"acme.cert-manager.io/http01-override-ingress-name": "web"}, byDNS("x", nil)},
		"a parent": {route(), map[string]string{"acme.cert-manager.io/http01-parentrefname": "gw", "acme.cert-manager.io/http01-parentrefkind": "ListenerSet", "acme.cert-manager.io/http01-parentrefnamespace": "infra"},
			route(gwapi.ParentReference{Name: gateway, Kind: &kind, Namespace: &namespace})},
		"a parent of the usual kind": {route(gwapi.ParentReference{Name: "old"}), map[string]string{"acme.cert-manager.io/http01-parentrefname": "gw"}, route(gwapi.ParentReference{Name: gateway})},
		"a parent without a name":    {route(gwapi.ParentReference{Name: "old"}), map[string]string{"acme.cert-manager.io/http01-parentrefkind": "ListenerSet"}, route(gwapi.ParentReference{Name: "old"})},
	} {
		before := row.solver.DeepCopy()
		if diff := cmp.Diff(row.want, overridden(row.solver, row.annotations)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
		if diff := cmp.Diff(*before, row.solver); diff != "" {
			t.Errorf("%s changed the issuer's solver:\n%s", name, diff)
		}
	}
}

// The text names the name, what the server offers, what the issuer has, and the remedy.
func TestNoSolver(t *testing.T) {
	t.Parallel()
	ref := cmmeta.IssuerReference{Name: "le"}
	for _, row := range []struct {
		authz   cmacme.ACMEAuthorization
		solvers []cmacme.ACMEChallengeSolver
		want    string
	}{
		{authz("a.example.com"), nil, `No solver fits "a.example.com", for which the ACME server offers http-01, dns-01, tls-alpn-01. Issuer.cert-manager.io/le has none. Add a solver to spec.acme.solvers whose selector fits, or correct one`},
		{authz("192.0.2.1", "http-01"), []cmacme.ACMEChallengeSolver{byDNS("x", nil)},
			`No solver fits "192.0.2.1", for which the ACME server offers http-01. Issuer.cert-manager.io/le has solvers[0] dns01 for all names. Add an http01 solver whose selector fits: an address cannot be proved in the DNS`},
		{authz("a.example.com", "http-01"), []cmacme.ACMEChallengeSolver{byHTTP("x", &selector{DNSNames: []string{"b", "c", "d", "e", "f", "g", "h"}, MatchLabels: map[string]string{"a": "b"}}), byDNS("x", zones("example.com"))},
			`No solver fits "a.example.com", for which the ACME server offers http-01. Issuer.cert-manager.io/le has solvers[0] http01 for dnsNames b c d e f and 2 more and certain matchLabels, solvers[1] dns01 for dnsZones example.com. Add a solver to spec.acme.solvers whose selector fits, or correct one`},
	} {
		if diff := cmp.Diff(row.want, noSolver(row.solvers, row.authz, ref)); diff != "" {
			t.Errorf("(-want +got):\n%s", diff)
		}
	}
}
