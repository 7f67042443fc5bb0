package config

import (
	"net"
	"net/netip"
	"slices"
	"strconv"
	"strings"

	"k8s.io/apimachinery/pkg/api/resource"
	"k8s.io/apimachinery/pkg/util/validation"
)

// Who answers the requests of HTTP-01 validation.
const (
	// SolverDaemon has the daemon itself answer.
	SolverDaemon = "daemon"
	// SolverPod has a pod answer for each challenge.
	SolverPod = "pod"
)

func http01Options() []Option {
	const group = "HTTP-01 challenges"
	return []Option{
		{"acme-http01-solver-mode", group, "who answers HTTP-01 validation: daemon, or pod for a pod of each challenge",
			"The daemon answers without starting anything: no image to pull, no pod to wait for. Choose pod where the ingress controller cannot reach the daemon. A solver with a podTemplate gets its pod in either mode, because its author wanted one.",
			func(c *Config) any { return &c.ACMEHTTP01SolverMode }},
		{"acme-http01-solver-listen-address", group, "host:port where the daemon answers HTTP-01 validation, or 0 for nowhere",
			"Every replica answers, also one that stands by. It tells nothing but the key authorizations of challenges under way, so it may be open to the whole pod network; ingress controllers must be able to reach it.",
			func(c *Config) any { return &c.ACMEHTTP01SolverListenAddress }},
		{"acme-http01-solver-address", group, "IP address or DNS name, with or without a port, by which ingress controllers reach --acme-http01-solver-listen-address",
			"In a pod leave it empty and set the environment variable POD_IP to status.podIP by the downward API. Outside the cluster, name an address of this machine that the cluster reaches. A DNS name becomes a Service of type ExternalName, which not every ingress controller follows (traefik takes allowExternalNameServices) and no Gateway does; an IP address becomes an EndpointSlice, which may not be a loopback address. Without a port, that of the listen address counts.",
			func(c *Config) any { return &c.ACMEHTTP01SolverAddress }},
		{"acme-http01-solver-nameservers", group, "DNS servers, host:port, that the HTTP-01 self check asks; none: the system's",
			"For a cluster whose own DNS answers the names otherwise than the Internet's does, so that the self check goes where the ACME server will go.",
			func(c *Config) any { return &c.ACMEHTTP01SolverNameservers }},
		{"acme-http01-solver-image", group, "image of solver pods; needed only where pods answer",
			"Name the image that the daemon itself runs from: `certwright solve` is in it.",
			func(c *Config) any { return &c.ACMEHTTP01SolverImage }},
		{"acme-http01-solver-resource-request-cpu", group, "CPU that a solver pod requests",
			"A solver pod answers a handful of requests in its life: raise it only where a LimitRange asks for more.",
			func(c *Config) any { return &c.ACMEHTTP01SolverResourceRequestCPU }},
		{"acme-http01-solver-resource-request-memory", group, "memory that a solver pod requests",
			"A solver pod needs some 15Mi: raise it only where a LimitRange asks for more.",
			func(c *Config) any { return &c.ACMEHTTP01SolverResourceRequestMemory }},
		{"acme-http01-solver-resource-limits-cpu", group, "CPU that a solver pod may use",
			"It must not be below what is requested, or the API server refuses the pod.",
			func(c *Config) any { return &c.ACMEHTTP01SolverResourceLimitsCPU }},
		{"acme-http01-solver-resource-limits-memory", group, "memory that a solver pod may use",
			"It must not be below what is requested, or the API server refuses the pod.",
			func(c *Config) any { return &c.ACMEHTTP01SolverResourceLimitsMemory }},
		{"acme-http01-solver-run-as-non-root", group, "have the kubelet refuse to run a solver pod as root",
			"Switch it off only for an image that must run as root; the pod then breaks the restricted Pod Security Standard.",
			func(c *Config) any { return &c.ACMEHTTP01SolverRunAsNonRoot }},
		{"acme-http01-solver-extra-labels", group, "labels for all that is made for HTTP-01 challenges: key=value, repeated or with commas",
			"For policies that ask for an owner or a team on every pod, Service and Ingress. The labels by which solvers are known cannot be changed by it.",
			func(c *Config) any { return &c.ACMEHTTP01SolverExtraLabels }},
		{"acme-http01-solver-runtime-class-name", group, "runtime class of solver pods; empty is the cluster's default",
			"For clusters that want every pod in a sandbox. The class must exist, or no solver pod starts.",
			func(c *Config) any { return &c.ACMEHTTP01SolverRuntimeClassName }},
	}
}

// SolverLabels reads --acme-http01-solver-extra-labels.
func (c Config) SolverLabels() map[string]string {
	labels := map[string]string{}
	for _, entry := range c.ACMEHTTP01SolverExtraLabels {
		key, value, _ := strings.Cut(entry, "=")
		labels[strings.TrimSpace(key)] = strings.TrimSpace(value)
	}
	return labels
}

// SolverHostPort reads --acme-http01-solver-address: an IP address without
// brackets, or a DNS name, and the port, 0 when none is said.
func (c Config) SolverHostPort() (host string, port int) {
	return splitAddress(c.ACMEHTTP01SolverAddress)
}

