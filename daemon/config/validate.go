package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strconv"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/util/validation"
)

// Validate returns all faults joined, nil if there are none. Each names its
// option, what is wrong and what would do. It reads no file and no network.
func (c Config) Validate() error {
	var faults []error
	for _, judge := range []func() []error{
		c.clusterFaults, c.scopeFaults, c.leaderFaults, c.shardFaults, c.workFaults,
		c.scheduleFaults, c.certificateFaults, c.challengeFaults, c.http01Faults, c.dns01Faults, c.webhookFaults, c.shimFaults, c.fileFaults, c.servingFaults, c.tracingFaults, c.loggingFaults,
	} {
		faults = append(faults, judge()...)
	}
	return errors.Join(faults...)
}

// Notices returns lines for the log about a valid configuration: what is
// accepted but has no effect, or an effect its owner may not expect.
func (c Config) Notices() []string {
	var notices []string
	for _, entry := range c.Controllers {
		if n := controllerNotice(entry); n != "" {
			notices = append(notices, n)
		}
	}
	notices = append(notices, c.fileNotices()...)
	notices = append(notices, c.shimNotices()...)
	if c.EnableProfiling && !loopback(c.ProfilerAddress) {
		notices = append(notices, "--profiler-address: "+c.ProfilerAddress+" is open to others, and asks nobody who he is; localhost is meant")
	}
	if c.LoggingFormat == JSON && c.VModule != "" {
		notices = append(notices, "--vmodule has no effect on a log in JSON; --v has")
	}
	if !c.LeaderElect {
		notices = append(notices, "--leader-elect=false: nothing keeps another daemon from the same objects")
	}
	return notices
}

// faultIf returns one fault, or none. The text is "--flag: fault; remedy".
func faultIf(wrong bool, format string, args ...any) []error {
	if !wrong {
		return nil
	}
	return []error{fmt.Errorf(format, args...)}
}

func (c Config) clusterFaults() []error {
	faults := faultIf(c.KubeAPIQPS < 0, "--kube-api-qps: %v is below 0; write 0 for no limit", c.KubeAPIQPS)
	faults = append(faults, faultIf(c.KubeAPIBurst < 0, "--kube-api-burst: %d is below 0; write 0 where --kube-api-qps is 0", c.KubeAPIBurst)...)
	faults = append(faults, faultIf(c.KubeAPIQPS > 0 && float32(c.KubeAPIBurst) < c.KubeAPIQPS,
		"--kube-api-burst: %d is below --kube-api-qps (%v); make it at least that", c.KubeAPIBurst, c.KubeAPIQPS)...)
	return append(faults, faultIf(!serverURL(c.Master),
		"--master: %q is not the URL of a server; write for example https://10.0.0.1:6443", c.Master)...)
}

// serverURL accepts what client-go accepts: a URL, or host:port alone.
func serverURL(s string) bool {
	if !strings.Contains(s, "://") {
		return !strings.ContainsAny(s, " \t\n")
	}
	u, err := url.Parse(s)
	return err == nil && u.Host != "" && (u.Scheme == "https" || u.Scheme == "http")
}

func (c Config) scopeFaults() []error {
	var faults []error
	seen := map[string]bool{}
	for _, ns := range c.Namespaces {
		faults = append(faults, nameFaults("namespace", ns, validation.IsDNS1123Label)...)
		faults = append(faults, faultIf(seen[ns], "--namespace: %q is named twice; name it once", ns)...)
		seen[ns] = true
	}
	faults = append(faults, nameFaults("cluster-resource-namespace", c.ClusterResourceNamespace, validation.IsDNS1123Label)...)
	for _, entry := range c.Controllers {
		if err := controllerFault(entry); err != nil {
			faults = append(faults, err)
		}
	}
	return append(faults, faultIf(!c.runsAnything() && c.Mode != Sidecar,
		"--controllers: %q switches nothing on; begin with *, as in *,-certificaterequests-approver", strings.Join(c.Controllers, ","))...)
}

// runsAnything looks past the scope: ClusterIssuers alone in a namespaced
// daemon is a daemon with nothing to do, but each entry of the list is right.
func (c Config) runsAnything() bool {
	for _, name := range Controllers() {
		if c.Runs(name) {
			return true
		}
	}
	return false
}

// nameFaults judges one name by a rule of Kubernetes.
func nameFaults(flag, name string, rule func(string) []string) []error {
	problems := rule(name)
	return faultIf(len(problems) > 0, "--%s: %q is not a name Kubernetes allows: %s", flag, name, strings.Join(problems, "; "))
}

func (c Config) leaderFaults() []error {
	if !c.LeaderElect {
		return nil
	}
	lease, renew, retry := c.LeaderElectionLeaseDuration, c.LeaderElectionRenewDeadline, c.LeaderElectionRetryPeriod
	faults := nameFaults("leader-election-namespace", c.LeaderElectionNamespace, validation.IsDNS1123Label)
	faults = append(faults, nameFaults("leader-election-lease-name", c.LeaderElectionLeaseName, validation.IsDNS1123Subdomain)...)
	faults = append(faults, faultIf(lease < time.Second,
		"--leader-election-lease-duration: %s is under 1s, which a Lease cannot hold; write for example 60s", lease)...)
	faults = append(faults, faultIf(lease <= renew,
		"--leader-election-renew-deadline: %s is not shorter than --leader-election-lease-duration (%s); make it some two thirds of that", renew, lease)...)
	faults = append(faults, faultIf(retry <= 0,
		"--leader-election-retry-period: %s is no time; write for example 15s", retry)...)
	// client-go spreads its retries by up to a fifth and insists on this.
	return append(faults, faultIf(renew <= retry+retry/5,
		"--leader-election-retry-period: %s does not fit into --leader-election-renew-deadline (%s) with the fifth it varies by; make it a third of that", retry, renew)...)
}

