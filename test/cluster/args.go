package cluster

import (
	"net/netip"
	"path/filepath"
)

// serviceRange holds the addresses of Services, serviceIP is the first of them:
// that of default/kubernetes. Nothing routes them, there are no nodes.
const (
	serviceRange = "10.0.0.0/24"
	serviceIP    = "10.0.0.1"
	issuer       = "https://kubernetes.default.svc.cluster.local"
)

func (c *Cluster) args(component string) []string {
	switch component {
	case Etcd:
		return c.etcdArgs()
	case APIServer:
		return append(c.apiServerArgs(), c.options.ExtraAPIServerArgs...)
	default:
		return append(c.controllerManagerArgs(), c.options.ExtraControllerManagerArgs...)
	}
}

// etcdArgs has a single member without peers. The data need not survive a power
// cut, so waiting for the disk would only slow the tests down.
func (c *Cluster) etcdArgs() []string {
	url := "http://" + c.ports[Etcd].String()
	return []string{
		"--data-dir=" + filepath.Join(c.dir, "etcd"),
		"--listen-client-urls=" + url, "--advertise-client-urls=" + url,
		"--listen-peer-urls=http://" + c.options.Address + ":0",
		"--socket-reuse-port=true", // shares the port that we keep reserved
		"--unsafe-no-fsync=true",
	}
}

func (c *Cluster) apiServerArgs() []string {
	args := []string{
		"--etcd-servers=http://" + c.ports[Etcd].String(),
		"--bind-address=" + c.options.Address, "--advertise-address=" + c.options.Address,
		"--secure-port=" + c.ports[APIServer].digits(), "--permit-port-sharing=true",
		"--cert-dir=" + c.dir,
		"--tls-cert-file=" + c.pki("apiserver.crt"), "--tls-private-key-file=" + c.pki("apiserver.key"),
		"--client-ca-file=" + c.pki("ca.crt"), "--token-auth-file=" + c.pki("tokens.csv"),
		"--allow-privileged=true",
		"--service-cluster-ip-range=" + serviceRange,
		"--service-account-issuer=" + issuer,
		"--service-account-key-file=" + c.pki("sa.key"), "--service-account-signing-key-file=" + c.pki("sa.key"),
	}
	if c.options.Authorization == "" {
		args = append(args, "--authorization-mode=RBAC")
	} else {
		args = append(args, "--authorization-config="+c.options.Authorization)
	}
	args = append(args, c.aggregationArgs()...)
	if address, err := netip.ParseAddr(c.options.Address); err == nil && address.IsLoopback() {
		args = append(args, "--endpoint-reconciler-type=none") // Endpoints refuse loopback addresses
	}
	if c.options.AuditLog {
		args = append(args, "--audit-policy-file="+c.pki("audit.yaml"), "--audit-log-path="+c.AuditLog(),
			"--audit-log-mode=blocking") // a reader finds each request that was answered
	}
	return args
}

// aggregationArgs let the API server prove to an aggregated one who is calling;
// without them every APIService stays unavailable.
func (c *Cluster) aggregationArgs() []string {
	return []string{
		"--requestheader-client-ca-file=" + c.pki("front-proxy-ca.crt"),
		"--requestheader-allowed-names=" + frontProxy,
		"--requestheader-extra-headers-prefix=X-Remote-Extra-",
		"--requestheader-group-headers=X-Remote-Group",
		"--requestheader-username-headers=X-Remote-User",
		"--proxy-client-cert-file=" + c.pki("front-proxy-client.crt"),
		"--proxy-client-key-file=" + c.pki("front-proxy-client.key"),
	}
}

// controllerManagerArgs raises the client's rate limit, which else makes tests
// wait that delete many namespaces.
func (c *Cluster) controllerManagerArgs() []string {
	return []string{
		"--kubeconfig=" + c.Kubeconfig(), "--leader-elect=false",
		"--bind-address=" + c.options.Address,
		"--secure-port=" + c.ports[ControllerManager].digits(), "--permit-port-sharing=true",
		"--cert-dir=" + c.dir,
		"--tls-cert-file=" + c.pki("apiserver.crt"), "--tls-private-key-file=" + c.pki("apiserver.key"),
		"--use-service-account-credentials=true",
		"--service-account-private-key-file=" + c.pki("sa.key"),
		"--root-ca-file=" + c.pki("ca.crt"),
		"--cluster-signing-cert-file=" + c.pki("ca.crt"), "--cluster-signing-key-file=" + c.pki("ca.key"),
		"--service-cluster-ip-range=" + serviceRange,
		"--flex-volume-plugin-dir=" + filepath.Join(c.dir, "volume-plugins"), // the default is outside
		"--kube-api-qps=200", "--kube-api-burst=400",
	}
}

func (c *Cluster) pki(file string) string { return filepath.Join(c.dir, "pki", file) }
