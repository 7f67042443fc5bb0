package cluster

import "syscall"

// attributes puts a component into a process group and has the kernel kill it
// when we end, in whatever way.
func attributes(group int) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pgid: group, Pdeathsig: syscall.SIGKILL}
}
