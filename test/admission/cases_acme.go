package admission

import (
	"strings"
	"time"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/ptr"
)

// acme is the case of an ACME issuer that nothing is wrong with, but for the edit.
func acme(name, field string, edit func(*cmacme.ACMEIssuer)) Case {
	account := &cmacme.ACMEIssuer{Server: "https://acme.example.com/directory", PrivateKey: secretRef("account", "")}
	edit(account)
	return iss("ACME "+name, field, cmapi.IssuerConfig{ACME: account})
}

func acmeIssuers() []Case {
	eab := func(keyID, secret, key string) func(*cmacme.ACMEIssuer) {
		return func(a *cmacme.ACMEIssuer) {
			a.ExternalAccountBinding = &cmacme.ACMEExternalAccountBinding{KeyID: keyID, Key: secretRef(secret, key)}
		}
	}
	const request = "-----BEGIN CERTIFICATE REQUEST-----\nbm90aGluZw==\n-----END CERTIFICATE REQUEST-----\n"
	return []Case{
		acme("account", "", func(a *cmacme.ACMEIssuer) { a.Email = "ops@example.com" }),
		acme("without a server", "spec.acme.server", func(a *cmacme.ACMEIssuer) { a.Server = "" }),
		acme("without an account's Secret", "spec.acme.privateKeySecretRef.name", func(a *cmacme.ACMEIssuer) { a.PrivateKey = secretRef("", "") }),
		acme("longest preferredChain", "", func(a *cmacme.ACMEIssuer) { a.PreferredChain = strings.Repeat("x", 64) }),
		acme("preferredChain too long", "spec.acme.preferredChain", func(a *cmacme.ACMEIssuer) { a.PreferredChain = strings.Repeat("x", 65) }),
		acme("skipTLSVerify", "", func(a *cmacme.ACMEIssuer) { a.SkipTLSVerify = true }),
		acme("bundle", "", func(a *cmacme.ACMEIssuer) { a.CABundle = bundle("") }),
		acme("bundle behind a letter", "", func(a *cmacme.ACMEIssuer) { a.CABundle = bundle("\n") }),
		acme("bundle behind two letters", "", func(a *cmacme.ACMEIssuer) { a.CABundle = bundle("#\n") }),
		acme("bundle and skipTLSVerify", "spec.acme.caBundle", func(a *cmacme.ACMEIssuer) { a.CABundle, a.SkipTLSVerify = bundle(""), true }),
		acme("bundle of text", "spec.acme.caBundle", func(a *cmacme.ACMEIssuer) { a.CABundle = []byte("text") }),
		acme("bundle of a request", "spec.acme.caBundle", func(a *cmacme.ACMEIssuer) { a.CABundle = []byte(request) }),
		acme("external account", "", eab("id", "eab", "secret")),
		acme("external account without an id", "spec.acme.externalAccountBinding.keyID", eab("", "eab", "secret")),
		acme("external account without a Secret", "spec.acme.externalAccountBinding.keySecretRef.name", eab("id", "", "secret")),
		acme("external account without a key", "spec.acme.externalAccountBinding.keySecretRef.key", eab("id", "eab", "")),
		onlyServer("nobody reads that old field any more", rawIssuer("external account with an unknown algorithm", "spec.acme.externalAccountBinding.keyAlgorithm",
			func(acme map[string]any) {
				acme["externalAccountBinding"] = map[string]any{"keyID": "id", "keySecretRef": map[string]any{"name": "eab", "key": "secret"}, "keyAlgorithm": "none"}
			})),
	}
}

// rawIssuer is an ACME issuer with something that Go's types cannot hold.
func rawIssuer(name, field string, edit func(acme map[string]any)) Case {
	c := acme(name, field, func(*cmacme.ACMEIssuer) {})
	c.Only, c.Because = Server, "Go's types cannot hold it"
	c.Raw = func(object map[string]any) { edit(object["spec"].(map[string]any)["acme"].(map[string]any)) }
	return c
}

