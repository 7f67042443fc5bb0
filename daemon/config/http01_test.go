package config

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestHTTP01Faults(t *testing.T) {
	for want, change := range map[string]func(*Config){
		`--acme-http01-solver-mode: there is no "job"`:                     func(c *Config) { c.ACMEHTTP01SolverMode = "job" },
		`-listen-address: "8089" is not host:port`:                         func(c *Config) { c.ACMEHTTP01SolverListenAddress = "8089" },
		`-listen-address: :9402 is the port of --metrics-listen-addr`:      func(c *Config) { c.ACMEHTTP01SolverListenAddress = ":9402" },
		`-listen-address: [::1]:9403 is the port of --healthz-li`:          func(c *Config) { c.ACMEHTTP01SolverListenAddress = "[::1]:9403" },
		`-address: 127.0.0.1 cannot be an endpoint in Kubernetes`:          func(c *Config) { c.ACMEHTTP01SolverAddress = "127.0.0.1:8089" },
		`-address: ::1 cannot be an endpoint in Kubernetes`:                func(c *Config) { c.ACMEHTTP01SolverAddress = "::1" },
		`-address: ::ffff:127.0.0.1 cannot be an endpoint`:                 func(c *Config) { c.ACMEHTTP01SolverAddress = "[::ffff:127.0.0.1]:80" },
		`-address: 169.254.1.1 cannot be an endpoint`:                      func(c *Config) { c.ACMEHTTP01SolverAddress = "169.254.1.1" },
		`-address: 0.0.0.0 cannot be an endpoint`:                          func(c *Config) { c.ACMEHTTP01SolverAddress = "0.0.0.0" },
		`-address: "a_b/" is neither an IP address nor a DNS name`:         func(c *Config) { c.ACMEHTTP01SolverAddress = "a_b/" },
		`-address: "http://solver" has no usable port`:                     func(c *Config) { c.ACMEHTTP01SolverAddress = "http://solver" },
		`-address: "solver.example.com:http" has no usable port`:           func(c *Config) { c.ACMEHTTP01SolverAddress = "solver.example.com:http" },
		`-nameservers: "8.8.8.8" is not host:port`:                         func(c *Config) { c.ACMEHTTP01SolverNameservers = []string{"8.8.8.8"} },
		`-image: --acme-http01-solver-mode=pod needs an image`:             func(c *Config) { c.ACMEHTTP01SolverMode = SolverPod },
		`-request-cpu: "much" is no quantity`:                              func(c *Config) { c.ACMEHTTP01SolverResourceRequestCPU = "much" },
		`-limits-memory: "" is no quantity`:                                func(c *Config) { c.ACMEHTTP01SolverResourceLimitsMemory = "" },
		`-limits-memory: 64Mi is below what is requested (1Gi)`:            func(c *Config) { c.ACMEHTTP01SolverResourceRequestMemory = "1Gi" },
		`-extra-labels: "team" is no label`:                                func(c *Config) { c.ACMEHTTP01SolverExtraLabels = []string{"team"} },
		`-extra-labels: "a b=c" is no label`:                               func(c *Config) { c.ACMEHTTP01SolverExtraLabels = []string{"a b=c"} },
		`--acme-http01-solver-runtime-class-name: "A_b" is not a name Kub`: func(c *Config) { c.ACMEHTTP01SolverRuntimeClassName = "A_b" },
	} {
		c := Default()
		change(&c)
		if err := c.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want %q, got %v", want, err)
		} else if !strings.Contains(err.Error(), "; ") && !strings.Contains(err.Error(), "not a name") {
			t.Errorf("no remedy in %q", err)
		}
	}
}

func TestHTTP01Accepted(t *testing.T) {
	for name, change := range map[string]func(*Config){
		"off":              func(c *Config) { c.ACMEHTTP01SolverListenAddress = Off },
		"any port":         func(c *Config) { c.ACMEHTTP01SolverListenAddress = "127.0.0.1:0" },
		"address":          func(c *Config) { c.ACMEHTTP01SolverAddress = "192.0.2.10" },
		"IPv6":             func(c *Config) { c.ACMEHTTP01SolverAddress = "2001:db8::1" },
		"IPv6 with a port": func(c *Config) { c.ACMEHTTP01SolverAddress = "[2001:db8::1]:80" },
		"name":             func(c *Config) { c.ACMEHTTP01SolverAddress = "localhost" },
		"name with a port": func(c *Config) { c.ACMEHTTP01SolverAddress = "solver.example.com.:8089" },
		"nameservers":      func(c *Config) { c.ACMEHTTP01SolverNameservers = []string{"8.8.8.8:53", "[2001:db8::53]:53"} },
		"pods": func(c *Config) {
			c.ACMEHTTP01SolverMode, c.ACMEHTTP01SolverImage = SolverPod, "example.com/certwright:v1"
		},
		"no limit": func(c *Config) { c.ACMEHTTP01SolverResourceRequestCPU, c.ACMEHTTP01SolverResourceLimitsCPU = "0", "0" },
	} {
		c := Default()
		change(&c)
		if err := c.Validate(); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSolverHostPort(t *testing.T) {
	for address, want := range map[string]struct {
		host string
		port int
	}{
		"":                  {"", 0},
		"192.0.2.10":        {"192.0.2.10", 0},
		"192.0.2.10:80":     {"192.0.2.10", 80},
		"2001:db8::1":       {"2001:db8::1", 0},
		"[2001:db8::1]":     {"2001:db8::1", 0},
		"[2001:db8::1]:81":  {"2001:db8::1", 81},
		"a.example.com:443": {"a.example.com", 443},
		"a.example.com":     {"a.example.com", 0},
	} {
		if host, port := (Config{ACMEHTTP01SolverAddress: address}).SolverHostPort(); host != want.host || port != want.port {
			t.Errorf("%q: got %q, %d", address, host, port)
		}
	}
}

func TestSolverLabels(t *testing.T) {
	c := Config{ACMEHTTP01SolverExtraLabels: []string{"team=web", "empty=", " a.b/c = d "}}
	if diff := cmp.Diff(map[string]string{"team": "web", "empty": "", "a.b/c": "d"}, c.SolverLabels()); diff != "" {
		t.Error(diff)
	}
}
