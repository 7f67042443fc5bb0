// Package config is every option of `certwright run`, said once.
//
// [Config] is what the daemon reads. One table ([Options]) ties each of its
// fields to one name, and every other spelling follows from that name by rule:
//
//	flag         --leader-election-lease-duration=60s
//	environment  CERTWRIGHT_LEADER_ELECTION_LEASE_DURATION=60s
//	file         leaderElectionLeaseDuration: 60s
//
// A flag wins over the environment, the environment over the file, the file
// over the default. Whatever the source, a value is read by the same parser
// and judged by the same [Config.Validate], and nothing unknown is passed over
// in silence: a mistyped option is a daemon that does something else than its
// owner believes.
package config

import (
	"time"

	"github.com/certwright/certwright/internal/webhookset"
)

// Config holds the options of one daemon. Start from [Default]: the zero value
// is not usable. Its fields are documented for users in the table of options;
// the comments here are for the code that reads them.
type Config struct {
	// Kubeconfig is a path; empty means in-cluster, or the usual places.
	Kubeconfig string
	// Master is the API server's URL; empty takes it from the kubeconfig.
	Master string
	// Context names a context of the kubeconfig; empty is its current one.
	Context string
	// KubeAPIQPS is requests a second; 0 is no limit. Read it by [Config.Throttle].
	KubeAPIQPS float32
	// KubeAPIBurst is in requests; it counts only when KubeAPIQPS is above 0.
	KubeAPIBurst int

	// Namespaces are the only ones watched; none means all, and cluster-scoped
	// resources with them.
	Namespaces []string
	// ClusterResourceNamespace holds the Secrets that ClusterIssuers name.
	ClusterResourceNamespace string
	// Controllers says what runs. Read it by [Config.Runs].
	Controllers []string

	// LeaderElect is false only where nothing else can be at work.
	LeaderElect bool
	// LeaderElectionNamespace holds the Lease.
	LeaderElectionNamespace string
	// LeaderElectionLeaseName names the Lease.
	LeaderElectionLeaseName string
	// LeaderElectionLeaseDuration is how long a silent leader keeps the Lease.
	LeaderElectionLeaseDuration time.Duration
	// LeaderElectionRenewDeadline is how long a leader tries before it gives up.
	LeaderElectionRenewDeadline time.Duration
	// LeaderElectionRetryPeriod lies between two tries.
	LeaderElectionRetryPeriod time.Duration
	// Shards is in how many parts replicas share the work; 1: they do not.
	Shards int

	// ConcurrentWorkers is the number of workers of the local lane.
	ConcurrentWorkers int
	// ConcurrentRemoteWorkers is the number of workers of the remote lane.
	ConcurrentRemoteWorkers int
	// ExpirySweepSchedule is a cron expression or "@every <duration>".
	ExpirySweepSchedule string
	// ExpirySweepSpread is the time over which one sweep's keys are spread.
	ExpirySweepSpread time.Duration
	// ShutdownGracePeriod is what work in flight gets after a signal.
	ShutdownGracePeriod time.Duration

	// ApproveSignerNames are patterns. Read them by [Config.Approves].
	ApproveSignerNames []string
	// CertificateRequestMinimumBackoff follows the first failed issuance.
	CertificateRequestMinimumBackoff time.Duration
	// CertificateRequestMaximumBackoff bounds the doubling from the minimum.
	CertificateRequestMaximumBackoff time.Duration
	// MinimumCertificateDuration is the shortest spec.duration served.
	MinimumCertificateDuration time.Duration
	// EnableCertificateOwnerRef makes a Secret die with its Certificate.
	EnableCertificateOwnerRef bool
	// CopiedAnnotationPrefixes choose what goes from a Certificate to its
	// requests. Read them by [Config.CopiesAnnotation].
	CopiedAnnotationPrefixes []string

	// Which kinds CA bundles are injected into. They keep the flags' spelling.
	EnableMutatingWebhookConfigurationsInjectable   bool
	EnableValidatingWebhookConfigurationsInjectable bool
	EnableAPIServicesInjectable                     bool
	EnableCustomResourceDefinitionsInjectable       bool

	// Mode is Daemon or Sidecar.
	Mode string
	// OutputDirectory is where the Secrets of OutputSecrets are written. Read
	// them by [Config.Outputs], mode and owner by [Config.OutputFileMode] and
	// [Config.OutputUser].
	OutputDirectory string
	OutputSecrets   []string
	OutputMode      string
	OutputOwner     string
	// OutputRemoveDeleted removes the files of a Secret that is gone.
	OutputRemoveDeleted bool

	// ACMEHTTP01SolverMode is SolverDaemon or SolverPod.
	ACMEHTTP01SolverMode string
	// ACMEHTTP01SolverListenAddress is host:port, or [Off].
	ACMEHTTP01SolverListenAddress string
	// ACMEHTTP01SolverAddress is how others reach it. Read it by [Config.SolverHostPort].
	ACMEHTTP01SolverAddress string
	// ACMEHTTP01SolverNameservers are host:port; none: the system's.
	ACMEHTTP01SolverNameservers []string
	// What solver pods are made of. Read the labels by [Config.SolverLabels].
	ACMEHTTP01SolverImage                 string
	ACMEHTTP01SolverResourceRequestCPU    string
	ACMEHTTP01SolverResourceRequestMemory string
	ACMEHTTP01SolverResourceLimitsCPU     string
	ACMEHTTP01SolverResourceLimitsMemory  string
	ACMEHTTP01SolverRunAsNonRoot          bool
	ACMEHTTP01SolverExtraLabels           []string
	ACMEHTTP01SolverRuntimeClassName      string

	// MaxConcurrentChallenges is how many challenges are at work at a time.
	MaxConcurrentChallenges int
	// DNS01RecursiveNameservers are resolvers. Read them by [Config.Resolvers].
	DNS01RecursiveNameservers []string
	// DNS01RecursiveNameserversOnly asks nobody else.
	DNS01RecursiveNameserversOnly bool
	// DNS01CheckRetryPeriod lies between two self checks of any challenge.
	DNS01CheckRetryPeriod time.Duration

	// What asks for Certificates by annotation. Read the switches by [Config.Runs].
	DefaultIssuerName           string
	DefaultIssuerKind           string
	DefaultIssuerGroup          string
	AutoCertificateAnnotations  []string
	ExtraCertificateAnnotations []string
	EnableGatewayAPI            bool
	EnableGatewayAPIListenerSet bool
	GatewayAPIExtraProtocols    []string
	// EnableRestartOnRenewal has workloads restarted; see [Config.Runs].
	EnableRestartOnRenewal bool

	// WebhookSets come from the file alone.
	WebhookSets []webhookset.Set

	// MetricsListenAddress is host:port, or [Off].
	MetricsListenAddress string
	// EnableWebPage serves a page for people beside the metrics.
	EnableWebPage bool
	// HealthzListenAddress is host:port, or [Off].
	HealthzListenAddress string
	// TracingEndpoint is the URL of a collector of OpenTelemetry traces, or empty.
	TracingEndpoint string
	// TracingSampleRatio is how many of all traces are sent, from 0 to 1.
	TracingSampleRatio float32
	// EnableProfiling serves net/http/pprof at ProfilerAddress.
	EnableProfiling bool
	// ProfilerAddress is host:port.
	ProfilerAddress string

	// IssuerAmbientCredentials and ClusterIssuerAmbientCredentials let issuers
	// of that kind take cloud credentials from the daemon's surroundings.
	IssuerAmbientCredentials        bool
	ClusterIssuerAmbientCredentials bool

	// LoggingFormat is [Text] or [JSON].
	LoggingFormat string
	// Verbosity is klog's -v.
	Verbosity int
	// VModule is klog's -vmodule: pattern=level,...
	VModule string
}

