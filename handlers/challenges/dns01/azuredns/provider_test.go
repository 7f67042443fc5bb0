package azuredns

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/challenges/dns01/record/recordtest"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore/cloud"
)

// service stands in for Azure: Entra's tokens, and the zone example.test of the
// resource group rg.
type service struct {
	mu      sync.Mutex
	url     string
	kind    string
	values  []string
	version int
	writes  int
	tokens  int
	refuses string // answer of the token endpoint
	denies  bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	zone := "/subscriptions/sub/resourceGroups/rg/providers/Microsoft.Network/" + s.kind + "/example.test"
	w.Header().Set("Content-Type", "application/json")
	switch {
	case strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration"):
		_, _ = fmt.Fprintf(w, `{"token_endpoint":"%[1]s/tenant/oauth2/v2.0/token","authorization_endpoint":"%[1]s/tenant/oauth2/v2.0/authorize","issuer":"%[1]s/tenant/v2.0"}`, s.url)
	case strings.HasSuffix(r.URL.Path, "/token"):
		s.token(w, r)
	case s.denies || r.Header.Get("Authorization") != "Bearer tok":
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":{"code":"AuthorizationFailed","message":"The client 'x' at 2026-01-01T00:00:00Z ..."}}`))
	case r.URL.Path == zone:
		_, _ = w.Write([]byte(`{}`))
	case r.URL.Path == zone+"/TXT/_acme-challenge.www":
		s.set(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":{"code":"ResourceNotFound","message":"..."}}`))
	}
}

func (s *service) token(w http.ResponseWriter, r *http.Request) {
	s.tokens++
	if s.refuses != "" {
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(s.refuses))
		return
	}
	_ = r.ParseForm()
	if r.Form.Get("client_id") != "client" || r.Form.Get("client_secret") != recordtest.Credential || !strings.Contains(r.Form.Get("scope"), "https://management.test/.default") {
		w.WriteHeader(http.StatusBadRequest)
		return
	}
	_, _ = w.Write([]byte(`{"access_token":"tok","token_type":"Bearer","expires_in":3600}`))
}

// set keeps Azure's rules of versions.
func (s *service) set(w http.ResponseWriter, r *http.Request) {
	tag := fmt.Sprint("v", s.version)
	if r.Method != http.MethodGet {
		if m := r.Header.Get("If-Match"); m != "" && (m != tag || len(s.values) == 0) || r.Header.Get("If-None-Match") == "*" && len(s.values) > 0 || m == "" && r.Header.Get("If-None-Match") == "" {
			w.WriteHeader(http.StatusPreconditionFailed)
			return
		}
		s.version++
		s.writes++
		s.values = nil
	}
	switch {
	case r.Method == http.MethodPut:
		var body set
		_ = json.NewDecoder(r.Body).Decode(&body)
		s.values = body.values()
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodGet && len(s.values) == 0:
		w.WriteHeader(http.StatusNotFound)
	case r.Method == http.MethodGet:
		records := []map[string][]string{}
		for _, v := range s.values {
			records = append(records, map[string][]string{"value": {v}})
		}
		ttl, name := "TTL", "TXTRecords"
		if s.kind == "privateDnsZones" {
			ttl, name = "ttl", "txtRecords"
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"etag": tag, "properties": map[string]any{ttl: 60, name: records}})
	}
}

func (s *service) Values() []string { return append([]string(nil), s.values...) }
func (s *service) Writes() int      { return s.writes }

func start(t *testing.T, s *service, c Config) *Provider {
	t.Helper()
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	s.url = server.URL
	c.SubscriptionID, c.ResourceGroup, c.ClientID, c.ClientSecret, c.TenantID = "sub", "rg", "client", recordtest.Credential, "tenant"
	c.Transport = server.Client().Transport
	c.place = &cloud.Configuration{ActiveDirectoryAuthorityHost: server.URL, Services: map[cloud.ServiceName]cloud.ServiceConfiguration{
		cloud.ResourceManager: {Endpoint: server.URL, Audience: "https://management.test"},
	}}
	p, err := New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestContract(t *testing.T) {
	t.Parallel()
	for kind, private := range map[string]bool{"dnsZones": false, "privateDnsZones": true} {
		s := &service{kind: kind, values: []string{"other"}}
		p := start(t, s, Config{Private: private})
		recordtest.Contract(t, p, s)
		if s.tokens != 1 {
			t.Errorf("%d tokens were fetched", s.tokens)
		}
		recordtest.Foreign(t, p, "spec.solver.dns01.azureDNS: no zone of the resource group holds _acme-challenge.elsewhere.invalid.: make one, or name the right resourceGroupName or hostedZoneName")
		s.denies = true
		recordtest.Faulty(t, p.Set(t.Context(), recordtest.At("v")), "spec.solver.dns01.azureDNS: Azure refuses the change: it answers HTTP status 403: AuthorizationFailed; grant the identity the role DNS Zone Contributor for the zone")
	}
}

func TestNamedZone(t *testing.T) {
	t.Parallel()
	s := &service{kind: "dnsZones"}
	r := recordtest.At("v")
	r.Zones = recordtest.DNS("")
	if err := start(t, s, Config{Zone: "example.test"}).Set(t.Context(), r); err != nil || len(s.values) != 1 {
		t.Errorf("%v %q", err, s.values)
	}
	recordtest.Faulty(t, start(t, s, Config{Zone: "elsewhere.test"}).Set(t.Context(), r), "spec.solver.dns01.azureDNS.hostedZoneName: _acme-challenge.www.example.test. is not in the zone elsewhere.test: name the zone that holds it, or leave the field out")
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	s := &service{kind: "dnsZones", refuses: `{"error":"invalid_client","error_description":"AADSTS7000215: Invalid client secret provided. Trace ID: 1 Timestamp: 2026-01-01"}`}
	recordtest.Faulty(t, start(t, s, Config{}).Set(t.Context(), recordtest.At("v")), "spec.solver.dns01.azureDNS: Microsoft Entra does not let the identity in (AADSTS7000215): correct tenantID and clientID, and store a client secret that is valid")
	const f = "spec.solver.dns01.azureDNS"
	for want, c := range map[string]Config{
		f + ".clientID: there is no credential, and this issuer may not use those of the daemon: set clientID, clientSecretSecretRef and tenantID, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials": {},
		f + ": a service principal needs tenantID and clientSecretSecretRef beside clientID: set them":                                                                                                                                    {ClientID: "client"},
		f + `.environment: there is no cloud "AzureGermanCloud" any more, or never was: use AzurePublicCloud, AzureUSGovernmentCloud or AzureChinaCloud`:                                                                                  {Environment: "AzureGermanCloud"},
		f + ".managedIdentity: clientID and resourceID are both set: keep one":                                                                                                                                                            {Ambient: true, Identity: Identity{ClientID: "a", ResourceID: "b"}},
	} {
		c.SubscriptionID, c.ResourceGroup = "sub", "rg"
		_, err := New(c)
		recordtest.Faulty(t, err, want)
	}
	if _, err := New(Config{SubscriptionID: "sub", ResourceGroup: "rg", Ambient: true, Identity: Identity{ResourceID: "/subscriptions/x"}}); err != nil {
		t.Error(err)
	}
}
