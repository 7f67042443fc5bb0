package cloudflare

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

const (
	field   = "spec.solver.dns01.cloudflare"
	address = "https://api.cloudflare.com/client/v4"
)

// Config of an account: a token, or an e-mail address and a key.
type Config struct {
	Token      string
	Email, Key string
	UserAgent  string
	Base       string       // empty: Cloudflare's
	HTTP       *http.Client // nil: a plain one
}

// Provider writes to an account's zones.
type Provider struct {
	api httpapi.Client
	// credential is the field of the credential in use.
	credential string
}

// New checks a configuration. Errors: a *challenges.Fault that names the field.
func New(c Config) (*Provider, error) {
	header := http.Header{"User-Agent": {c.UserAgent}}
	p := &Provider{credential: field + ".apiTokenSecretRef"}
	switch {
	case c.Token != "":
		header.Set("Authorization", "Bearer "+c.Token)
	case c.Key == "":
		return nil, challenges.Faulty("%s: there is no credential: set apiTokenSecretRef", field)
	case c.Email == "":
		return nil, challenges.Faulty("%s.email: an API key needs the account's e-mail address: set it, or use an API token", field)
	default:
		p.credential = field + ".apiKeySecretRef"
		header.Set("X-Auth-Email", c.Email)
		header.Set("X-Auth-Key", c.Key)
	}
	if !httpapi.ValidHeader(c.Token + c.Key + c.Email) {
		return nil, challenges.Faulty("%s: the credential holds characters that none has, such as a line break: store it anew", p.credential)
	}
	if c.Base == "" {
		c.Base = address
	}
	p.api = httpapi.Client{Base: c.Base, Header: header, HTTP: c.HTTP, Words: words}
	return p, nil
}

// words joins the messages of an answer, the causes last.
func words(body []byte) string {
	var answer struct {
		Errors []struct {
			Code    int
			Message string
			Chain   []struct {
				Code    int
				Message string
			} `json:"error_chain"`
		}
	}
	if json.Unmarshal(body, &answer) != nil {
		return ""
	}
	var all []string
	for _, e := range answer.Errors {
		all = append(all, fmt.Sprintf("%s (%d)", e.Message, e.Code))
		for _, cause := range e.Chain {
			all = append(all, fmt.Sprintf("%s (%d)", cause.Message, cause.Code))
		}
	}
	return strings.Join(all, ": ")
}

type txt struct {
	ID      string `json:"id,omitempty"`
	Type    string `json:"type"`
	Name    string `json:"name"`
	Content string `json:"content"`
	TTL     int    `json:"ttl,omitempty"`
}

// Set makes the record unless it is there.
func (p *Provider) Set(ctx context.Context, r record.Record) error {
	zone, err := p.zone(ctx, r)
	if err != nil {
		return err
	}
	if zone == "" {
		return challenges.Faulty("%s: no zone of the account holds %s: add the zone to Cloudflare, or give the credential the right Zone:Read for it", field, r.Name)
	}
	found, err := p.find(ctx, zone, r)
	if err != nil || len(found) > 0 {
		return err
	}
	body := txt{Type: "TXT", Name: strings.TrimSuffix(r.Name, "."), Content: r.Quoted(), TTL: record.TTL}
	return p.judge(p.api.Do(ctx, http.MethodPost, "/zones/"+zone+"/dns_records", body, nil))
}

// Unset deletes the records with the value.
func (p *Provider) Unset(ctx context.Context, r record.Record) error {
	zone, err := p.zone(ctx, r)
	if err != nil || zone == "" {
		return err
	}
	found, err := p.find(ctx, zone, r)
	if err != nil {
		return err
	}
	for _, f := range found {
		err := p.api.Do(ctx, http.MethodDelete, "/zones/"+zone+"/dns_records/"+f.ID, nil, nil)
		if err != nil && httpapi.Status(err) != http.StatusNotFound {
			return p.judge(err)
		}
	}
	return nil
}

// zone finds the id of the zone that holds a record; empty when none does.
func (p *Provider) zone(ctx context.Context, r record.Record) (string, error) {
	for _, name := range r.Candidates(ctx) {
		var answer struct{ Result []struct{ ID string } }
		if err := p.api.Do(ctx, http.MethodGet, "/zones?name="+url.QueryEscape(strings.TrimSuffix(name, ".")), nil, &answer); err != nil {
			return "", p.judge(err)
		}
		if len(answer.Result) > 0 {
			return answer.Result[0].ID, nil
		}
	}
	return "", nil
}

func (p *Provider) find(ctx context.Context, zone string, r record.Record) ([]txt, error) {
	query := url.Values{"type": {"TXT"}, "name": {strings.TrimSuffix(r.Name, ".")}, "per_page": {"100"}}
	var answer struct{ Result []txt }
	if err := p.api.Do(ctx, http.MethodGet, "/zones/"+zone+"/dns_records?"+query.Encode(), nil, &answer); err != nil {
		return nil, p.judge(err)
	}
	var found []txt
	for _, t := range answer.Result {
		if r.Is(t.Content) {
			found = append(found, t)
		}
	}
	return found, nil
}

func (p *Provider) judge(err error) error {
	switch s := httpapi.Status(err); {
	case err == nil:
		return nil
	case httpapi.Denied(err), s == http.StatusBadRequest && strings.Contains(err.Error(), "(6003)"): // "Invalid request headers"
		return challenges.Faulty("%s: Cloudflare does not accept the credential: %s; store a token with the rights Zone:Read and DNS:Edit for the zone", p.credential, err)
	}
	return fmt.Errorf("ask Cloudflare: %w", err)
}
