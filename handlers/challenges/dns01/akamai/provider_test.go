package akamai_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/challenges/dns01/akamai"
	"github.com/certwright/certwright/handlers/challenges/dns01/record/recordtest"
)

// service stands in for Edge DNS with the zone example.test.
type service struct {
	mu     sync.Mutex
	values []string
	writes int
	denies bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const (
		zone = "/config-dns/v2/zones/example.test"
		set  = zone + "/names/_acme-challenge.www.example.test/types/TXT"
	)
	signature := r.Header.Get("Authorization")
	switch {
	case s.denies || !strings.HasPrefix(signature, "EG1-HMAC-SHA256 client_token=ct;access_token=at;") || strings.Contains(signature, recordtest.Credential):
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"title":"Not authorized","detail":"Invalid client token"}`))
	case r.URL.Path == zone:
		_, _ = w.Write([]byte(`{"zone":"example.test"}`))
	case r.URL.Path == set && (r.Method == http.MethodPost) == (len(s.values) == 0) && r.Method != http.MethodGet && r.Method != http.MethodDelete:
		var body struct{ RData []string }
		_ = json.NewDecoder(r.Body).Decode(&body)
		s.values = body.RData
		s.writes++
	case r.URL.Path == set && r.Method == http.MethodGet && len(s.values) > 0:
		_ = json.NewEncoder(w).Encode(map[string]any{"name": "_acme-challenge.www.example.test", "type": "TXT", "ttl": 300, "rdata": s.values})
	case r.URL.Path == set && r.Method == http.MethodDelete:
		s.values = nil
		s.writes++
		w.WriteHeader(http.StatusNoContent)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"title":"Not Found"}`))
	}
}

func (s *service) Values() (all []string) {
	for _, v := range s.values {
		all = append(all, strings.Trim(v, `"`))
	}
	return all
}

func (s *service) Writes() int { return s.writes }

func TestContract(t *testing.T) {
	t.Parallel()
	s := &service{values: []string{`"other"`}}
	server := httptest.NewTLSServer(s)
	t.Cleanup(server.Close)
	p, err := akamai.New(akamai.Config{
		Host: strings.TrimPrefix(server.URL, "https://"), ClientToken: "ct", AccessToken: "at", ClientSecret: recordtest.Credential,
		Transport: server.Client().Transport,
	})
	if err != nil {
		t.Fatal(err)
	}
	recordtest.Contract(t, p, s)
	recordtest.Foreign(t, p, "spec.solver.dns01.akamai: no zone of the API client holds _acme-challenge.elsewhere.invalid.: add the zone to Edge DNS, or give the client access to it")
	s.denies = true
	recordtest.Faulty(t, p.Set(t.Context(), recordtest.At("v")), "spec.solver.dns01.akamai: Akamai does not accept the credentials: it answers HTTP status 401: Not authorized: Invalid client token; store the tokens of an API client that may read and write DNS zone records")
}

func TestConfigsThatCannotBe(t *testing.T) {
	t.Parallel()
	_, err := akamai.New(akamai.Config{Host: "a b", ClientToken: "ct", AccessToken: "at", ClientSecret: "cs"})
	recordtest.Faulty(t, err, "spec.solver.dns01.akamai.serviceConsumerDomain: it is no host name: give the host of the API client's credentials, such as akab-xxxx.luna.akamaiapis.net")
	_, err = akamai.New(akamai.Config{Host: "a.test", ClientToken: "ct", AccessToken: "at"})
	recordtest.Faulty(t, err, "spec.solver.dns01.akamai.clientSecretSecretRef: the credential is empty or holds characters that none has: store it anew")
}
