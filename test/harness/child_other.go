//go:build !linux

package harness

import (
	"os/exec"
	"syscall"
)

func childOf() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Setpgid: true}
}

func start(cmd *exec.Cmd) error { return cmd.Start() }
