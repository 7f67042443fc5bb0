package config

func clusterOptions() []Option {
	const group = "Reaching the cluster"
	return []Option{
		{"kubeconfig", group, "path of a kubeconfig; empty means in-cluster, or KUBECONFIG and ~/.kube/config outside",
			"Give it to a daemon that runs outside the cluster it serves. In a pod leave it empty: the service account's token is renewed for you, a kubeconfig's is not.",
			func(c *Config) any { return &c.Kubeconfig }},
		{"master", group, "URL of the API server; overrides the kubeconfig's",
			"For an API server behind another address than the kubeconfig says. The certificate authority and credentials still come from the kubeconfig.",
			func(c *Config) any { return &c.Master }},
		{"context", group, "context of the kubeconfig; empty is its current one",
			"Name it wherever people also use the kubeconfig: `kubectl config use-context` would otherwise send a restarted daemon to another cluster.",
			func(c *Config) any { return &c.Context }},
		{"kube-api-qps", group, "requests a second to the API server; 0 is no limit",
			"The API server shares its time out fairly by itself (API Priority and Fairness), and a limit here only makes issuance slow: at 20, some 5 certificates a second. Set it for an API server without that.",
			func(c *Config) any { return &c.KubeAPIQPS }},
		{"kube-api-burst", group, "requests that may go at once when --kube-api-qps limits them",
			"Without --kube-api-qps it has no effect. Below the QPS it would be the limit instead, which is refused.",
			func(c *Config) any { return &c.KubeAPIBurst }},
	}
}

func scopeOptions() []Option {
	const group = "What is served"
	return []Option{
		{"namespace", group, "namespaces to serve, repeated or with commas; none is all",
			"For a daemon whose rights end at some namespaces. ClusterIssuers are not served then, for they lie outside them. Two daemons may share a cluster only if no namespace is in both lists and their Leases differ.",
			func(c *Config) any { return &c.Namespaces }},
		{"cluster-resource-namespace", group, "namespace of the Secrets that ClusterIssuers name",
			"Whoever can write Secrets there can sign as any ClusterIssuer: choose one that only administrators write to, such as the daemon's own.",
			func(c *Config) any { return &c.ClusterResourceNamespace }},
		{"controllers", group, "what runs: * for all, a name for one, -name for all but that one",
			"The names are certificates, certificaterequests, certificaterequests-approver, issuers, clusterissuers, certificatesigningrequests, webhookcertificates, cabundles, orders, challenges, ingress-shim, gateway-shim, listenerset-shim and restarts; the last three also take flags of their own. The one to switch off is the approver, as `*,-certificaterequests-approver`, where approver-policy or people decide; with both at work the quicker one wins, and a policy that is sometimes late is none.",
			func(c *Config) any { return &c.Controllers }},
	}
}

func leaderOptions() []Option {
	const group = "Leader election"
	return []Option{
		{"leader-elect", group, "work only while holding the Lease",
			"Without it two daemons (an old and a new pod during a rollout are enough) work on the same objects. Switch it off in tests only.",
			func(c *Config) any { return &c.LeaderElect }},
		{"leader-election-namespace", group, "namespace of the Lease",
			"Give every daemon of a cluster the same one; in two namespaces there are two leaders.",
			func(c *Config) any { return &c.LeaderElectionNamespace }},
		{"leader-election-lease-name", group, "name of the Lease",
			"It is cert-manager's own on purpose: while cert-manager runs, certwright waits, and the other way round, so that the two are never at work at once and a migration is a scale-down. Change it only for daemons that serve different namespaces.",
			func(c *Config) any { return &c.LeaderElectionLeaseName }},
		{"leader-election-lease-duration", group, "how long a silent leader keeps the Lease",
			"It is how long nothing is issued after a leader died without a farewell. Under some 15s a slow API server alone changes the leader.",
			func(c *Config) any { return &c.LeaderElectionLeaseDuration }},
		{"leader-election-renew-deadline", group, "how long a leader tries to renew before it stops",
			"It must be shorter than the lease duration, or the old leader would still work when the new one begins.",
			func(c *Config) any { return &c.LeaderElectionRenewDeadline }},
		{"leader-election-retry-period", group, "time between two tries to get or renew the Lease",
			"At least 1.2 of them must fit into the renew deadline; two and more, if one lost request is not to end a leadership.",
			func(c *Config) any { return &c.LeaderElectionRetryPeriod }},
	}
}

