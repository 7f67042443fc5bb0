package digitalocean_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/challenges/dns01/digitalocean"
	"github.com/certwright/certwright/handlers/challenges/dns01/record/recordtest"
)

type txt struct {
	ID               int `json:"id"`
	Type, Name, Data string
}

// service stands in for DigitalOcean with the domain example.test.
type service struct {
	mu      sync.Mutex
	records []txt
	next    int
	writes  int
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const records = "/domains/example.test/records"
	switch {
	case r.Header.Get("Authorization") != "Bearer "+recordtest.Credential:
		w.WriteHeader(http.StatusUnauthorized)
		_, _ = w.Write([]byte(`{"id":"unauthorized","message":"Unable to authenticate you"}`))
	case r.URL.Path == "/domains/example.test":
		_, _ = w.Write([]byte(`{}`))
	case r.Method == http.MethodGet && r.URL.Path == records:
		s.list(w, r)
	case r.Method == http.MethodPost && r.URL.Path == records:
		s.writes++
		s.next++
		made := txt{ID: s.next}
		_ = json.NewDecoder(r.Body).Decode(&made)
		s.records = append(s.records, made)
		w.WriteHeader(http.StatusCreated)
	case r.Method == http.MethodDelete:
		s.writes++
		id, _ := strconv.Atoi(strings.TrimPrefix(r.URL.Path, records+"/"))
		for i, t := range s.records {
			if t.ID == id {
				s.records = append(s.records[:i], s.records[i+1:]...)
				break
			}
		}
		w.WriteHeader(http.StatusNoContent)
	default:
		http.NotFound(w, r)
	}
}

// list has pages, and records of other names among them.
func (s *service) list(w http.ResponseWriter, r *http.Request) {
	size, _ := strconv.Atoi(r.URL.Query().Get("per_page"))
	page, _ := strconv.Atoi(r.URL.Query().Get("page"))
	from, to := min((page-1)*size, len(s.records)), min(page*size, len(s.records))
	_ = json.NewEncoder(w).Encode(map[string]any{"domain_records": s.records[from:to]})
}

func (s *service) Values() (all []string) {
	for _, t := range s.records {
		if t.Name == "_acme-challenge.www" && t.Type == "TXT" {
			all = append(all, t.Data)
		}
	}
	return all
}

func (s *service) Writes() int { return s.writes }

func TestContract(t *testing.T) {
	t.Parallel()
	s := &service{next: 1000}
	for i := range 250 { // so that there are two pages
		s.records = append(s.records, txt{ID: i, Type: "TXT", Name: "@", Data: "a"})
	}
	s.records = append(s.records, txt{ID: 999, Type: "TXT", Name: "_acme-challenge.www", Data: "other"})
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	p, err := digitalocean.New(digitalocean.Config{Token: recordtest.Credential, Base: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	recordtest.Contract(t, p, s)
	recordtest.Foreign(t, p, "spec.solver.dns01.digitalocean: no domain of the account holds _acme-challenge.elsewhere.invalid.: add the domain to DigitalOcean, or use the token of the account that has it")
	if p, err = digitalocean.New(digitalocean.Config{Token: "wrong", Base: server.URL}); err != nil {
		t.Fatal(err)
	}
	recordtest.Faulty(t, p.Set(t.Context(), recordtest.At("v")), "spec.solver.dns01.digitalocean.tokenSecretRef: DigitalOcean does not accept the token: it answers HTTP status 401: Unable to authenticate you; store one with the scopes domain:read, domain:create and domain:delete")
	_, err = digitalocean.New(digitalocean.Config{Token: recordtest.Credential + "\n"})
	recordtest.Faulty(t, err, "spec.solver.dns01.digitalocean.tokenSecretRef: the token is empty or holds characters that none has: store it anew")
}
