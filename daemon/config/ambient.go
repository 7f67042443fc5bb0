package config

func ambientOptions() []Option {
	const group = "Issuers"
	return []Option{
		{"issuer-ambient-credentials", group, "let Issuers take cloud credentials from the daemon's surroundings",
			"Whoever may create an Issuer could then use the rights of the daemon's pod or node. Leave it off where namespaces belong to different people; give the Issuer a service account or a Secret instead.",
			func(c *Config) any { return &c.IssuerAmbientCredentials }},
		{"cluster-issuer-ambient-credentials", group, "let ClusterIssuers take cloud credentials from the daemon's surroundings",
			"ClusterIssuers are made by administrators, so this is on: the AWS role of the daemon's pod, for example, serves Vault's aws login and Route 53.",
			func(c *Config) any { return &c.ClusterIssuerAmbientCredentials }},
	}
}