func workOptions() []Option {
	const group = "Work"
	return []Option{
		{"concurrent-workers", group, "workers for what needs only the cluster and the CPU",
			"They share the CPU with key generation: more than some 20 for each core add memory and no speed.",
			func(c *Config) any { return &c.ConcurrentWorkers }},
		{"concurrent-remote-workers", group, "workers for what waits for others (ACME, DNS, Vault)",
			"They mostly wait, so that more of them cost little; but each may hold a connection to the same server.",
			func(c *Config) any { return &c.ConcurrentRemoteWorkers }},
		{"expiry-sweep-schedule", group, "when every certificate is looked at again: cron expression, or @every 1h",
			"Each certificate has its own timer; the sweep catches what a jumping clock or a lost timer missed. Five cron fields in UTC, or in the zone of a leading CRON_TZ=Europe/Berlin. More often than each minute only makes load, and a date that never comes (30 February) is refused.",
			func(c *Config) any { return &c.ExpirySweepSchedule }},
		{"expiry-sweep-spread", group, "time over which a sweep is spread",
			"So that ten thousand certificates are not looked at in one second. It is cut to the shortest pause between two sweeps.",
			func(c *Config) any { return &c.ExpirySweepSpread }},
		{"shutdown-grace-period", group, "time for work in flight after SIGTERM",
			"Keep it under the pod's terminationGracePeriodSeconds, or the kubelet ends the process before it has let go of the Lease, and the next one waits a lease duration.",
			func(c *Config) any { return &c.ShutdownGracePeriod }},
	}
}

func certificateOptions() []Option {
	const group = "Certificates and requests"
	return []Option{
		{"approve-signer-names", group, "signers whose requests are approved, such as issuers.cert-manager.io/*",
			"A signer is `<plural>.<group>/<namespace>.<name>`, or `<plural>.<group>/<name>` without a namespace; * at the end stands for anything. Everything is approved by default, as in cert-manager: any user who may create a CertificateRequest then gets what it asks for. It has no effect where the approver is switched off.",
			func(c *Config) any { return &c.ApproveSignerNames }},
		{"certificate-request-minimum-backoff-duration", group, "wait after the first failed issuance",
			"It doubles with each failure. An issuer with rate limits (Let's Encrypt counts failures by the hour) locks out who sets it to minutes.",
			func(c *Config) any { return &c.CertificateRequestMinimumBackoff }},
		{"certificate-request-maximum-backoff-duration", group, "longest wait between failed issuances",
			"It should stay well below the time between renewal and expiry, or a certificate ends while it waits.",
			func(c *Config) any { return &c.CertificateRequestMaximumBackoff }},
		{"minimum-certificate-duration", group, "shortest spec.duration that is served",
			"Every certificate is issued anew within its duration: a thousand of five minutes are ten issuances a second. Lower it for workloads that want short lives, with that in mind.",
			func(c *Config) any { return &c.MinimumCertificateDuration }},
		{"enable-certificate-owner-ref", group, "delete a Secret together with its Certificate",
			"Off, a Certificate deleted by mistake takes nobody's TLS away, and Secrets stay until somebody removes them. On, deleting a Certificate (also by a Helm uninstall) ends its Secret at once.",
			func(c *Config) any { return &c.EnableCertificateOwnerRef }},
		{"copied-annotation-prefixes", group, "annotations copied from a Certificate to its requests; -prefix excludes",
			"External issuers and policies read them there. The defaults leave out what deployment tools keep on their own objects: copied, Argo CD and Flux would take the requests for their own and delete them.",
			func(c *Config) any { return &c.CopiedAnnotationPrefixes }},
	}
}

func servingOptions() []Option {
	const group = "Serving"
	return []Option{
		{"metrics-listen-address", group, "host:port of /metrics; 0 serves none",
			"The metrics carry the names of certificates and issuers, without TLS: let a NetworkPolicy admit only the collector.",
			func(c *Config) any { return &c.MetricsListenAddress }},
		{"enable-web-page", group, "serve a read-only web page beside /metrics",
			"It shows names, states, messages and times of certificates, issuers, challenges and webhook certificates to whoever reaches the port, never a key; it asks nobody who he is.",
			func(c *Config) any { return &c.EnableWebPage }},
		{"healthz-listen-address", group, "host:port of /livez and /readyz; 0 serves none",
			"The kubelet asks it from the node, so localhost does not do in a pod.",
			func(c *Config) any { return &c.HealthzListenAddress }},
		{"enable-profiling", group, "serve Go's profiles",
			"For hunting a fault. Leave it off otherwise: whoever reaches it can slow the daemon and see what it works on.",
			func(c *Config) any { return &c.EnableProfiling }},
		{"profiler-address", group, "host:port of /debug/pprof",
			"Keep it on localhost and use `kubectl port-forward`: it asks nobody who he is.",
			func(c *Config) any { return &c.ProfilerAddress }},
	}
}

func loggingOptions() []Option {
	const group = "Logging"
	return []Option{
		{"logging-format", group, "text, or json: one object a line",
			"Take json where a collector reads the log: ts is milliseconds since 1970, v the verbosity, msg the event, err the error; the rest are the words of the text form. --vmodule has no effect on it.",
			func(c *Config) any { return &c.LoggingFormat }},
		{"v", group, "verbosity: 0 what an operator acts on, 2 each step, 4 and more for developers",
			"From 4 on, each reconciled object writes lines; a cluster of thousands then writes more log than anything else. Keys and tokens are logged at no level.",
			func(c *Config) any { return &c.Verbosity }},
		{"vmodule", group, "verbosity of single source files: pattern=level, with commas between several",
			"To look into one part without the noise of the others: `--vmodule=lease=6,queue*=4`.",
			func(c *Config) any { return &c.VModule }},
	}
}
