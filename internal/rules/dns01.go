package rules

import (
	"regexp"
	"slices"
	"strings"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"k8s.io/apimachinery/pkg/util/validation/field"
)

func dns01(d *cmacme.ACMEChallengeSolverDNS01, path *field.Path) field.ErrorList {
	return slices.Concat(
		oneOf(path.Child("cnameStrategy"), d.CNAMEStrategy, cmacme.NoneStrategy, cmacme.FollowStrategy),
		exactlyOne(path,
			choice{"acmeDNS", d.AcmeDNS != nil}, choice{"akamai", d.Akamai != nil}, choice{"azureDNS", d.AzureDNS != nil},
			choice{"cloudDNS", d.CloudDNS != nil}, choice{"cloudflare", d.Cloudflare != nil}, choice{"digitalocean", d.DigitalOcean != nil},
			choice{"rfc2136", d.RFC2136 != nil}, choice{"route53", d.Route53 != nil}, choice{"webhook", d.Webhook != nil}),
		provider(d, path),
	)
}

// provider checks each provider that is set, though only one should be.
func provider(d *cmacme.ACMEChallengeSolverDNS01, path *field.Path) (all field.ErrorList) {
	if p := d.AcmeDNS; p != nil {
		at := path.Child("acmeDNS")
		all = append(all, filled(at.Child("host"), p.Host, "give the URL of the acme-dns server")...)
		all = append(all, secretKey(at.Child("accountSecretRef"), &p.AccountSecret)...)
	}
	if p := d.Akamai; p != nil {
		all = append(all, akamai(p, path.Child("akamai"))...)
	}
	if p := d.AzureDNS; p != nil {
		all = append(all, azure(p, path.Child("azureDNS"))...)
	}
	if p := d.CloudDNS; p != nil {
		all = append(all, cloudDNS(p, path.Child("cloudDNS"))...)
	}
	if p := d.Cloudflare; p != nil {
		all = append(all, cloudflare(p, path.Child("cloudflare"))...)
	}
	if p := d.DigitalOcean; p != nil {
		all = append(all, secretKey(path.Child("digitalocean", "tokenSecretRef"), &p.Token)...)
	}
	if p := d.RFC2136; p != nil {
		all = append(all, rfc2136(p, path.Child("rfc2136"))...)
	}
	if p := d.Route53; p != nil {
		all = append(all, route53(p, path.Child("route53"))...)
	}
	if p := d.Webhook; p != nil {
		all = append(all, filled(path.Child("webhook", "solverName"), p.SolverName, "name the solver that the webhook serves")...)
	}
	return all
}

func akamai(p *cmacme.ACMEIssuerDNS01ProviderAkamai, path *field.Path) field.ErrorList {
	return slices.Concat(
		filled(path.Child("serviceConsumerDomain"), p.ServiceConsumerDomain, "give the host of your Akamai API"),
		secretKey(path.Child("clientTokenSecretRef"), &p.ClientToken),
		secretKey(path.Child("clientSecretSecretRef"), &p.ClientSecret),
		secretKey(path.Child("accessTokenSecretRef"), &p.AccessToken),
	)
}