func (c Config) workFaults() []error {
	faults := faultIf(c.ConcurrentWorkers < 1, "--concurrent-workers: %d would leave nobody to work; write at least 1", c.ConcurrentWorkers)
	faults = append(faults, faultIf(c.ConcurrentRemoteWorkers < 1,
		"--concurrent-remote-workers: %d would leave nobody to work; write at least 1", c.ConcurrentRemoteWorkers)...)
	return append(faults, faultIf(c.ShutdownGracePeriod < 0,
		"--shutdown-grace-period: %s is below 0; write 0s to wait for nothing", c.ShutdownGracePeriod)...)
}

func (c Config) certificateFaults() []error {
	least, most := c.CertificateRequestMinimumBackoff, c.CertificateRequestMaximumBackoff
	faults := faultIf(least <= 0, "--certificate-request-minimum-backoff-duration: %s would try again without a pause; write for example 1h", least)
	faults = append(faults, faultIf(most < least,
		"--certificate-request-maximum-backoff-duration: %s is below the minimum (%s); make it at least that", most, least)...)
	faults = append(faults, faultIf(c.MinimumCertificateDuration < time.Minute,
		"--minimum-certificate-duration: %s is too short to issue, store and load a certificate in; write at least 1m", c.MinimumCertificateDuration)...)
	for _, pattern := range c.ApproveSignerNames {
		faults = append(faults, signerFaults(pattern)...)
	}
	for _, prefix := range c.CopiedAnnotationPrefixes {
		bad := strings.TrimPrefix(prefix, "-") == "" || prefix == "-*" || strings.ContainsAny(prefix, " \t")
		faults = append(faults, faultIf(bad,
			"--copied-annotation-prefixes: %q is no prefix; write *, a prefix such as example.com/, or one with a minus; an empty list copies nothing", prefix)...)
	}
	return faults
}

// signerFaults judges one pattern of --approve-signer-names.
func signerFaults(pattern string) []error {
	kind, name, found := strings.Cut(strings.TrimSuffix(pattern, "*"), "/")
	plural, group, _ := strings.Cut(kind, ".")
	ok := pattern == "*" ||
		found && plural != "" && group != "" && kind == strings.ToLower(kind) &&
			!strings.ContainsAny(name, "*/ ") && !strings.ContainsAny(kind, "* ") && (name != "" || strings.HasSuffix(pattern, "*"))
	return faultIf(!ok, "--approve-signer-names: %q names no signer; write <plural>.<group>/<name>, for example issuers.cert-manager.io/*, or *", pattern)
}

func (c Config) servingFaults() []error {
	faults := addressFaults("metrics-listen-address", c.MetricsListenAddress, true)
	faults = append(faults, addressFaults("healthz-listen-address", c.HealthzListenAddress, true)...)
	if c.EnableProfiling {
		faults = append(faults, addressFaults("profiler-address", c.ProfilerAddress, false)...)
	}
	return append(faults, faultIf(c.MetricsListenAddress == c.HealthzListenAddress && c.MetricsListenAddress != Off && !strings.HasSuffix(c.MetricsListenAddress, ":0"),
		"--healthz-listen-address: %s is already --metrics-listen-address; give it another port", c.HealthzListenAddress)...)
}

func addressFaults(flag, address string, mayBeOff bool) []error {
	if mayBeOff && address == Off {
		return nil
	}
	_, port, err := net.SplitHostPort(address)
	number, fault := strconv.ParseUint(port, 10, 16)
	return faultIf(err != nil || fault != nil || number > 65535,
		"--%s: %q is not host:port; write for example 0.0.0.0:9402 or [::]:9402%s", flag, address, offHint(mayBeOff))
}

func offHint(mayBeOff bool) string {
	if mayBeOff {
		return ", or " + Off + " for none"
	}
	return ""
}

// loopback reports an address that only this machine reaches.
func loopback(address string) bool {
	host, _, err := net.SplitHostPort(address)
	ip := net.ParseIP(host)
	return err == nil && (host == "localhost" || ip != nil && ip.IsLoopback())
}

func (c Config) loggingFaults() []error {
	faults := faultIf(c.Verbosity < 0, "--v: %d is below 0; write 0 for the least", c.Verbosity)
	faults = append(faults, faultIf(c.LoggingFormat != Text && c.LoggingFormat != JSON,
		"--logging-format: %q is no format; write %s or %s", c.LoggingFormat, Text, JSON)...)
	if c.VModule == "" {
		return faults
	}
	for _, entry := range strings.Split(c.VModule, ",") {
		pattern, level, _ := strings.Cut(entry, "=")
		n, err := strconv.Atoi(level)
		faults = append(faults, faultIf(pattern == "" || err != nil || n < 0,
			"--vmodule: %q is not pattern=level; write for example lease=6", entry)...)
	}
	return faults
}
