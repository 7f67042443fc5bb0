package acmedns_test

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/certwright/certwright/handlers/challenges/dns01/acmedns"
	"github.com/certwright/certwright/handlers/challenges/dns01/record/recordtest"
)

const accounts = `{"www.example.test":{"username":"me","password":"` + recordtest.Credential + `","fulldomain":"x.auth.test","subdomain":"x","allowfrom":[]}}`

func TestUpdate(t *testing.T) {
	t.Parallel()
	var got map[string]string
	accepts := true
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !accepts || r.URL.Path != "/update" || r.Header.Get("X-Api-User") != "me" || r.Header.Get("X-Api-Key") != recordtest.Credential {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = w.Write([]byte(`{"error":"forbidden"}`))
			return
		}
		_ = json.NewDecoder(r.Body).Decode(&got)
		_, _ = w.Write([]byte(`{"txt":"..."}`))
	}))
	t.Cleanup(server.Close)
	p, err := acmedns.New(acmedns.Config{Host: server.URL + "/", Accounts: []byte(accounts)})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Set(t.Context(), recordtest.At("v")); err != nil {
		t.Fatal(err)
	}
	if got["subdomain"] != "x" || got["txt"] != "v" {
		t.Errorf("%q", got)
	}
	if err := p.Unset(t.Context(), recordtest.At("v")); err != nil {
		t.Error(err)
	}
	accepts = false
	recordtest.Faulty(t, p.Set(t.Context(), recordtest.At("v")), "spec.solver.dns01.acmeDNS.accountSecretRef: the acme-dns server "+server.URL+" does not accept the account of www.example.test: it answers HTTP status 401: forbidden; register one anew and store it")
	other := recordtest.At("v")
	other.Domain = "nobody.test"
	recordtest.Faulty(t, p.Set(t.Context(), other), "spec.solver.dns01.acmeDNS.accountSecretRef: there is no account for nobody.test: register one at "+server.URL+" and add it to the JSON")
}

func TestConfigsThatCannotBe(t *testing.T) {
	t.Parallel()
	_, err := acmedns.New(acmedns.Config{Host: "auth.example.test", Accounts: []byte(accounts)})
	recordtest.Faulty(t, err, "spec.solver.dns01.acmeDNS.host: it is no URL: give that of the acme-dns server, such as https://auth.example.com")
	_, err = acmedns.New(acmedns.Config{Host: "https://auth.example.test", Accounts: []byte(recordtest.Credential)})
	recordtest.Faulty(t, err, `spec.solver.dns01.acmeDNS.accountSecretRef: the key is not the JSON of acme-dns accounts: store {"DOMAIN": {"username": ..., "password": ..., "fulldomain": ..., "subdomain": ...}}`)
}
