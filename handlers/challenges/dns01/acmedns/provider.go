package acmedns

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
)

const field = "spec.solver.dns01.acmeDNS"

// Config of a server and its accounts.
type Config struct {
	// Host is the server's URL.
	Host string
	// Accounts is JSON: accounts by domain, as acme-dns clients store them.
	Accounts  []byte
	UserAgent string
	HTTP      *http.Client // nil: a plain one
}

type account struct {
	Username   string `json:"username"`
	Password   string `json:"password"`
	Subdomain  string `json:"subdomain"`
	FullDomain string `json:"fulldomain"`
}

// Provider writes to the accounts of one server.
type Provider struct {
	config   Config
	accounts map[string]account
}

// New checks a configuration. Errors: a *challenges.Fault that names the field.
func New(c Config) (*Provider, error) {
	if u, err := url.Parse(c.Host); err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https" {
		return nil, challenges.Faulty("%s.host: it is no URL: give that of the acme-dns server, such as https://auth.example.com", field)
	}
	c.Host = strings.TrimSuffix(c.Host, "/")
	p := &Provider{config: c}
	if err := json.Unmarshal(c.Accounts, &p.accounts); err != nil {
		return nil, challenges.Faulty(`%s.accountSecretRef: the key is not the JSON of acme-dns accounts: store {"DOMAIN": {"username": ..., "password": ..., "fulldomain": ..., "subdomain": ...}}`, field)
	}
	return p, nil
}

// Set makes the value the newest of the domain's account.
func (p *Provider) Set(ctx context.Context, r record.Record) error {
	a, ok := p.accounts[r.Domain]
	if !ok {
		return challenges.Faulty("%s.accountSecretRef: there is no account for %s: register one at %s and add it to the JSON", field, r.Domain, p.config.Host)
	}
	if !httpapi.ValidHeader(a.Username + a.Password) {
		return challenges.Faulty("%s.accountSecretRef: the account of %s holds characters that none has: store it anew", field, r.Domain)
	}
	api := httpapi.Client{Base: p.config.Host, HTTP: p.config.HTTP, Words: words, Header: http.Header{
		"User-Agent": {p.config.UserAgent}, "X-Api-User": {a.Username}, "X-Api-Key": {a.Password}}}
	return p.judge(r, api.Do(ctx, http.MethodPost, "/update", map[string]string{"subdomain": a.Subdomain, "txt": r.Value}, nil))
}

// Unset leaves the value to be pushed out by later ones.
func (p *Provider) Unset(context.Context, record.Record) error { return nil }

func words(body []byte) string {
	var answer struct{ Error string }
	_ = json.Unmarshal(body, &answer)
	return answer.Error
}

func (p *Provider) judge(r record.Record, err error) error {
	switch {
	case err == nil:
		return nil
	case httpapi.Denied(err), httpapi.Status(err) == http.StatusBadRequest:
		return challenges.Faulty("%s.accountSecretRef: the acme-dns server %s does not accept the account of %s: %s; register one anew and store it", field, p.config.Host, r.Domain, err)
	}
	return fmt.Errorf("acme-dns server %s: %w", p.config.Host, err)
}
