package akamai

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

	"github.com/akamai/AkamaiOPEN-edgegrid-golang/v13/pkg/edgegrid"
)

const (
	field = "spec.solver.dns01.akamai"
	// maxBody is how much of a body EdgeGrid signs.
	maxBody = 131072
	// ttl in seconds: the shortest that every contract allows.
	ttl = 300
)

// Config of an API client.
type Config struct {
	// Host is the service consumer domain: akab-....luna.akamaiapis.net.
	Host                                   string
	ClientToken, ClientSecret, AccessToken string
	UserAgent                              string
	Transport                              http.RoundTripper // nil: the default
}

// Provider writes to the zones of one API client.
type Provider struct{ api httpapi.Client }

// New checks a configuration. Errors: a *challenges.Fault that names the field.
func New(c Config) (*Provider, error) {
	c.Host = strings.TrimSuffix(strings.TrimPrefix(c.Host, "https://"), "/")
	if u, err := url.Parse("https://" + c.Host); err != nil || c.Host == "" || u.Host != c.Host {
		return nil, challenges.Faulty("%s.serviceConsumerDomain: it is no host name: give the host of the API client's credentials, such as akab-xxxx.luna.akamaiapis.net", field)
	}
	for _, credential := range []struct{ name, value string }{
		{"clientTokenSecretRef", c.ClientToken}, {"clientSecretSecretRef", c.ClientSecret}, {"accessTokenSecretRef", c.AccessToken},
	} {
		if credential.value == "" || !httpapi.ValidHeader(credential.value) {
			return nil, challenges.Faulty("%s.%s: the credential is empty or holds characters that none has: store it anew", field, credential.name)
		}
	}
	if c.Transport == nil {
		c.Transport = http.DefaultTransport
	}
	signed := signer{&edgegrid.Config{
		Host: c.Host, ClientToken: c.ClientToken, ClientSecret: c.ClientSecret, AccessToken: c.AccessToken, MaxBody: maxBody,
	}, c.Transport}
	return &Provider{httpapi.Client{
		Base: "https://" + c.Host + "/config-dns/v2", Header: http.Header{"User-Agent": {c.UserAgent}}, Words: words,
		HTTP: &http.Client{Timeout: httpapi.Timeout, Transport: signed},
	}}, nil
}

type signer struct {
	config *edgegrid.Config
	next   http.RoundTripper
}

func (s signer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	s.config.SignRequest(r)
	return s.next.RoundTrip(r)
}

func words(body []byte) string {
	var answer struct{ Title, Detail string }
	_ = json.Unmarshal(body, &answer)
	return strings.TrimSuffix(answer.Title+": "+answer.Detail, ": ")
}

type set struct {
	Name  string   `json:"name"`
	Type  string   `json:"type"`
	TTL   int      `json:"ttl"`
	RData []string `json:"rdata"`
}

// Set adds the value to the set.
func (p *Provider) Set(ctx context.Context, r record.Record) error {
	path, old, err := p.find(ctx, r)
	if err != nil {
		return err
	}
	if path == "" {
		return challenges.Faulty("%s: no zone of the API client holds %s: add the zone to Edge DNS, or give the client access to it", field, r.Name)
	}
	next, method := set{Name: strings.TrimSuffix(r.Name, "."), Type: "TXT", TTL: ttl}, http.MethodPost
	if old != nil {
		next, method = *old, http.MethodPut
	}
	var changed bool
	if next.RData, changed = r.With(next.RData, r.Quoted()); !changed {
		return nil
	}
	return judge(p.api.Do(ctx, method, path, next, nil))
}

// Unset takes the value out of the set.
func (p *Provider) Unset(ctx context.Context, r record.Record) error {
	path, old, err := p.find(ctx, r)
	if err != nil || old == nil {
		return err
	}
	next := *old
	var changed bool
	switch next.RData, changed = r.Without(next.RData); {
	case !changed:
		return nil
	case len(next.RData) == 0:
		err = p.api.Do(ctx, http.MethodDelete, path, nil, nil)
		if httpapi.Status(err) == http.StatusNotFound {
			return nil
		}
		return judge(err)
	}
	return judge(p.api.Do(ctx, http.MethodPut, path, next, nil))
}

// find gives the path of the record's set, and the set if there is one. Without
// a zone that holds it the path is empty.
func (p *Provider) find(ctx context.Context, r record.Record) (string, *set, error) {
	for _, zone := range r.Candidates(ctx) {
		zone = "/zones/" + strings.TrimSuffix(zone, ".")
		err := p.api.Do(ctx, http.MethodGet, zone, nil, nil)
		if httpapi.Status(err) == http.StatusNotFound {
			continue
		}
		if err != nil {
			return "", nil, judge(err)
		}
		path := zone + "/names/" + strings.TrimSuffix(r.Name, ".") + "/types/TXT"
		var old set
		switch err := p.api.Do(ctx, http.MethodGet, path, nil, &old); {
		case err == nil:
			return path, &old, nil
		case httpapi.Status(err) == http.StatusNotFound:
			return path, nil, nil
		default:
			return "", nil, judge(err)
		}
	}
	return "", nil, nil
}

func judge(err error) error {
	switch {
	case err == nil:
		return nil
	case httpapi.Denied(err):
		return challenges.Faulty("%s: Akamai does not accept the credentials: %s; store the tokens of an API client that may read and write DNS zone records", field, err)
	}
	return fmt.Errorf("ask Akamai Edge DNS: %w", err)
}