func splitAddress(address string) (host string, port int) {
	host, text, err := net.SplitHostPort(address)
	if err != nil {
		return strings.Trim(address, "[]"), 0
	}
	number, err := strconv.ParseUint(text, 10, 16)
	if err != nil {
		return host, 0
	}
	return host, int(number)
}

func (c Config) http01Faults() []error {
	faults := faultIf(!slices.Contains([]string{SolverDaemon, SolverPod}, c.ACMEHTTP01SolverMode),
		"--acme-http01-solver-mode: there is no %q; write %s or %s", c.ACMEHTTP01SolverMode, SolverDaemon, SolverPod)
	faults = append(faults, addressFaults("acme-http01-solver-listen-address", c.ACMEHTTP01SolverListenAddress, true)...)
	for flag, taken := range map[string]string{"metrics": c.MetricsListenAddress, "healthz": c.HealthzListenAddress} {
		faults = append(faults, faultIf(samePort(taken, c.ACMEHTTP01SolverListenAddress),
			"--acme-http01-solver-listen-address: %s is the port of --%s-listen-address, which strangers must not reach; give it another port", c.ACMEHTTP01SolverListenAddress, flag)...)
	}
	faults = append(faults, c.solverAddressFaults()...)
	for _, server := range c.ACMEHTTP01SolverNameservers {
		host, port := splitAddress(server)
		faults = append(faults, faultIf(host == "" || port == 0, "--acme-http01-solver-nameservers: %q is not host:port; write for example 8.8.8.8:53", server)...)
	}
	faults = append(faults, faultIf(c.ACMEHTTP01SolverMode == SolverPod && c.ACMEHTTP01SolverImage == "" && c.Runs(Challenges),
		"--acme-http01-solver-image: --acme-http01-solver-mode=%s needs an image; name the daemon's own", SolverPod)...)
	faults = append(faults, c.solverQuantityFaults()...)
	if class := c.ACMEHTTP01SolverRuntimeClassName; class != "" {
		faults = append(faults, nameFaults("acme-http01-solver-runtime-class-name", class, validation.IsDNS1123Subdomain)...)
	}
	return append(faults, c.solverLabelFaults()...)
}

func samePort(a, b string) bool {
	_, first, err := net.SplitHostPort(a)
	_, second, fault := net.SplitHostPort(b)
	return err == nil && fault == nil && first == second && first != "0"
}

func (c Config) solverAddressFaults() []error {
	if c.ACMEHTTP01SolverAddress == "" {
		return nil
	}
	const flag = "--acme-http01-solver-address: "
	host, port := c.SolverHostPort()
	if ip, err := netip.ParseAddr(host); err == nil {
		ip = ip.Unmap()
		return faultIf(ip.IsLoopback() || ip.IsUnspecified() || ip.IsLinkLocalUnicast() || ip.IsMulticast(),
			flag+"%s cannot be an endpoint in Kubernetes, which refuses loopback, link-local, multicast and unspecified addresses; name another address of this machine, or a DNS name", host)
	}
	faults := faultIf(len(validation.IsDNS1123Subdomain(strings.TrimSuffix(host, "."))) > 0,
		flag+"%q is neither an IP address nor a DNS name; write for example 192.0.2.10, solver.example.com or [2001:db8::1]:8089", c.ACMEHTTP01SolverAddress)
	return append(faults, faultIf(port == 0 && strings.Contains(c.ACMEHTTP01SolverAddress, ":") && len(faults) == 0,
		flag+"%q has no usable port; write for example solver.example.com:8089", c.ACMEHTTP01SolverAddress)...)
}

func (c Config) solverQuantityFaults() []error {
	var faults []error
	for _, what := range []struct{ name, request, limit string }{
		{"cpu", c.ACMEHTTP01SolverResourceRequestCPU, c.ACMEHTTP01SolverResourceLimitsCPU},
		{"memory", c.ACMEHTTP01SolverResourceRequestMemory, c.ACMEHTTP01SolverResourceLimitsMemory},
	} {
		request, err := resource.ParseQuantity(what.request)
		limit, fault := resource.ParseQuantity(what.limit)
		faults = append(faults, faultIf(err != nil || request.Sign() < 0, "--acme-http01-solver-resource-request-%s: %q is no quantity; write for example 10m for CPU, 64Mi for memory", what.name, what.request)...)
		faults = append(faults, faultIf(fault != nil || limit.Sign() < 0, "--acme-http01-solver-resource-limits-%s: %q is no quantity; write for example 100m for CPU, 64Mi for memory", what.name, what.limit)...)
		faults = append(faults, faultIf(err == nil && fault == nil && limit.Cmp(request) < 0,
			"--acme-http01-solver-resource-limits-%s: %s is below what is requested (%s); make it at least that", what.name, what.limit, what.request)...)
	}
	return faults
}

func (c Config) solverLabelFaults() []error {
	var faults []error
	for _, entry := range c.ACMEHTTP01SolverExtraLabels {
		key, value, found := strings.Cut(entry, "=")
		bad := !found || len(validation.IsQualifiedName(strings.TrimSpace(key))) > 0 || len(validation.IsValidLabelValue(strings.TrimSpace(value))) > 0
		faults = append(faults, faultIf(bad, "--acme-http01-solver-extra-labels: %q is no label; write key=value, for example team=web", entry)...)
	}
	return faults
}
