package doctor

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/certwright/checks"
)

var now = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

// well is a cluster in which nothing is wrong.
func well() Facts {
	return Facts{
		Server:      Server{Host: "https://api", Latency: 20 * time.Millisecond, Who: "admin", Credentials: "token"},
		Checks:      []checks.Finding{{Verdict: checks.OK, Text: "served"}},
		Definitions: []Definition{{Name: "certificates.cert-manager.io"}},
		Rights:      Rights{Of: "the daemon", Asked: 80},
		Policies:    Policies{Served: true},
		Webhooks:    []Webhook{{Kind: "ValidatingWebhookConfiguration", Configuration: "approver", Backend: &Backend{"a", "b", 1}, Blocks: true}},
		Issuers:     []Issuer{{Kind: "Issuer", Namespace: "web", Name: "ca", Type: "CA", Ready: true}, {Kind: "ClusterIssuer", Name: "le", Type: "ACME", URL: "https://acme", Ready: true}},
		Solvers:     []checks.Solver{{Group: "acme.example.com", Name: "mine", Issuers: []string{"ClusterIssuer le"}, Account: "the daemon", May: true}},
		Resolvers:   []Resolver{{Address: "192.0.2.1:53"}},
		Responder:   Responder{Needed: true, Address: "192.0.2.9:8089"},
		Stuck:       []Stuck{{Kind: "Challenge", Namespace: "web", Name: "new", Since: now.Add(-time.Minute)}},
	}
}

func TestAHealthyCluster(t *testing.T) {
	findings := Judge(well(), now)
	for _, f := range findings {
		if f.Verdict != OK || f.Remedy != "" {
			t.Errorf("%+v", f)
		}
	}
	if len(findings) < 12 || Failed(findings) {
		t.Errorf("%d findings", len(findings))
	}
}

