//go:build linux

package machine

import (
	"fmt"
	"os"
	"path/filepath"
)

// podNetwork holds the addresses of pods.
const podNetwork = "10.88.0.0/24"

// containerdConfig leaves oom_score_adj as it is where the kernel lets nobody
// lower it, and stays below the folder with all that it writes.
const containerdConfig = `version = 2
root = "%[1]s/containerd/root"
state = "%[1]s/containerd/state"
disabled_plugins = ["io.containerd.snapshotter.v1.devmapper", "io.containerd.snapshotter.v1.btrfs", "io.containerd.snapshotter.v1.zfs", "io.containerd.snapshotter.v1.aufs"]
[grpc]
  address = "%[1]s/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "%[1]s/containerd/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = %[2]q
  restrict_oom_score_adj = true
  stream_server_address = "127.0.0.1"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = %[3]q
    conf_dir = "%[1]s/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
    runtime_type = "io.containerd.runc.v2"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
      SystemdCgroup = false
`

// cniConfig joins each pod to the node by a pair of its own; there is nothing
// outside to translate addresses for.
const cniConfig = `{
  "cniVersion": "0.4.0", "name": "pods",
  "plugins": [{"type": "ptp", "ipMasq": false,
    "ipam": {"type": "host-local", "subnet": %[1]q, "dataDir": "%[2]s/addresses", "routes": [{"dst": "0.0.0.0/0"}]}}]
}
`

// kubeletConfig trusts whoever reaches it, which is nobody outside this network;
// what would judge the machine's disks and memory is off.
const kubeletConfig = `apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
authentication: {anonymous: {enabled: true}, webhook: {enabled: false}}
authorization: {mode: AlwaysAllow}
containerRuntimeEndpoint: unix://%[1]s/containerd.sock
failCgroupV1: false
cgroupDriver: cgroupfs
cgroupRoot: /%[2]s
enforceNodeAllocatable: []
failSwapOn: false
localStorageCapacityIsolation: false
evictionHard: {memory.available: "0%%", nodefs.available: "0%%", nodefs.inodesFree: "0%%", imagefs.available: "0%%"}
imageGCHighThresholdPercent: 100
makeIPTablesUtilChains: false
clusterDNS: [%[3]s]
clusterDomain: cluster.local
podLogsDir: %[1]s/pods
volumePluginDir: %[1]s/volume-plugins
readOnlyPort: 0
`

// write writes the files that the programs read.
func (m *Machine) write() error {
	bin, err := pluginDir()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Join(m.o.Dir, "cni"), 0o755); err != nil {
		return err
	}
	for name, text := range map[string]string{
		"containerd.toml":   fmt.Sprintf(containerdConfig, m.o.Dir, m.o.PauseImage, bin),
		"cni/pods.conflist": fmt.Sprintf(cniConfig, podNetwork, m.o.Dir),
		"kubelet.yaml":      fmt.Sprintf(kubeletConfig, m.o.Dir, m.o.Cgroup, m.o.Address),
	} {
		if err := os.WriteFile(filepath.Join(m.o.Dir, name), []byte(text), 0o644); err != nil {
			return err
		}
	}
	return nil
}
