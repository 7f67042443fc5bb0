//go:build linux

package machine

import (
	"fmt"
	"os"
	"path/filepath"
	"syscall"
)

// Furnish gives the programs of a node places of their own to write to: whatever
// they put there ends with this process, and nothing of the host's is seen. Mounts
// must be private already. The folder becomes one in memory.
func Furnish(dir string) error {
	if err := syscall.Mount("proc", "/proc", "proc", 0, ""); err != nil {
		return fmt.Errorf("mount /proc for processes of our own: %w", err)
	}
	for _, place := range []string{dir, "/run", "/var/log", "/var/lib"} {
		if err := syscall.Mount("tmpfs", place, "tmpfs", 0, "mode=0755"); err != nil {
			return fmt.Errorf("mount a file system in memory at %s: %w", place, err)
		}
	}
	return spareSysctls(dir)
}

// sysctls are what the kubelet sets for the whole host.
var sysctls = []string{"vm/overcommit_memory", "vm/panic_on_oom", "kernel/panic", "kernel/panic_on_oops", "kernel/keys/root_maxkeys", "kernel/keys/root_maxbytes"}

// spareSysctls has the kubelet write to files instead.
func spareSysctls(dir string) error {
	for _, name := range sysctls {
		host, file := filepath.Join("/proc/sys", name), filepath.Join(dir, "sysctl-"+filepath.Base(name))
		value, err := os.ReadFile(host)
		if os.IsNotExist(err) {
			continue
		}
		if err == nil {
			err = os.WriteFile(file, value, 0o644)
		}
		if err == nil {
			err = syscall.Mount(file, host, "", syscall.MS_BIND, "")
		}
		if err != nil {
			return fmt.Errorf("keep %s as it is: %w", name, err)
		}
	}
	return nil
}

// End ends all processes but our own, the first here, and unmounts the folder. The
// other mounts end with us.
func End(dir string) error {
	if os.Getpid() != 1 {
		return fmt.Errorf("process %d is not the first of its own machine", os.Getpid())
	}
	if err := syscall.Kill(-1, syscall.SIGKILL); err != nil && err != syscall.ESRCH {
		return fmt.Errorf("end what runs here: %w", err)
	}
	return syscall.Unmount(dir, syscall.MNT_DETACH)
}
