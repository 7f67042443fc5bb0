package dns01

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/certwright/certwright/handlers/challenges"
	"github.com/certwright/certwright/handlers/challenges/dns01/acmedns"
	"github.com/certwright/certwright/handlers/challenges/dns01/akamai"
	"github.com/certwright/certwright/handlers/challenges/dns01/azuredns"
	"github.com/certwright/certwright/handlers/challenges/dns01/clouddns"
	"github.com/certwright/certwright/handlers/challenges/dns01/cloudflare"
	"github.com/certwright/certwright/handlers/challenges/dns01/digitalocean"
	"github.com/certwright/certwright/handlers/challenges/dns01/lego"
	"github.com/certwright/certwright/handlers/challenges/dns01/record"
	"github.com/certwright/certwright/handlers/challenges/dns01/rfc2136"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// build makes a provider of what was read.
type build func() (record.Provider, error)

// provider finds the one that a challenge's solver names, and its credentials.
func (s *Solver) provider(ctx context.Context, t challenges.Task) (record.Provider, error) {
	d := t.Challenge.Spec.Solver.DNS01
	if d == nil {
		return nil, challenges.Faulty("spec.solver.dns01: it is not set, but the challenge is of type DNS-01: correct the issuer's solvers")
	}
	read := &reader{ctx: ctx, secrets: s.Secrets, namespace: t.SecretNamespace}
	if d.Webhook != nil {
		return s.webhook(t, d.Webhook, read)
	}
	construct := s.builder(d, t, read)
	switch {
	case read.err != nil:
		return nil, read.err
	case construct == nil:
		return nil, challenges.Faulty("spec.solver.dns01: it names no DNS provider: set one, such as rfc2136, cloudflare, route53 or webhook, in the issuer's solver")
	}
	key, err := json.Marshal(struct {
		Solver   *cmacme.ACMEChallengeSolverDNS01
		Versions []string
		In       string
		Ambient  bool
	}{d, read.versions, t.SecretNamespace, t.Ambient})
	if err != nil {
		return nil, fmt.Errorf("encode the solver: %w", err)
	}
	return s.providers.get(string(key), construct)
}

// builder reads the credentials of the provider that is set; nil when none is.
func (s *Solver) builder(d *cmacme.ACMEChallengeSolverDNS01, t challenges.Task, read *reader) build {
	switch {
	case d.RFC2136 != nil:
		return rfc2136Builder(d.RFC2136, read)
	case d.Cloudflare != nil:
		return s.cloudflare(d.Cloudflare, read)
	case d.Route53 != nil:
		return s.route53(d.Route53, t, read)
	case d.AzureDNS != nil:
		return s.azureDNS(d.AzureDNS, t, read)
	case d.CloudDNS != nil:
		return s.cloudDNS(d.CloudDNS, t, read)
	case d.DigitalOcean != nil:
		c := digitalocean.Config{Token: read.value("digitalocean.tokenSecretRef", d.DigitalOcean.Token), UserAgent: s.UserAgent}
		return func() (record.Provider, error) { return digitalocean.New(c) }
	case d.Akamai != nil:
		return s.akamai(d.Akamai, read)
	case d.AcmeDNS != nil:
		c := acmedns.Config{Host: d.AcmeDNS.Host, Accounts: read.content("acmeDNS.accountSecretRef", d.AcmeDNS.AccountSecret), UserAgent: s.UserAgent}
		return func() (record.Provider, error) { return acmedns.New(c) }
	}
	return nil
}

func rfc2136Builder(p *cmacme.ACMEIssuerDNS01ProviderRFC2136, read *reader) build {
	c := rfc2136.Config{
		Nameserver: p.Nameserver, TSIGKeyName: p.TSIGKeyName, TSIGAlgorithm: p.TSIGAlgorithm,
		TSIGSecret: read.optional("rfc2136.tsigSecretSecretRef", &p.TSIGSecret),
		TCP:        strings.EqualFold(string(p.Protocol), string(cmacme.RFC2136UpdateProtocolTCP)),
	}
	return func() (record.Provider, error) { return rfc2136.New(c) }
}

