package digitalocean

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
)

const (
	field   = "spec.solver.dns01.digitalocean"
	address = "https://api.digitalocean.com/v2"
	// pageSize is the largest the API gives.
	pageSize = 200
)

// Config of an account.
type Config struct {
	Token     string
	UserAgent string
	Base      string       // empty: DigitalOcean's
	HTTP      *http.Client // nil: a plain one
}

// Provider writes to an account's domains.
type Provider struct{ api httpapi.Client }

// New checks a configuration. Errors: a *challenges.Fault that names the field.
func New(c Config) (*Provider, error) {
	if c.Token == "" || !httpapi.ValidHeader(c.Token) {
		return nil, challenges.Faulty("%s.tokenSecretRef: the token is empty or holds characters that none has: store it anew", field)
	}
	if c.Base == "" {
		c.Base = address
	}
	header := http.Header{"User-Agent": {c.UserAgent}, "Authorization": {"Bearer " + c.Token}}
	return &Provider{httpapi.Client{Base: c.Base, Header: header, HTTP: c.HTTP, Words: words}}, nil
}

func words(body []byte) string {
	var answer struct{ Message string }
	_ = json.Unmarshal(body, &answer)
	return answer.Message
}

type txt struct {
	ID   int    `json:"id,omitempty"`
	Type string `json:"type"`
	Name string `json:"name"`
	Data string `json:"data"`
	TTL  int    `json:"ttl,omitempty"`
}

// Set makes the record unless it is there.
func (p *Provider) Set(ctx context.Context, r record.Record) error {
	domain, err := p.domain(ctx, r)
	if err != nil {
		return err
	}
	if domain == "" {
		return challenges.Faulty("%s: no domain of the account holds %s: add the domain to DigitalOcean, or use the token of the account that has it", field, r.Name)
	}
	found, err := p.find(ctx, domain, r)
	if err != nil || len(found) > 0 {
		return err
	}
	body := txt{Type: "TXT", Name: r.Below(domain + "."), Data: r.Value, TTL: record.TTL}
	return judge(p.api.Do(ctx, http.MethodPost, "/domains/"+domain+"/records", body, nil))
}

// Unset deletes the records with the value.
func (p *Provider) Unset(ctx context.Context, r record.Record) error {
	domain, err := p.domain(ctx, r)
	if err != nil || domain == "" {
		return err
	}
	found, err := p.find(ctx, domain, r)
	if err != nil {
		return err
	}
	for _, f := range found {
		err := p.api.Do(ctx, http.MethodDelete, "/domains/"+domain+"/records/"+strconv.Itoa(f.ID), nil, nil)
		if err != nil && httpapi.Status(err) != http.StatusNotFound {
			return judge(err)
		}
	}
	return nil
}

// domain finds the account's domain that holds a record; empty when none does.
func (p *Provider) domain(ctx context.Context, r record.Record) (string, error) {
	for _, name := range r.Candidates(ctx) {
		name = strings.TrimSuffix(name, ".")
		err := p.api.Do(ctx, http.MethodGet, "/domains/"+name, nil, nil)
		switch {
		case err == nil:
			return name, nil
		case httpapi.Status(err) != http.StatusNotFound:
			return "", judge(err)
		}
	}
	return "", nil
}

func (p *Provider) find(ctx context.Context, domain string, r record.Record) (found []txt, err error) {
	query := url.Values{"type": {"TXT"}, "name": {strings.TrimSuffix(r.Name, ".")}, "per_page": {strconv.Itoa(pageSize)}}
	for page := 1; ; page++ {
		query.Set("page", strconv.Itoa(page))
		var answer struct {
			Records []txt `json:"domain_records"`
		}
		if err := p.api.Do(ctx, http.MethodGet, "/domains/"+domain+"/records?"+query.Encode(), nil, &answer); err != nil {
			return nil, judge(err)
		}
		for _, t := range answer.Records {
			if t.Type == "TXT" && t.Name == r.Below(domain+".") && r.Is(t.Data) {
				found = append(found, t)
			}
		}
		if len(answer.Records) < pageSize {
			return found, nil
		}
	}
}

func judge(err error) error {
	switch {
	case err == nil:
		return nil
	case httpapi.Denied(err):
		return challenges.Faulty("%s.tokenSecretRef: DigitalOcean does not accept the token: %s; store one with the scopes domain:read, domain:create and domain:delete", field, err)
	}
	return fmt.Errorf("ask DigitalOcean: %w", err)
}
