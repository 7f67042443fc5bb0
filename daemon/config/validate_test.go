package config

import (
	"strings"
	"testing"
	"time"
)

func TestDefaultIsValid(t *testing.T) {
	if err := Default().Validate(); err != nil {
		t.Error(err)
	}
	if n := Default().Notices(); len(n) > 0 {
		t.Error(n)
	}
}

func TestFaults(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"--kube-api-qps: -1 is below 0":                              func(c *Config) { c.KubeAPIQPS = -1 },
		"--kube-api-burst: -1 is below 0":                            func(c *Config) { c.KubeAPIBurst = -1 },
		"--kube-api-burst: 5 is below --kube-api-qps (10)":           func(c *Config) { c.KubeAPIQPS, c.KubeAPIBurst = 10, 5 },
		`--master: "ftp://a" is not the URL`:                         func(c *Config) { c.Master = "ftp://a" },
		`--namespace: "A_b" is not a name`:                           func(c *Config) { c.Namespaces = []string{"A_b"} },
		`--namespace: "a" is named twice`:                            func(c *Config) { c.Namespaces = []string{"a", "a"} },
		`--cluster-resource-namespace: "" is not a name`:             func(c *Config) { c.ClusterResourceNamespace = "" },
		`there is no controller "certificate"; did you mean "cert`:   func(c *Config) { c.Controllers = []string{"*", "-certificate"} },
		`there is no controller "foo"; there are certificates, `:     func(c *Config) { c.Controllers = []string{"foo"} },
		`"certificates-trigger" cannot be switched off alone, it`:    func(c *Config) { c.Controllers = []string{"*", "-certificates-trigger"} },
		`"-issuers" switches nothing on; begin with *`:               func(c *Config) { c.Controllers = []string{"-issuers"} },
		`--leader-election-lease-name: "a b" is not a name`:          func(c *Config) { c.LeaderElectionLeaseName = "a b" },
		`--leader-election-namespace: "a.b" is not a name`:           func(c *Config) { c.LeaderElectionNamespace = "a.b" },
		"--leader-election-renew-deadline: 1m0s is not shorter":      func(c *Config) { c.LeaderElectionRenewDeadline = time.Minute },
		"--leader-election-retry-period: 35s does not fit":           func(c *Config) { c.LeaderElectionRetryPeriod = 35 * time.Second },
		"--leader-election-retry-period: 0s is no time":              func(c *Config) { c.LeaderElectionRetryPeriod = 0 },
		"--leader-election-lease-duration: 500ms is under 1s":        func(c *Config) { c.LeaderElectionLeaseDuration = 500 * time.Millisecond },
		"--concurrent-workers: 0 would leave nobody":                 func(c *Config) { c.ConcurrentWorkers = 0 },
		"--concurrent-remote-workers: -1 would leave":                func(c *Config) { c.ConcurrentRemoteWorkers = -1 },
		"--shutdown-grace-period: -1s is below 0":                    func(c *Config) { c.ShutdownGracePeriod = -time.Second },
		`--expiry-sweep-schedule: schedule "hourly": `:               func(c *Config) { c.ExpirySweepSchedule = "hourly" },
		`--expiry-sweep-schedule: schedule "0 0 30 2 *" never fires`: func(c *Config) { c.ExpirySweepSchedule = "0 0 30 2 *" },
		`--expiry-sweep-schedule: schedule "TZ=UTC": a time zone`:    func(c *Config) { c.ExpirySweepSchedule = "TZ=UTC" },
		`"@every 5s" comes every 5s; leave at least 1m0s`:            func(c *Config) { c.ExpirySweepSchedule = "@every 5s" },
		"--expiry-sweep-spread: -1s is below 0":                      func(c *Config) { c.ExpirySweepSpread = -time.Second },
		"-minimum-backoff-duration: 0s would try again":              func(c *Config) { c.CertificateRequestMinimumBackoff = 0 },
		"-maximum-backoff-duration: 1m0s is below the minimum":       func(c *Config) { c.CertificateRequestMaximumBackoff = time.Minute },
		"--minimum-certificate-duration: 1s is too short":            func(c *Config) { c.MinimumCertificateDuration = time.Second },
		`--approve-signer-names: "issuers.cert-manager.io" names`:    func(c *Config) { c.ApproveSignerNames = []string{"issuers.cert-manager.io"} },
		`--approve-signer-names: "Issuer.cert-manager.io/a" name`:    func(c *Config) { c.ApproveSignerNames = []string{"Issuer.cert-manager.io/a"} },
		`--approve-signer-names: "*.io/*" names no signer`:           func(c *Config) { c.ApproveSignerNames = []string{"*.io/*"} },
		`--approve-signer-names: "" names no signer`:                 func(c *Config) { c.ApproveSignerNames = []string{""} },
		`--copied-annotation-prefixes: "-" is no prefix`:             func(c *Config) { c.CopiedAnnotationPrefixes = []string{"-"} },
		`--metrics-listen-address: "9402" is not host:port`:          func(c *Config) { c.MetricsListenAddress = "9402" },
		`--healthz-listen-address: "" is not host:port`:              func(c *Config) { c.HealthzListenAddress = "" },
		`--healthz-listen-address: ":99999" is not host:port`:        func(c *Config) { c.HealthzListenAddress = ":99999" },
		"0.0.0.0:9402 is already --metrics-listen-address":           func(c *Config) { c.HealthzListenAddress = c.MetricsListenAddress },
		`--profiler-address: "0" is not host:port`:                   func(c *Config) { c.EnableProfiling, c.ProfilerAddress = true, Off },
		`--logging-format: "xml" is no format; write text or json`:   func(c *Config) { c.LoggingFormat = "xml" },
		"--v: -1 is below 0":                                         func(c *Config) { c.Verbosity = -1 },
		`--vmodule: "a" is not pattern=level`:                        func(c *Config) { c.VModule = "lease=6,a" },
	} {
		c := Default()
		change(&c)
		err := c.Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		} else if !strings.Contains(err.Error(), "; ") && !strings.Contains(err.Error(), "not a name") {
			t.Errorf("no remedy in %q", err)
		}
	}
}