// The formats of the log.
const (
	Text = "text"
	JSON = "json"
)

// Off as a listen address serves nothing.
const Off = "0"

// Default returns the options of a daemon that was told nothing.
func Default() Config {
	return Config{
		ClusterResourceNamespace: "kube-system",
		Controllers:              []string{"*"},

		LeaderElect:                 true,
		LeaderElectionNamespace:     "kube-system",
		LeaderElectionLeaseName:     "cert-manager-controller",
		LeaderElectionLeaseDuration: 60 * time.Second,
		LeaderElectionRenewDeadline: 40 * time.Second,
		LeaderElectionRetryPeriod:   15 * time.Second,
		Shards:                      1,

		ConcurrentWorkers:       16,
		ConcurrentRemoteWorkers: 64,
		ExpirySweepSchedule:     "@every 1h",
		ExpirySweepSpread:       10 * time.Minute,
		ShutdownGracePeriod:     30 * time.Second,

		ApproveSignerNames:               []string{"*"},
		CertificateRequestMinimumBackoff: time.Hour,
		CertificateRequestMaximumBackoff: 32 * time.Hour,
		MinimumCertificateDuration:       time.Hour,
		CopiedAnnotationPrefixes: []string{
			"*", "-kubectl.kubernetes.io/", "-fluxcd.io/", "-argocd.argoproj.io/",
		},

		Mode:       Daemon,
		OutputMode: "0600",

		EnableMutatingWebhookConfigurationsInjectable:   true,
		EnableValidatingWebhookConfigurationsInjectable: true,
		EnableAPIServicesInjectable:                     true,
		EnableCustomResourceDefinitionsInjectable:       true,

		ACMEHTTP01SolverMode:                  SolverDaemon,
		ACMEHTTP01SolverListenAddress:         ":8089",
		ACMEHTTP01SolverResourceRequestCPU:    "10m",
		ACMEHTTP01SolverResourceRequestMemory: "64Mi",
		ACMEHTTP01SolverResourceLimitsCPU:     "100m",
		ACMEHTTP01SolverResourceLimitsMemory:  "64Mi",
		ACMEHTTP01SolverRunAsNonRoot:          true,

		MaxConcurrentChallenges: defaultMaxChallenges,

		DNS01CheckRetryPeriod: 10 * time.Second,

		DefaultIssuerKind:          "Issuer",
		DefaultIssuerGroup:         "cert-manager.io",
		AutoCertificateAnnotations: []string{"kubernetes.io/tls-acme"},

		MetricsListenAddress: "0.0.0.0:9402",
		EnableWebPage:        true,
		HealthzListenAddress: "0.0.0.0:9403",
		ProfilerAddress:      "localhost:6060",
		LoggingFormat:        Text,
		TracingSampleRatio:   1,

		ClusterIssuerAmbientCredentials: true,
	}
}