// azure takes a service principal, which has three parts, or a managed
// identity, or neither: then the environment says who we are.
func azure(p *cmacme.ACMEIssuerDNS01ProviderAzureDNS, path *field.Path) field.ErrorList {
	all := slices.Concat(
		filled(path.Child("subscriptionID"), p.SubscriptionID, "give the id of the subscription"),
		filled(path.Child("resourceGroupName"), p.ResourceGroupName, "name the resource group of the DNS zone"),
		oneOf(path.Child("environment"), p.Environment, cmacme.AzurePublicCloud, cmacme.AzureChinaCloud, cmacme.AzureGermanCloud, cmacme.AzureUSGovernmentCloud),
		oneOf(path.Child("zoneType"), p.ZoneType, cmacme.PublicAzureZone, cmacme.PrivateAzureZone),
	)
	identity := path.Child("managedIdentity")
	if p.ClientID != "" || p.TenantID != "" || p.ClientSecret != nil {
		return slices.Concat(all,
			filled(path.Child("clientID"), p.ClientID, "a service principal needs clientID, tenantID and clientSecretSecretRef"),
			filled(path.Child("tenantID"), p.TenantID, "a service principal needs clientID, tenantID and clientSecretSecretRef"),
			secretKey(path.Child("clientSecretSecretRef"), p.ClientSecret),
			apart(identity, p.ManagedIdentity != nil, "a service principal (clientID, tenantID, clientSecretSecretRef)"))
	}
	if m := p.ManagedIdentity; m != nil {
		all = append(all, apart(identity.Child("resourceID"), m.ResourceID != "" && m.ClientID != "", "clientID")...)
		all = append(all, apart(identity.Child("tenantID"), m.TenantID != "" && m.ResourceID != "", "resourceID")...)
		all = append(all, together(identity.Child("clientID"), m.TenantID != "" && m.ClientID == "", "tenantID")...)
	}
	return all
}

func cloudDNS(p *cmacme.ACMEIssuerDNS01ProviderCloudDNS, path *field.Path) field.ErrorList {
	all := filled(path.Child("project"), p.Project, "name the project of the DNS zone")
	if p.ServiceAccount != nil {
		all = append(all, secretKey(path.Child("serviceAccountSecretRef"), p.ServiceAccount)...)
	}
	return all
}

func cloudflare(p *cmacme.ACMEIssuerDNS01ProviderCloudflare, path *field.Path) field.ErrorList {
	all := exactlyOne(path, choice{"apiTokenSecretRef", p.APIToken != nil}, choice{"apiKeySecretRef", p.APIKey != nil})
	if p.APIToken != nil {
		all = append(all, secretKey(path.Child("apiTokenSecretRef"), p.APIToken)...)
	}
	if p.APIKey != nil {
		all = append(all, secretKey(path.Child("apiKeySecretRef"), p.APIKey)...)
		all = append(all, filled(path.Child("email"), p.Email, "an API key needs the e-mail address of its account: give it, or use apiTokenSecretRef")...)
	}
	return all
}

// route53 needs no key at all: the environment may say who we are.
func route53(p *cmacme.ACMEIssuerDNS01ProviderRoute53, path *field.Path) field.ErrorList {
	all := apart(path.Child("accessKeyID"), p.AccessKeyID != "" && p.SecretAccessKeyID != nil, "accessKeyIDSecretRef")
	if p.SecretAccessKeyID != nil {
		all = append(all, secretKey(path.Child("accessKeyIDSecretRef"), p.SecretAccessKeyID)...)
	}
	return all
}

// nameserver is HOST or HOST:PORT, with an IPv6 address in brackets.
var nameserver = regexp.MustCompile(`^([^][:/ ]+|\[[0-9A-Fa-f:.]+\])(:[0-9]{1,5})?$`)

// tsigAlgorithms are written in any case.
var tsigAlgorithms = []string{"HMACMD5", "HMACSHA1", "HMACSHA256", "HMACSHA512"}

func rfc2136(p *cmacme.ACMEIssuerDNS01ProviderRFC2136, path *field.Path) field.ErrorList {
	all := oneOf(path.Child("protocol"), p.Protocol, cmacme.RFC2136UpdateProtocolTCP, cmacme.RFC2136UpdateProtocolUDP)
	if !nameserver.MatchString(p.Nameserver) {
		all = append(all, field.Invalid(path.Child("nameserver"), p.Nameserver, "it is not a server: write it as ns.example.com, 192.0.2.1:53 or [2001:db8::1]:53"))
	}
	all = append(all, oneOf(path.Child("tsigAlgorithm"), strings.ToUpper(p.TSIGAlgorithm), tsigAlgorithms...)...)
	secret := path.Child("tsigSecretSecretRef")
	if p.TSIGKeyName != "" {
		return append(all, secretKey(secret, &p.TSIGSecret)...)
	}
	return append(all, together(path.Child("tsigKeyName"), p.TSIGSecret.Name != "", "tsigSecretSecretRef")...)
}
