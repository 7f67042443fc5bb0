package clouddns

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/httpapi"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/google"
)

const (
	field   = "spec.solver.dns01.cloudDNS"
	address = "https://dns.googleapis.com/dns/v1"
	scope   = "https://www.googleapis.com/auth/ndev.clouddns.readwrite"
)

// Config of a project.
type Config struct {
	Project string
	// ServiceAccount is the JSON key of a service account; empty means what the
	// daemon's surroundings offer, if Ambient allows that.
	ServiceAccount []byte
	Ambient        bool
	// Zone names the managed zone; empty looks for it.
	Zone      string
	UserAgent string
	Base      string       // empty: Google's
	HTTP      *http.Client // nil: a plain one, also for fetching tokens
}

// Provider writes to the managed zones of one project.
type Provider struct {
	api     httpapi.Client
	project string
	zone    string
}

// New checks a configuration. Errors: a *challenges.Fault that names the field.
func New(c Config) (*Provider, error) {
	if c.Project == "" {
		return nil, challenges.Faulty("%s.project: it is empty: name the Google Cloud project of the zone", field)
	}
	if c.Base == "" {
		c.Base = address
	}
	if c.HTTP == nil {
		c.HTTP = &http.Client{Timeout: httpapi.Timeout}
	}
	// Tokens are fetched when they are needed, so not within this call's context.
	ctx := context.WithValue(context.Background(), oauth2.HTTPClient, c.HTTP)
	tokens, err := tokens(ctx, c)
	if err != nil {
		return nil, err
	}
	authorized := oauth2.NewClient(ctx, tokens)
	authorized.Timeout = httpapi.Timeout
	return &Provider{
		api:     httpapi.Client{Base: c.Base, Header: http.Header{"User-Agent": {c.UserAgent}}, HTTP: authorized, Words: words},
		project: url.PathEscape(c.Project), zone: c.Zone,
	}, nil
}

func tokens(ctx context.Context, c Config) (oauth2.TokenSource, error) {
	if len(c.ServiceAccount) == 0 {
		if !c.Ambient {
			return nil, challenges.Faulty("%s.serviceAccountSecretRef: there is no credential, and this issuer may not use those of the daemon: set it, or allow that by --issuer-ambient-credentials or --cluster-issuer-ambient-credentials", field)
		}
		source, err := google.DefaultTokenSource(ctx, scope)
		if err != nil {
			return nil, challenges.Faulty("%s: the daemon has no Google Cloud credentials of its own: give its pod a workload identity, or set serviceAccountSecretRef", field)
		}
		return source, nil
	}
	config, err := google.JWTConfigFromJSON(c.ServiceAccount, scope)
	if err != nil {
		return nil, challenges.Faulty("%s.serviceAccountSecretRef: the key is not the JSON key of a service account: store the file that Google Cloud gave", field)
	}
	return config.TokenSource(ctx), nil
}

func words(body []byte) string {
	var answer struct{ Error struct{ Message string } }
	_ = json.Unmarshal(body, &answer)
	return answer.Error.Message
}

type set struct {
	Name    string   `json:"name"`
	Type    string   `json:"type"`
	TTL     int      `json:"ttl"`
	RRDatas []string `json:"rrdatas"`
}

type change struct {
	Additions []set `json:"additions,omitempty"`
	Deletions []set `json:"deletions,omitempty"`
}

// Set adds the value to the set.
func (p *Provider) Set(ctx context.Context, r record.Record) error {
	zone, err := p.managedZone(ctx, r)
	if err != nil {
		return err
	}
	if zone == "" {
		return challenges.Faulty("%s: no managed zone of the project holds %s: make one, or name the right project or hostedZoneName", field, r.Name)
	}
	old, err := p.sets(ctx, zone, r)
	if err != nil {
		return err
	}
	next := set{Name: r.Name, Type: "TXT", TTL: record.TTL}
	if len(old) > 0 {
		next = old[0]
	}
	var changed bool
	if next.RRDatas, changed = r.With(next.RRDatas, r.Quoted()); !changed {
		return nil
	}
	return p.change(ctx, zone, change{Additions: []set{next}, Deletions: old})
}

// Unset takes the value out of the set.
func (p *Provider) Unset(ctx context.Context, r record.Record) error {
	zone, err := p.managedZone(ctx, r)
	if err != nil || zone == "" {
		return err
	}
	old, err := p.sets(ctx, zone, r)
	if err != nil || len(old) == 0 {
		return err
	}
	next := old[0]
	var changed bool
	if next.RRDatas, changed = r.Without(next.RRDatas); !changed {
		return nil
	}
	c := change{Deletions: old}
	if len(next.RRDatas) > 0 {
		c.Additions = []set{next}
	}
	return p.change(ctx, zone, c)
}

func (p *Provider) path(zone, what string) string {
	return "/projects/" + p.project + "/managedZones/" + url.PathEscape(zone) + what
}

func (p *Provider) change(ctx context.Context, zone string, c change) error {
	return p.judge(p.api.Do(ctx, http.MethodPost, p.path(zone, "/changes"), c, nil))
}

func (p *Provider) sets(ctx context.Context, zone string, r record.Record) ([]set, error) {
	var answer struct{ RRSets []set }
	query := url.Values{"name": {r.Name}, "type": {"TXT"}}
	err := p.api.Do(ctx, http.MethodGet, p.path(zone, "/rrsets?"+query.Encode()), nil, &answer)
	return answer.RRSets, p.judge(err)
}

// managedZone finds the zone that holds a record, a public one rather than a
// private one; empty when none does.
func (p *Provider) managedZone(ctx context.Context, r record.Record) (string, error) {
	if p.zone != "" {
		return p.zone, nil
	}
	for _, name := range r.Candidates(ctx) {
		var answer struct {
			ManagedZones []struct{ Name, Visibility string }
		}
		err := p.api.Do(ctx, http.MethodGet, "/projects/"+p.project+"/managedZones?"+url.Values{"dnsName": {name}}.Encode(), nil, &answer)
		if err != nil {
			return "", p.judge(err)
		}
		for _, zone := range answer.ManagedZones {
			if zone.Visibility != "private" {
				return zone.Name, nil
			}
		}
		if len(answer.ManagedZones) > 0 {
			return answer.ManagedZones[0].Name, nil
		}
	}
	return "", nil
}

func (p *Provider) judge(err error) error {
	var token *oauth2.RetrieveError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &token), strings.Contains(err.Error(), "oauth2:"):
		return challenges.Faulty("%s.serviceAccountSecretRef: Google does not accept the service account: store a JSON key that is valid", field)
	case httpapi.Denied(err):
		return challenges.Faulty("%s: Google Cloud refuses the change: %s; grant the service account the role roles/dns.admin in the project", field, err)
	case httpapi.Status(err) == http.StatusNotFound:
		return challenges.Faulty("%s: Google Cloud does not know the project or zone: %s; correct project or hostedZoneName", field, err)
	}
	return fmt.Errorf("ask Google Cloud DNS: %w", err)
}