func TestAccepted(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"server without scheme":   func(c *Config) { c.Master = "localhost:8080" },
		"server":                  func(c *Config) { c.Master = "https://[::1]:6443" },
		"lease unused":            func(c *Config) { c.LeaderElect, c.LeaderElectionLeaseDuration = false, 0 },
		"once a day":              func(c *Config) { c.ExpirySweepSchedule = "CRON_TZ=Europe/Berlin 0 3 * * *" },
		"29 February":             func(c *Config) { c.ExpirySweepSchedule = "0 0 29 2 *" },
		"spread beyond the pause": func(c *Config) { c.ExpirySweepSchedule = "*/5 * * * *" },
		"endpoints off":           func(c *Config) { c.MetricsListenAddress, c.HealthzListenAddress = Off, Off },
		"any port":                func(c *Config) { c.MetricsListenAddress, c.HealthzListenAddress = "127.0.0.1:0", "127.0.0.1:0" },
		"signers": func(c *Config) {
			c.ApproveSignerNames = []string{"issuers.cert-manager.io/a.*", "awspcaissuers.awspca.x/b"}
		},
		"nobody approved":           func(c *Config) { c.ApproveSignerNames = nil },
		"nothing copied":            func(c *Config) { c.CopiedAnnotationPrefixes = nil },
		"unused profiler":           func(c *Config) { c.ProfilerAddress = "" },
		"throttle":                  func(c *Config) { c.KubeAPIQPS, c.KubeAPIBurst = 20, 50 },
		"burst alone has no effect": func(c *Config) { c.KubeAPIBurst = 50 },
		"modules":                   func(c *Config) { c.VModule = "lease=6,queue*=4" },
	} {
		c := Default()
		change(&c)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestNotices(t *testing.T) {
	c := Default()
	c.Controllers = []string{"*", "-certificates-metrics", "certificaterequests-issuer-ca", "certificatesigningrequests-issuer-ca"}
	c.EnableProfiling, c.ProfilerAddress = true, "0.0.0.0:6060"
	c.LeaderElect = false
	c.LoggingFormat, c.VModule = JSON, "lease=6"
	if err := c.Validate(); err != nil {
		t.Fatal(err)
	}
	got := strings.Join(c.Notices(), "\n")
	for _, want := range []string{
		"--vmodule has no effect on a log in JSON",
		`"certificates-metrics" stays on, it is part of "certificates"`,
		`"certificaterequests-issuer-ca" is part of "certificaterequests"`,
		`"certificatesigningrequests-issuer-ca" is part of "certificatesigningrequests"`,
		"--profiler-address: 0.0.0.0:6060 is open to others",
		"--leader-elect=false",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no notice %q in:\n%s", want, got)
		}
	}
}
