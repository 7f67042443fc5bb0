package admission

import (
	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
)

// dns01 is the case of a second solver with this provider.
func dns01(name, field string, d cmacme.ACMEChallengeSolverDNS01) Case {
	return solver("DNS01 "+name, under("dns01", field), cmacme.ACMEChallengeSolver{DNS01: &d})
}

func azure(name, field string, p cmacme.ACMEIssuerDNS01ProviderAzureDNS) Case {
	p.SubscriptionID, p.ResourceGroupName = "subscription", "dns"
	return dns01("azureDNS "+name, under("azureDNS", field), cmacme.ACMEChallengeSolverDNS01{AzureDNS: &p})
}

func cloudflare(name, field string, p cmacme.ACMEIssuerDNS01ProviderCloudflare) Case {
	return dns01("cloudflare "+name, under("cloudflare", field), cmacme.ACMEChallengeSolverDNS01{Cloudflare: &p})
}

func rfc2136(name, field string, p cmacme.ACMEIssuerDNS01ProviderRFC2136) Case {
	return dns01("rfc2136 "+name, under("rfc2136", field), cmacme.ACMEChallengeSolverDNS01{RFC2136: &p})
}

func route53(name, field string, p cmacme.ACMEIssuerDNS01ProviderRoute53) Case {
	return dns01("route53 "+name, under("route53", field), cmacme.ACMEChallengeSolverDNS01{Route53: &p})
}

// akamai has three Secrets.
func akamai(name, field string, edit func(*cmacme.ACMEIssuerDNS01ProviderAkamai)) Case {
	p := &cmacme.ACMEIssuerDNS01ProviderAkamai{ServiceConsumerDomain: "akab.luna.akamaiapis.net",
		ClientToken: secretRef("a", "b"), ClientSecret: secretRef("a", "b"), AccessToken: secretRef("a", "b")}
	edit(p)
	return dns01("akamai "+name, under("akamai", field), cmacme.ACMEChallengeSolverDNS01{Akamai: p})
}

func acmeDNS(name, field, host, secret, key string) Case {
	p := &cmacme.ACMEIssuerDNS01ProviderAcmeDNS{Host: host, AccountSecret: secretRef(secret, key)}
	return dns01("acmeDNS "+name, under("acmeDNS", field), cmacme.ACMEChallengeSolverDNS01{AcmeDNS: p})
}

func digitalOcean(name, field, secret, key string) Case {
	p := &cmacme.ACMEIssuerDNS01ProviderDigitalOcean{Token: secretRef(secret, key)}
	return dns01("digitalocean "+name, under("digitalocean", field), cmacme.ACMEChallengeSolverDNS01{DigitalOcean: p})
}

func cloudDNS(name, field string, p cmacme.ACMEIssuerDNS01ProviderCloudDNS) Case {
	return dns01("cloudDNS "+name, under("cloudDNS", field), cmacme.ACMEChallengeSolverDNS01{CloudDNS: &p})
}

