package config

func injectionOptions() []Option {
	const group = "CA bundles"
	const why = "Only objects with an annotation cert-manager.io/inject-ca-from, inject-ca-from-secret or inject-apiserver-ca are changed, and of the others nothing is kept in memory. Switch it off where another program injects, or where certwright shall not have the right. A daemon of some namespaces (--namespace) injects nothing: these objects lie outside all of them."
	return []Option{
		{"enable-mutatingwebhookconfigurations-injectable", group, "inject CA bundles into MutatingWebhookConfigurations", why,
			func(c *Config) any { return &c.EnableMutatingWebhookConfigurationsInjectable }},
		{"enable-validatingwebhookconfigurations-injectable", group, "inject CA bundles into ValidatingWebhookConfigurations", why,
			func(c *Config) any { return &c.EnableValidatingWebhookConfigurationsInjectable }},
		{"enable-apiservices-injectable", group, "inject CA bundles into APIServices", why,
			func(c *Config) any { return &c.EnableAPIServicesInjectable }},
		{"enable-customresourcedefinitions-injectable", group, "inject CA bundles into the conversion webhooks of CustomResourceDefinitions", why,
			func(c *Config) any { return &c.EnableCustomResourceDefinitionsInjectable }},
	}
}
