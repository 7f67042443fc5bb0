//go:build unix && !linux

package cluster

import "syscall"

// attributes puts a component into the keeper's process group, which the keeper
// kills when we end.
func attributes(group int) *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true, Pgid: group}
}