func providers() []Case {
	webhook := &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: "acme.example.com", SolverName: "dns"}
	ocean := &cmacme.ACMEIssuerDNS01ProviderDigitalOcean{Token: secretRef("a", "b")}
	full := cmacme.ACMEIssuerDNS01ProviderAzureDNS{ClientID: "client", TenantID: "tenant", ClientSecret: secretPtr("a", "b")}
	both := full
	both.ManagedIdentity = &cmacme.AzureManagedIdentity{}
	return []Case{
		dns01("none", ".", cmacme.ACMEChallengeSolverDNS01{}),
		dns01("two", ".", cmacme.ACMEChallengeSolverDNS01{Webhook: webhook, DigitalOcean: ocean}),
		dns01("following CNAMEs", "", cmacme.ACMEChallengeSolverDNS01{Webhook: webhook, CNAMEStrategy: "Follow"}),
		dns01("following everything", "cnameStrategy", cmacme.ACMEChallengeSolverDNS01{Webhook: webhook, CNAMEStrategy: "All"}),
		dns01("webhook without a solver", "webhook.solverName", cmacme.ACMEChallengeSolverDNS01{Webhook: &cmacme.ACMEIssuerDNS01ProviderWebhook{GroupName: "a"}}),

		acmeDNS("complete", "", "https://auth.example.com", "a", "b"),
		acmeDNS("without a host", "host", "", "a", "b"),
		acmeDNS("without a Secret", "accountSecretRef.name", "https://auth.example.com", "", "b"),
		acmeDNS("without a key", "accountSecretRef.key", "https://auth.example.com", "a", ""),

		akamai("complete", "", func(*cmacme.ACMEIssuerDNS01ProviderAkamai) {}),
		akamai("without a domain", "serviceConsumerDomain", func(p *cmacme.ACMEIssuerDNS01ProviderAkamai) { p.ServiceConsumerDomain = "" }),
		akamai("without a client token", "clientTokenSecretRef.key", func(p *cmacme.ACMEIssuerDNS01ProviderAkamai) { p.ClientToken.Key = "" }),
		akamai("without a client secret", "clientSecretSecretRef.name", func(p *cmacme.ACMEIssuerDNS01ProviderAkamai) { p.ClientSecret.Name = "" }),
		akamai("without an access token", "accessTokenSecretRef.key", func(p *cmacme.ACMEIssuerDNS01ProviderAkamai) { p.AccessToken.Key = "" }),

		azure("by the environment", "", cmacme.ACMEIssuerDNS01ProviderAzureDNS{Environment: "AzureChinaCloud", ZoneType: "AzurePrivateZone"}),
		azure("of an unknown cloud", "environment", cmacme.ACMEIssuerDNS01ProviderAzureDNS{Environment: "AzureMoonCloud"}),
		azure("of an unknown zone", "zoneType", cmacme.ACMEIssuerDNS01ProviderAzureDNS{ZoneType: "AzureZone"}),
		dns01("azureDNS without a subscription", "azureDNS.subscriptionID", cmacme.ACMEChallengeSolverDNS01{AzureDNS: &cmacme.ACMEIssuerDNS01ProviderAzureDNS{ResourceGroupName: "dns"}}),
		dns01("azureDNS without a group", "azureDNS.resourceGroupName", cmacme.ACMEChallengeSolverDNS01{AzureDNS: &cmacme.ACMEIssuerDNS01ProviderAzureDNS{SubscriptionID: "a"}}),
		azure("by a service principal", "", full),
		azure("by a principal without a client", "clientID", cmacme.ACMEIssuerDNS01ProviderAzureDNS{TenantID: "tenant", ClientSecret: secretPtr("a", "b")}),
		azure("by a principal without a tenant", "tenantID", cmacme.ACMEIssuerDNS01ProviderAzureDNS{ClientID: "client", ClientSecret: secretPtr("a", "b")}),
		azure("by a principal without a Secret", "clientSecretSecretRef.name", cmacme.ACMEIssuerDNS01ProviderAzureDNS{ClientID: "client", TenantID: "tenant"}),
		azure("by a principal without a key", "clientSecretSecretRef.key", cmacme.ACMEIssuerDNS01ProviderAzureDNS{ClientID: "client", TenantID: "tenant", ClientSecret: secretPtr("a", "")}),
		azure("by a principal and an identity", "managedIdentity", both),
		azure("by an identity's client", "", cmacme.ACMEIssuerDNS01ProviderAzureDNS{ManagedIdentity: &cmacme.AzureManagedIdentity{ClientID: "client", TenantID: "tenant"}}),
		azure("by two identities", "managedIdentity.resourceID", cmacme.ACMEIssuerDNS01ProviderAzureDNS{ManagedIdentity: &cmacme.AzureManagedIdentity{ClientID: "client", ResourceID: "resource"}}),
		azure("by a resource of a tenant", "managedIdentity.tenantID", cmacme.ACMEIssuerDNS01ProviderAzureDNS{ManagedIdentity: &cmacme.AzureManagedIdentity{TenantID: "tenant", ResourceID: "resource"}}),
		azure("by a tenant only", "managedIdentity.clientID", cmacme.ACMEIssuerDNS01ProviderAzureDNS{ManagedIdentity: &cmacme.AzureManagedIdentity{TenantID: "tenant"}}),

		cloudDNS("by the environment", "", cmacme.ACMEIssuerDNS01ProviderCloudDNS{Project: "dns"}),
		cloudDNS("without a project", "project", cmacme.ACMEIssuerDNS01ProviderCloudDNS{}),
		cloudDNS("without a key", "serviceAccountSecretRef.key", cmacme.ACMEIssuerDNS01ProviderCloudDNS{Project: "dns", ServiceAccount: secretPtr("a", "")}),

		cloudflare("by token", "", cmacme.ACMEIssuerDNS01ProviderCloudflare{APIToken: secretPtr("a", "b")}),
		cloudflare("by key", "", cmacme.ACMEIssuerDNS01ProviderCloudflare{APIKey: secretPtr("a", "b"), Email: "ops@example.com"}),
		cloudflare("by key without an address", "email", cmacme.ACMEIssuerDNS01ProviderCloudflare{APIKey: secretPtr("a", "b")}),
		cloudflare("by both", ".", cmacme.ACMEIssuerDNS01ProviderCloudflare{APIKey: secretPtr("a", "b"), APIToken: secretPtr("a", "b"), Email: "ops@example.com"}),
		cloudflare("by neither", ".", cmacme.ACMEIssuerDNS01ProviderCloudflare{}),
		cloudflare("by half a token", "apiTokenSecretRef.name", cmacme.ACMEIssuerDNS01ProviderCloudflare{APIToken: secretPtr("", "b")}),
		cloudflare("by half a key", "apiKeySecretRef.key", cmacme.ACMEIssuerDNS01ProviderCloudflare{APIKey: secretPtr("a", ""), Email: "ops@example.com"}),

		digitalOcean("complete", "", "a", "b"),
		digitalOcean("without a Secret", "tokenSecretRef.name", "", "b"),

		rfc2136("by host", "", cmacme.ACMEIssuerDNS01ProviderRFC2136{Nameserver: "ns.example.com"}),
		rfc2136("by address, signed", "", cmacme.ACMEIssuerDNS01ProviderRFC2136{Nameserver: "[2001:db8::1]:53", TSIGKeyName: "key", TSIGSecret: secretRef("a", "b"), TSIGAlgorithm: "hmacsha512", Protocol: "TCP"}),
		rfc2136("without a server", "nameserver", cmacme.ACMEIssuerDNS01ProviderRFC2136{}),
		rfc2136("with a port only", "nameserver", cmacme.ACMEIssuerDNS01ProviderRFC2136{Nameserver: ":53"}),
		rfc2136("by a bare address of version 6", "nameserver", cmacme.ACMEIssuerDNS01ProviderRFC2136{Nameserver: "2001:db8::1"}),
		rfc2136("by carrier pigeon", "protocol", cmacme.ACMEIssuerDNS01ProviderRFC2136{Nameserver: "ns.example.com", Protocol: "IPoAC"}),
		rfc2136("with an unknown algorithm", "tsigAlgorithm", cmacme.ACMEIssuerDNS01ProviderRFC2136{Nameserver: "ns.example.com", TSIGAlgorithm: "HMACSHA3"}),
		rfc2136("without a Secret", "tsigSecretSecretRef.name", cmacme.ACMEIssuerDNS01ProviderRFC2136{Nameserver: "ns.example.com", TSIGKeyName: "key"}),
		rfc2136("without a key's name", "tsigKeyName", cmacme.ACMEIssuerDNS01ProviderRFC2136{Nameserver: "ns.example.com", TSIGSecret: secretRef("a", "b")}),

		route53("by the environment", "", cmacme.ACMEIssuerDNS01ProviderRoute53{Region: "eu-central-1"}),
		route53("by key", "", cmacme.ACMEIssuerDNS01ProviderRoute53{AccessKeyID: "AKIA", SecretAccessKey: secretRef("a", "b")}),
		route53("by two ids", "accessKeyID", cmacme.ACMEIssuerDNS01ProviderRoute53{AccessKeyID: "AKIA", SecretAccessKeyID: secretPtr("a", "b"), SecretAccessKey: secretRef("a", "b")}),
		route53("by half an id", "accessKeyIDSecretRef.key", cmacme.ACMEIssuerDNS01ProviderRoute53{SecretAccessKeyID: secretPtr("a", ""), SecretAccessKey: secretRef("a", "b")}),
	}
}
