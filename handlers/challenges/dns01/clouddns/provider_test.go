package clouddns_test

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/certwright/certwright/handlers/challenges/dns01/clouddns"
	"github.com/certwright/certwright/handlers/challenges/dns01/record/recordtest"
)

type set struct {
	Name, Type string
	TTL        int
	RRDatas    []string
}

// service stands in for Google: tokens, and Cloud DNS with the zone "z".
type service struct {
	mu         sync.Mutex
	sets       []set
	writes     int
	signs      bool
	tokens     int
	visibility string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	const zone = "/projects/proj/managedZones/z"
	switch {
	case r.URL.Path == "/token":
		s.tokens++
		w.Header().Set("Content-Type", "application/json")
		if !s.signs {
			w.WriteHeader(http.StatusBadRequest)
			_, _ = w.Write([]byte(`{"error":"invalid_grant"}`))
			return
		}
		_, _ = w.Write([]byte(`{"access_token":"tok","token_type":"Bearer","expires_in":3600}`))
	case r.Header.Get("Authorization") != "Bearer tok":
		w.WriteHeader(http.StatusForbidden)
		_, _ = w.Write([]byte(`{"error":{"message":"Forbidden"}}`))
	case r.URL.Path == "/projects/proj/managedZones":
		found := []map[string]string{}
		if r.URL.Query().Get("dnsName") == recordtest.Zone {
			found = append(found, map[string]string{"name": "z", "visibility": s.visibility})
		}
		_ = json.NewEncoder(w).Encode(map[string]any{"managedZones": found})
	case r.URL.Path == zone+"/rrsets" && r.URL.Query().Get("name") == recordtest.Name && r.URL.Query().Get("type") == "TXT":
		_ = json.NewEncoder(w).Encode(map[string]any{"rrsets": s.sets})
	case r.Method == http.MethodPost && r.URL.Path == zone+"/changes":
		s.change(w, r)
	default:
		w.WriteHeader(http.StatusNotFound)
		_, _ = w.Write([]byte(`{"error":{"message":"not here"}}`))
	}
}

// change is refused unless what it deletes is what there is, as Google does.
func (s *service) change(w http.ResponseWriter, r *http.Request) {
	var c struct{ Additions, Deletions []set }
	_ = json.NewDecoder(r.Body).Decode(&c)
	if !slices.EqualFunc(c.Deletions, s.sets, func(a, b set) bool { return a.TTL == b.TTL && slices.Equal(a.RRDatas, b.RRDatas) }) {
		w.WriteHeader(http.StatusPreconditionFailed)
		return
	}
	s.writes++
	s.sets = c.Additions
	_, _ = w.Write([]byte(`{"status":"pending"}`))
}

func (s *service) Values() (all []string) {
	for _, set := range s.sets {
		for _, v := range set.RRDatas {
			all = append(all, strings.Trim(v, `"`))
		}
	}
	return all
}

func (s *service) Writes() int { return s.writes }

func serviceAccount(t *testing.T, tokens string) []byte {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(map[string]string{
		"type": "service_account", "client_email": "me@proj", "token_uri": tokens, "private_key_id": "1",
		"private_key": string(pem.EncodeToMemory(&pem.Block{Type: "RSA PRIVATE KEY", Bytes: x509.MarshalPKCS1PrivateKey(key)})),
	})
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func start(t *testing.T, s *service, c clouddns.Config) *clouddns.Provider {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	c.Project, c.Base, c.ServiceAccount = "proj", server.URL, serviceAccount(t, server.URL+"/token")
	p, err := clouddns.New(c)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestContract(t *testing.T) {
	t.Parallel()
	for _, visibility := range []string{"public", "private"} {
		s := &service{signs: true, visibility: visibility, sets: []set{{Name: recordtest.Name, Type: "TXT", TTL: 300, RRDatas: []string{`"other"`}}}}
		p := start(t, s, clouddns.Config{})
		recordtest.Contract(t, p, s)
		if s.tokens != 1 {
			t.Errorf("%d tokens were fetched", s.tokens)
		}
		recordtest.Foreign(t, p, "spec.solver.dns01.cloudDNS: no managed zone of the project holds _acme-challenge.elsewhere.invalid.: make one, or name the right project or hostedZoneName")
	}
}

func TestNamedZone(t *testing.T) {
	t.Parallel()
	s := &service{signs: true}
	p := start(t, s, clouddns.Config{Zone: "z"})
	r := recordtest.At("v")
	r.Zones = recordtest.DNS("")
	if err := p.Set(t.Context(), r); err != nil || !slices.Equal(s.Values(), []string{"v"}) {
		t.Errorf("%v %q", err, s.Values())
	}
	recordtest.Faulty(t, start(t, s, clouddns.Config{Zone: "y"}).Set(t.Context(), r), "spec.solver.dns01.cloudDNS: Google Cloud does not know the project or zone: it answers HTTP status 404: not here; correct project or hostedZoneName")
}

func TestCredentials(t *testing.T) {
	t.Parallel()
	const f = "spec.solver.dns01.cloudDNS"
	recordtest.Faulty(t, start(t, &service{}, clouddns.Config{}).Set(t.Context(), recordtest.At("v")), f+".serviceAccountSecretRef: Google does not accept the service account: store a JSON key that is valid")
	_, err := clouddns.New(clouddns.Config{Project: "proj"})
	recordtest.Faulty(t, err, f+".serviceAccountSecretRef: there is no credential, and this issuer may not use those of the daemon: set it, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials")
	_, err = clouddns.New(clouddns.Config{Project: "proj", ServiceAccount: []byte(recordtest.Credential)})
	recordtest.Faulty(t, err, f+".serviceAccountSecretRef: the key is not the JSON key of a service account: store the file that Google Cloud gave")
	_, err = clouddns.New(clouddns.Config{})
	recordtest.Faulty(t, err, f+".project: it is empty: name the Google Cloud project of the zone")
}
