//go:build linux

package machine

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// plugins are what a pod's network takes.
var plugins = []string{"ptp", "host-local", "loopback"}

// pluginDirs are where distributions put CNI plugins.
var pluginDirs = []string{"/usr/lib/cni", "/opt/cni/bin", "/usr/libexec/cni"}

// Lacks tells what of the distribution's programs is missing, and how to get it.
func Lacks() error {
	var missing []string
	for name, pack := range map[string]string{"containerd": "containerd", "ctr": "containerd", "runc": "runc", "ip": "iproute2"} {
		if _, err := exec.LookPath(name); err != nil {
			missing = append(missing, fmt.Sprintf("%s (of the Debian package %s)", name, pack))
		}
	}
	if _, err := pluginDir(); err != nil {
		missing = append(missing, err.Error())
	}
	if len(missing) == 0 {
		return nil
	}
	return fmt.Errorf("this machine lacks %s: apt-get install containerd runc containernetworking-plugins iproute2", strings.Join(missing, ", "))
}

// pluginDir is where all plugins are that are needed.
func pluginDir() (string, error) {
	for _, dir := range pluginDirs {
		if hasAll(dir) {
			return dir, nil
		}
	}
	return "", fmt.Errorf("the CNI plugins %s (of the Debian package containernetworking-plugins), looked for in %s",
		strings.Join(plugins, ", "), strings.Join(pluginDirs, ", "))
}

func hasAll(dir string) bool {
	for _, name := range plugins {
		if _, err := os.Stat(filepath.Join(dir, name)); err != nil {
			return false
		}
	}
	return true
}