// solver is the case of a second solver.
func solver(name, field string, s cmacme.ACMEChallengeSolver) Case {
	return acme("solver: "+name, under("spec.acme.solvers[1]", field), func(a *cmacme.ACMEIssuer) {
		good := cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{}}}
		a.Solvers = []cmacme.ACMEChallengeSolver{good, s}
	})
}

// under puts a field below another; "." is that one itself.
func under(parent, field string) string {
	switch field {
	case "":
		return ""
	case ".":
		return parent
	default:
		return parent + "." + field
	}
}

func ingress(name, field string, i cmacme.ACMEChallengeSolverHTTP01Ingress) Case {
	return solver(name, under("http01.ingress", field), cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{Ingress: &i}})
}

func solvers() []Case {
	webhook := &cmacme.ACMEChallengeSolverDNS01{Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: "acme.example.com", SolverName: "dns"}}
	route := &cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute{ServiceType: "ClusterIP"}
	return []Case{
		solver("neither", ".", cmacme.ACMEChallengeSolver{}),
		solver("both", ".", cmacme.ACMEChallengeSolver{DNS01: webhook, HTTP01: &cmacme.ACMEChallengeSolverHTTP01{GatewayHTTPRoute: route}}),
		solver("wait", "", cmacme.ACMEChallengeSolver{DNS01: webhook, WaitInsteadOfSelfCheck: &metav1.Duration{Duration: time.Minute}}),
		solver("no wait", "", cmacme.ACMEChallengeSolver{DNS01: webhook, WaitInsteadOfSelfCheck: &metav1.Duration{}}),
		solver("wait of a minus", "waitInsteadOfSelfCheck", cmacme.ACMEChallengeSolver{DNS01: webhook, WaitInsteadOfSelfCheck: &metav1.Duration{Duration: -time.Second}}),
		rawIssuer("solver: wait that is no duration", "spec.acme.solvers[0].waitInsteadOfSelfCheck", func(acme map[string]any) {
			acme["solvers"] = []any{map[string]any{"waitInsteadOfSelfCheck": "soon", "http01": map[string]any{"ingress": map[string]any{}}}}
		}),
		solver("HTTP01 of no kind", "http01", cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{}}),
		solver("HTTP01 of two kinds", "http01", cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{
			GatewayHTTPRoute: route, Ingress: &cmacme.ACMEChallengeSolverHTTP01Ingress{}}}),
		solver("Gateway", "", cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{GatewayHTTPRoute: route}}),
		solver("Gateway with a LoadBalancer", "http01.gatewayHTTPRoute.serviceType", cmacme.ACMEChallengeSolver{HTTP01: &cmacme.ACMEChallengeSolverHTTP01{
			GatewayHTTPRoute: &cmacme.ACMEChallengeSolverHTTP01GatewayHTTPRoute{ServiceType: "LoadBalancer"}}}),
		ingress("Ingress by class name", "", cmacme.ACMEChallengeSolverHTTP01Ingress{IngressClassName: ptr.To("nginx"), ServiceType: "NodePort"}),
		ingress("Ingress by old class", "", cmacme.ACMEChallengeSolverHTTP01Ingress{Class: ptr.To("azure/application-gateway")}),
		ingress("Ingress by name", "", cmacme.ACMEChallengeSolverHTTP01Ingress{Name: "edge"}),
		ingress("Ingress by two", ".", cmacme.ACMEChallengeSolverHTTP01Ingress{Name: "edge", Class: ptr.To("nginx")}),
		ingress("Ingress by both classes", ".", cmacme.ACMEChallengeSolverHTTP01Ingress{IngressClassName: ptr.To("nginx"), Class: ptr.To("nginx")}),
		ingress("Ingress of no class's name", "ingressClassName", cmacme.ACMEChallengeSolverHTTP01Ingress{IngressClassName: ptr.To("azure/application-gateway")}),
		ingress("Ingress with a LoadBalancer", "serviceType", cmacme.ACMEChallengeSolverHTTP01Ingress{ServiceType: "LoadBalancer"}),
	}
}
