package azuredns

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
)

const field = "spec.solver.dns01.azureDNS"

// Provider writes to the zones of one resource group.
type Provider struct {
	api   httpapi.Client
	zone  string // empty: to be found
	group string // path of the resource group
	kind  kind
}

// kind is what differs between public and private zones.
type kind struct{ zones, version, ttl, values string }

var (
	public  = kind{"dnsZones", "2018-05-01", "TTL", "TXTRecords"}
	private = kind{"privateDnsZones", "2020-06-01", "ttl", "txtRecords"}
)

// New checks a configuration. Errors: a *challenges.Fault that names the field.
func New(c Config) (*Provider, error) {
	switch {
	case c.SubscriptionID == "":
		return nil, challenges.Faulty("%s.subscriptionID: it is empty: give the id of the subscription that holds the zone", field)
	case c.ResourceGroup == "":
		return nil, challenges.Faulty("%s.resourceGroupName: it is empty: name the resource group that holds the zone", field)
	}
	credential, place, err := c.credential()
	if err != nil {
		return nil, err
	}
	p := &Provider{
		zone: strings.TrimSuffix(c.Zone, "."), kind: public,
		group: "/subscriptions/" + url.PathEscape(c.SubscriptionID) + "/resourceGroups/" + url.PathEscape(c.ResourceGroup) + "/providers/Microsoft.Network/",
		api: httpapi.Client{
			Base: strings.TrimSuffix(place.Endpoint, "/"), Header: http.Header{"User-Agent": {c.UserAgent}}, Words: words,
			HTTP: &http.Client{Timeout: httpapi.Timeout, Transport: authorized(credential, place, c.transport())},
		},
	}
	if c.Private {
		p.kind = private
	}
	return p, nil
}

func words(body []byte) string {
	var answer struct {
		Error struct{ Code, Message string }
	}
	if json.Unmarshal(body, &answer) != nil || answer.Error.Code == "" {
		return ""
	}
	return answer.Error.Code // its message names times and ids
}

// set is a record set, read without regard to upper and lower case.
type set struct {
	ETag       string
	Properties struct {
		TTL        int
		TXTRecords []struct{ Value []string }
	}
}

func (s set) values() []string {
	var all []string
	for _, t := range s.Properties.TXTRecords {
		all = append(all, strings.Join(t.Value, ""))
	}
	return all
}

// Set adds the value to the set.
func (p *Provider) Set(ctx context.Context, r record.Record) error {
	path, old, err := p.find(ctx, r)
	if err != nil {
		return err
	}
	if path == "" {
		return challenges.Faulty("%s: no zone of the resource group holds %s: make one, or name the right resourceGroupName or hostedZoneName", field, r.Name)
	}
	ttl := record.TTL
	if old.Properties.TTL > 0 {
		ttl = old.Properties.TTL
	}
	values, changed := r.With(old.values(), r.Value)
	if !changed {
		return nil
	}
	return p.write(ctx, path, old, ttl, values)
}

// Unset takes the value out of the set.
func (p *Provider) Unset(ctx context.Context, r record.Record) error {
	path, old, err := p.find(ctx, r)
	if err != nil || path == "" {
		return err
	}
	values, changed := r.Without(old.values())
	switch {
	case !changed:
		return nil
	case len(values) == 0:
		return p.judge(p.api.DoWith(ctx, http.Header{"If-Match": {old.ETag}}, http.MethodDelete, path, nil, nil))
	}
	return p.write(ctx, path, old, old.Properties.TTL, values)
}

func (p *Provider) write(ctx context.Context, path string, old set, ttl int, values []string) error {
	condition := http.Header{"If-None-Match": {"*"}}
	if old.ETag != "" {
		condition = http.Header{"If-Match": {old.ETag}}
	}
	records := make([]map[string][]string, len(values))
	for i, v := range values {
		records[i] = map[string][]string{"value": {v}}
	}
	body := map[string]any{"properties": map[string]any{p.kind.ttl: ttl, p.kind.values: records}}
	return p.judge(p.api.DoWith(ctx, condition, http.MethodPut, path, body, nil))
}

// find gives the path of the record's set, and the set, which is empty when
// there is none. Without a zone that holds it the path is empty.
func (p *Provider) find(ctx context.Context, r record.Record) (string, set, error) {
	zone, err := p.zoneOf(ctx, r)
	if err != nil || zone == "" {
		return "", set{}, err
	}
	path := p.group + p.kind.zones + "/" + zone + "/TXT/" + url.PathEscape(r.Below(zone+".")) + p.version()
	var old set
	err = p.api.Do(ctx, http.MethodGet, path, nil, &old)
	if httpapi.Status(err) == http.StatusNotFound {
		return path, set{}, nil
	}
	return path, old, p.judge(err)
}

func (p *Provider) version() string { return "?api-version=" + p.kind.version }

func (p *Provider) zoneOf(ctx context.Context, r record.Record) (string, error) {
	if p.zone != "" {
		if r.Below(p.zone+".") == r.Name {
			return "", challenges.Faulty("%s.hostedZoneName: %s is not in the zone %s: name the zone that holds it, or leave the field out", field, r.Name, p.zone)
		}
		return p.zone, nil
	}
	for _, name := range r.Candidates(ctx) {
		name = strings.TrimSuffix(name, ".")
		err := p.api.Do(ctx, http.MethodGet, p.group+p.kind.zones+"/"+name+p.version(), nil, nil)
		switch {
		case err == nil:
			return name, nil
		case httpapi.Status(err) != http.StatusNotFound || strings.Contains(err.Error(), "ResourceGroupNotFound"):
			return "", p.judge(err)
		}
	}
	return "", nil
}

func (p *Provider) judge(err error) error {
	var credential *httpapi.Credential
	switch s := httpapi.Status(err); {
	case err == nil:
		return nil
	case errors.As(err, &credential):
		return judgeCredential(credential)
	case httpapi.Denied(err):
		return challenges.Faulty("%s: Azure refuses the change: %s; grant the identity the role DNS Zone Contributor for the zone", field, err)
	case s == http.StatusNotFound:
		return challenges.Faulty("%s: Azure does not know the place: %s; correct subscriptionID, resourceGroupName or hostedZoneName", field, err)
	case s == http.StatusPreconditionFailed:
		return errors.New("somebody else changed the record set at the same time")
	}
	return fmt.Errorf("ask Azure DNS: %w", err)
}
