package cloudflare_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/challenges/dns01/cloudflare"
	"github.com/certwright/certwright/handlers/challenges/dns01/record/recordtest"
)

// service stands in for Cloudflare: zone z1 is example.test.
type service struct {
	mu      sync.Mutex
	records map[string]string // content by id
	next    int
	writes  int
	headers http.Header
	denies  bool
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.headers = r.Header
	if s.denies {
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"success":false,"errors":[{"code":9109,"message":"Invalid access token","error_chain":[{"code":1,"message":"why"}]}]}`))
		return
	}
	switch {
	case r.URL.Path == "/zones":
		found := []map[string]string{}
		if r.URL.Query().Get("name") == "example.test" {
			found = append(found, map[string]string{"id": "z1"})
		}
		reply(w, found)
	case r.Method == http.MethodGet && r.URL.Path == "/zones/z1/dns_records":
		found := []map[string]string{}
		for id, content := range s.records {
			found = append(found, map[string]string{"id": id, "type": "TXT", "content": content})
		}
		reply(w, found)
	case r.Method == http.MethodPost && r.URL.Path == "/zones/z1/dns_records":
		s.create(w, r)
	case r.Method == http.MethodDelete:
		s.writes++
		delete(s.records, strings.TrimPrefix(r.URL.Path, "/zones/z1/dns_records/"))
		reply(w, nil)
	default:
		http.NotFound(w, r)
	}
}

func (s *service) create(w http.ResponseWriter, r *http.Request) {
	var body struct{ Type, Name, Content string }
	if json.NewDecoder(r.Body).Decode(&body) != nil || body.Type != "TXT" || body.Name+"." != recordtest.Name {
		http.Error(w, "no", http.StatusBadRequest)
		return
	}
	s.writes++
	s.next++
	s.records[fmt.Sprint("r", s.next)] = body.Content
	reply(w, nil)
}

func reply(w http.ResponseWriter, result any) {
	_ = json.NewEncoder(w).Encode(map[string]any{"success": true, "result": result})
}

func (s *service) Values() (all []string) {
	for _, content := range s.records {
		all = append(all, strings.Trim(content, `"`))
	}
	return all
}

func (s *service) Writes() int { return s.writes }

func start(t *testing.T, c cloudflare.Config) (*cloudflare.Provider, *service) {
	t.Helper()
	s := &service{records: map[string]string{"r0": "other"}}
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c.Base, c.UserAgent = server.URL, "certwright/test"
	p, err := cloudflare.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p, s
}

func TestContract(t *testing.T) {
	t.Parallel()
	p, s := start(t, cloudflare.Config{Token: recordtest.Credential})
	recordtest.Contract(t, p, s)
	if s.headers.Get("Authorization") != "Bearer "+recordtest.Credential || s.headers.Get("User-Agent") != "certwright/test" || s.headers.Get("X-Auth-Key") != "" {
		t.Errorf("%q", s.headers)
	}
	recordtest.Foreign(t, p, "spec.solver.dns01.cloudflare: no zone of the account holds _acme-challenge.elsewhere.invalid.: add the zone to Cloudflare, or give the credential the right Zone:Read for it")
	s.denies = true
	recordtest.Faulty(t, p.Set(t.Context(), recordtest.At("v")), "spec.solver.dns01.cloudflare.apiTokenSecretRef: Cloudflare does not accept the credential: it answers HTTP status 403: Invalid access token (9109): why (1); store a token with the rights Zone:Read and DNS:Edit for the zone")
}

func TestKey(t *testing.T) {
	t.Parallel()
	p, s := start(t, cloudflare.Config{Key: recordtest.Credential, Email: "me@example.test"})
	if err := p.Set(t.Context(), recordtest.At("v")); err != nil {
		t.Fatal(err)
	}
	if s.headers.Get("X-Auth-Key") != recordtest.Credential || s.headers.Get("X-Auth-Email") != "me@example.test" || s.headers.Get("Authorization") != "" {
		t.Errorf("%q", s.headers)
	}
}

func TestConfigsThatCannotBe(t *testing.T) {
	t.Parallel()
	for want, c := range map[string]cloudflare.Config{
		"spec.solver.dns01.cloudflare: there is no credential: set apiTokenSecretRef":                                                        {},
		"spec.solver.dns01.cloudflare.email: an API key needs the account's e-mail address: set it, or use an API token":                     {Key: recordtest.Credential},
		"spec.solver.dns01.cloudflare.apiTokenSecretRef: the credential holds characters that none has, such as a line break: store it anew": {Token: recordtest.Credential + "\n"},
	} {
		_, err := cloudflare.New(c)
		recordtest.Faulty(t, err, want)
	}
}
