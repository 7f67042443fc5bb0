package config

import (
	"slices"
	"strings"

	"k8s.io/apimachinery/pkg/util/validation"
)

func shimOptions() []Option {
	const group = "Certificates by annotation"
	const gateway = "Gateways of gateway.networking.k8s.io/v1 are watched as soon as that API is there, whenever it is installed. Leave it off where there is none: it would be asked for again and again."
	return []Option{
		{"default-issuer-name", group, "issuer of Ingresses that ask for a certificate without naming one",
			"Those are the ones with an annotation of --auto-certificate-annotations, such as kubernetes.io/tls-acme: \"true\". Without a default they get an event and no certificate.",
			func(c *Config) any { return &c.DefaultIssuerName }},
		{"default-issuer-kind", group, "kind of that issuer",
			"With Issuer it is looked for in the namespace of each Ingress, so that every namespace needs one of that name; ClusterIssuer is the same everywhere.",
			func(c *Config) any { return &c.DefaultIssuerKind }},
		{"default-issuer-group", group, "group of issuers for which no annotation names one",
			"It counts also where an annotation names the issuer, as in cert-manager: set it only where all Ingresses use the same external issuer.",
			func(c *Config) any { return &c.DefaultIssuerGroup }},
		{"auto-certificate-annotations", group, "annotations that, when true, ask for a certificate of the default issuer",
			"They count on Ingresses only. Nobody gets a certificate who did not ask for it; take out kubernetes.io/tls-acme where old manifests carry it without meaning it.",
			func(c *Config) any { return &c.AutoCertificateAnnotations }},
		{"extra-certificate-annotations", group, "annotations copied from an Ingress, Gateway or ListenerSet to its Certificates",
			"For external issuers and policies that read Certificates, such as venafi.cert-manager.io/custom-fields. What is named here is kept in step on Certificates made by annotation: one set there by hand is taken out.",
			func(c *Config) any { return &c.ExtraCertificateAnnotations }},
		{"enable-gateway-api", group, "make Certificates for annotated Gateways", gateway,
			func(c *Config) any { return &c.EnableGatewayAPI }},
		{"enable-gateway-api-listenerset", group, "make Certificates for ListenerSets, which take the issuer of their Gateway",
			"It takes --enable-gateway-api as well. Whoever may make ListenerSets then gets certificates of the Gateway's issuer for any name: say in the Gateway whose ListenerSets it allows.",
			func(c *Config) any { return &c.EnableGatewayAPIListenerSet }},
		{"gateway-api-extra-protocols", group, "protocols of listeners, besides HTTPS and TLS, that end TLS",
			"For Gateways with protocols of their own, such as example.com/mqtts. They are compared as they are written.",
			func(c *Config) any { return &c.GatewayAPIExtraProtocols }},
		{"enable-restart-on-renewal", group, "restart annotated workloads when a certificate that they use is renewed",
			"For programs that read their certificate only when they start: Deployments, StatefulSets and DaemonSets with certwright.dev/restart-on-renewal: \"true\". It takes the right to patch workloads, which is as much as to run anything in the cluster; that is why it is off, and its right is in a file of its own (deploy/rbac/restarts).",
			func(c *Config) any { return &c.EnableRestartOnRenewal }},
	}
}

func (c Config) shimFaults() []error {
	kind := c.DefaultIssuerKind
	own := c.DefaultIssuerGroup == "" || c.DefaultIssuerGroup == "cert-manager.io"
	faults := faultIf(own && kind != "Issuer" && kind != "ClusterIssuer",
		"--default-issuer-kind: %q is no kind of cert-manager.io; write Issuer or ClusterIssuer, or name its group with --default-issuer-group", kind)
	if c.DefaultIssuerName != "" {
		faults = append(faults, nameFaults("default-issuer-name", c.DefaultIssuerName, validation.IsDNS1123Subdomain)...)
	}
	for _, list := range []struct {
		flag string
		keys []string
	}{{"auto-certificate-annotations", c.AutoCertificateAnnotations}, {"extra-certificate-annotations", c.ExtraCertificateAnnotations}} {
		for _, key := range list.keys {
			faults = append(faults, nameFaults(list.flag, strings.ToLower(key), validation.IsQualifiedName)...)
		}
	}
	bad := slices.ContainsFunc(c.GatewayAPIExtraProtocols, func(p string) bool { return p == "" || strings.ContainsAny(p, " \t") })
	return append(faults, faultIf(bad, "--gateway-api-extra-protocols: %q has an entry that is no protocol; write for example example.com/mqtts", strings.Join(c.GatewayAPIExtraProtocols, ","))...)
}

// shimNotices name what has no effect alone.
func (c Config) shimNotices() []string {
	if c.EnableGatewayAPIListenerSet && !c.EnableGatewayAPI {
		return []string{"--enable-gateway-api-listenerset has no effect without --enable-gateway-api"}
	}
	return nil
}

// shimRuns reports whether the flags allow a part that they switch.
func (c Config) shimRuns(name Controller) bool {
	switch name {
	case GatewayShim:
		return c.EnableGatewayAPI
	case ListenerSetShim:
		return c.EnableGatewayAPI && c.EnableGatewayAPIListenerSet
	case Restarts:
		return c.EnableRestartOnRenewal
	default:
		return true
	}
}