func (s *Solver) cloudflare(p *cmacme.ACMEIssuerDNS01ProviderCloudflare, read *reader) build {
	if p.APIKey != nil && p.APIToken != nil {
		read.err = challenges.Faulty("spec.solver.dns01.cloudflare: apiKeySecretRef and apiTokenSecretRef are both set: keep the token")
		return nil
	}
	c := cloudflare.Config{
		Email: p.Email, UserAgent: s.UserAgent,
		Key: read.optional("cloudflare.apiKeySecretRef", p.APIKey), Token: read.optional("cloudflare.apiTokenSecretRef", p.APIToken),
	}
	return func() (record.Provider, error) { return cloudflare.New(c) }
}

func (s *Solver) akamai(p *cmacme.ACMEIssuerDNS01ProviderAkamai, read *reader) build {
	c := akamai.Config{
		Host:         p.ServiceConsumerDomain,
		ClientToken:  read.value("akamai.clientTokenSecretRef", p.ClientToken),
		ClientSecret: read.value("akamai.clientSecretSecretRef", p.ClientSecret),
		AccessToken:  read.value("akamai.accessTokenSecretRef", p.AccessToken),
		UserAgent:    s.UserAgent,
	}
	return func() (record.Provider, error) { return akamai.New(c) }
}

func (s *Solver) azureDNS(p *cmacme.ACMEIssuerDNS01ProviderAzureDNS, t challenges.Task, read *reader) build {
	c := azuredns.Config{
		SubscriptionID: p.SubscriptionID, ResourceGroup: p.ResourceGroupName, Zone: p.HostedZoneName,
		Private: p.ZoneType == cmacme.PrivateAzureZone, Environment: string(p.Environment),
		ClientID: p.ClientID, TenantID: p.TenantID, Ambient: t.Ambient, UserAgent: s.UserAgent,
	}
	if p.ClientID != "" {
		c.ClientSecret = read.optional("azureDNS.clientSecretSecretRef", p.ClientSecret)
	}
	if m := p.ManagedIdentity; m != nil {
		if p.ClientID != "" || p.ClientSecret != nil || p.TenantID != "" {
			read.err = challenges.Faulty("spec.solver.dns01.azureDNS: managedIdentity is set beside a service principal: keep one of them")
			return nil
		}
		c.Identity = azuredns.Identity{ClientID: m.ClientID, ResourceID: m.ResourceID, TenantID: m.TenantID}
	}
	return func() (record.Provider, error) { return azuredns.New(c) }
}

func (s *Solver) cloudDNS(p *cmacme.ACMEIssuerDNS01ProviderCloudDNS, t challenges.Task, read *reader) build {
	c := clouddns.Config{Project: p.Project, Zone: p.HostedZoneName, Ambient: t.Ambient, UserAgent: s.UserAgent}
	if p.ServiceAccount != nil {
		c.ServiceAccount = read.content("cloudDNS.serviceAccountSecretRef", *p.ServiceAccount)
	}
	return func() (record.Provider, error) { return clouddns.New(c) }
}

// webhook finds what stands behind a webhook: another program by way of the API
// server, or one of lego's providers. Neither is kept.
func (s *Solver) webhook(t challenges.Task, w *cmacme.ACMEIssuerDNS01ProviderWebhook, read *reader) (record.Provider, error) {
	if w.GroupName != lego.Group {
		return &remote{api: s.API, task: t, spec: w}, nil
	}
	var raw []byte
	if w.Config != nil {
		raw = w.Config.Raw
	}
	config, err := lego.ParseConfig(w.SolverName, raw, t.Ambient)
	if err != nil {
		return nil, err
	}
	call := &lego.Call{
		Bridge: s.Lego, Provider: w.SolverName, Env: map[string]string{}, Files: map[string]string{},
		Follow: follows(t.Challenge.Spec.Solver.DNS01), Ambient: t.Ambient,
		Token: t.Challenge.Spec.Token, KeyAuthorization: t.KeyAuthorization,
	}
	maps.Copy(call.Env, config.Env)
	// In order, so that the first fault is the same each time.
	for _, name := range slices.Sorted(maps.Keys(config.SecretEnv)) {
		call.Env[name] = read.value("webhook.config.secretEnv."+name, config.SecretEnv[name])
		call.Secrets = append(call.Secrets, call.Env[name])
	}
	for _, name := range slices.Sorted(maps.Keys(config.SecretFiles)) {
		call.Files[name] = string(read.content("webhook.config.secretFiles."+name, config.SecretFiles[name]))
		call.Secrets = append(call.Secrets, call.Files[name])
	}
	return call, read.err
}