func TestWhatIsWrong(t *testing.T) {
	for name, row := range map[string]struct {
		spoil   func(*Facts)
		area    string
		verdict Verdict
		text    string
		remedy  string
	}{
		"no server":       {func(f *Facts) { f.Server.Fault, f.Server.Remedy = "connection refused", "start it" }, "server", Fail, "connection refused", "start it"},
		"slow":            {func(f *Facts) { f.Server.Latency = 2 * time.Second }, "server", Warn, "2s", "line"},
		"clock behind":    {func(f *Facts) { f.Server.Skew = -time.Hour }, "clock", Fail, "1h0m0s behind", "NTP"},
		"credentials end": {func(f *Facts) { f.Server.Until = now.Add(time.Hour) }, "identity", Warn, "you are admin", "2026-03-01T13:00:00Z"},
		"api": {func(f *Facts) {
			f.Checks = []checks.Finding{{Verdict: checks.Failed, Text: "no Lease", Remedy: "start"}}
		}, "api", Fail, "no Lease", "start"},
		"no definition":    {func(f *Facts) { f.Definitions[0].Missing = true }, "crds", Fail, "missing", "deploy/crds"},
		"old definition":   {func(f *Facts) { f.Definitions[0].Lacks = []string{"status.acme"} }, "crds", Warn, "drops status.acme", "deploy/crds"},
		"definition going": {func(f *Facts) { f.Definitions[0].Going = true }, "crds", Fail, "being deleted", "deploy/crds"},
		"no status":        {func(f *Facts) { f.Definitions[0].NoStatus = true }, "crds", Fail, "no status", "deploy/crds"},
		"dead conversion":  {func(f *Facts) { f.Definitions[0].Converter = &Backend{"cert-manager", "webhook", 0} }, "crds", Fail, "cert-manager/webhook", "no conversion"},
		"rights":           {func(f *Facts) { f.Rights.Missing = []string{"patch secrets"} }, "rights", Fail, "the daemon may not: patch secrets", "--account"},
		"old Kubernetes":   {func(f *Facts) { f.Policies.Served = false }, "policies", Warn, "too old", "1.30"},
		"no policies":      {func(f *Facts) { f.Policies.Missing = []string{"certwright-names"} }, "policies", Warn, "certwright-names", "deploy/policies"},
		"unbound":          {func(f *Facts) { f.Policies.Unbound = []string{"certwright-names"} }, "policies", Warn, "without a binding", "deploy/policies"},
		"dead webhook":     {func(f *Facts) { f.Webhooks[0].Backend.Ready = 0 }, "webhooks", Fail, "neither created nor changed", "kubectl delete validatingwebhookconfiguration approver"},
		"dead, ignored":    {func(f *Facts) { f.Webhooks[0].Backend.Ready, f.Webhooks[0].Blocks = 0, false }, "webhooks", Warn, "lets them pass", "kubectl delete"},
		"silent DNS":       {func(f *Facts) { f.Resolvers[0].Fault = "i/o timeout" }, "dns", Fail, "192.0.2.1:53", "port 53"},
		"ACME away":        {func(f *Facts) { f.Issuers[1].Fault = "connection refused" }, "issuers", Fail, "clusterissuer le: https://acme", "proxies"},
		"ACME untrusted":   {func(f *Facts) { f.Issuers[1].Fault = "tls: failed to verify certificate" }, "issuers", Fail, "clusterissuer le", "caBundle"},
		"sealed":           {func(f *Facts) { f.Issuers[1].Fault = "Vault is sealed" }, "issuers", Fail, "sealed", "unseal"},
		"not ready":        {func(f *Facts) { f.Issuers[0].Ready, f.Issuers[0].Message = false, "no Secret" }, "issuers", Fail, "issuer web/ca is not ready: no Secret", "status"},
		"never looked at":  {func(f *Facts) { f.Issuers[0].Ready = false }, "issuers", Fail, "is a daemon at work?", "status"},
		"not asked":        {func(f *Facts) { f.Issuers[1].Unlooked = "a Secret" }, "issuers", Warn, "was not asked: a Secret", ""},
		"no solver": {func(f *Facts) {
			f.Solvers[0].Fault, f.Solvers[0].Remedy, f.Solvers[0].Absent = "no API group", "install it", true
		},
			"solvers", Fail, "acme.example.com/mine: no API group\nused by ClusterIssuer le", "install it"},
		"solver not allowed": {func(f *Facts) { f.Solvers[0].May = false }, "solvers", Fail, "the daemon may not call", "kubectl create clusterrole certwright-mine.acme.example.com"},
		"solver not asked":   {func(f *Facts) { f.Solvers[0].Unasked = "forbidden" }, "solvers", Warn, "could not be asked: forbidden", "kubectl auth can-i create mine.acme.example.com"},
		"no responder":       {func(f *Facts) { f.Responder.Fault = "connection refused" }, "http01", Fail, "192.0.2.9:8089", "--acme-http01-solver-address"},
		"unknown responder":  {func(f *Facts) { f.Responder.Address = "" }, "http01", Warn, "not known", "after --"},
		"stuck": {func(f *Facts) {
			f.Stuck[0].Since, f.Stuck[0].Finalizers = now.Add(-time.Hour), []string{"acme.cert-manager.io/finalizer"}
		}, "stuck", Warn, "Challenge web/new", "finalizers"},
		"no pair": {func(f *Facts) {
			f.Secrets = []Secret{{"web", "tls", "Certificate web", "tls.key and tls.crt are no pair", true}}
		}, "secrets", Fail, "no pair", "issued anew"},
		"wrong type":   {func(f *Facts) { f.Secrets = []Secret{{"web", "tls", "Certificate web", "its type is Opaque", false}} }, "secrets", Warn, "Opaque", "delete"},
		"may not look": {func(f *Facts) { f.Unseen = map[string]string{"webhooks": "forbidden"} }, "webhooks", Warn, "forbidden", "--as"},
	} {
		t.Run(name, func(t *testing.T) {
			f := well()
			row.spoil(&f)
			var wrong []Finding
			for _, found := range Judge(f, now) {
				if found.Verdict != OK {
					wrong = append(wrong, found)
				}
			}
			if len(wrong) != 1 {
				t.Fatalf("%d findings: %+v", len(wrong), wrong)
			}
			got := wrong[0]
			if got.Area != row.area || got.Verdict != row.verdict || !strings.Contains(got.Text, row.text) || !strings.Contains(got.Remedy, row.remedy) {
				t.Errorf("found %+v, want %s %s %q -> %q", got, row.area, row.verdict, row.text, row.remedy)
			}
		})
	}
}

func TestTable(t *testing.T) {
	var out bytes.Buffer
	if err := Table(&out, []Finding{{"server", OK, "fine", ""}, {"server", Fail, "bad\x1b[31m", "mend it"}, {"dns", Warn, "slow", "look"}}); err != nil {
		t.Fatal(err)
	}
	const want = "server\n  ok           fine\n  fail         bad\ufffd[31m\n               -> mend it\n\ndns\n  warn         slow\n               -> look\n\n1 ok, 1 to look at, 1 to mend\n"
	if out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
