package netns

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
)

// Address is this machine's in the network: of a block for documentation (RFC
// 5737), because the API server refuses EndpointSlices in 127.0.0.0/8.
const Address = "192.0.2.10"

// marker tells the program that it is inside.
const marker = "CERTWRIGHT_TEST_NETNS"

// Inside tells whether this process runs in a network of its own.
func Inside() bool { return os.Getenv(marker) != "" }

// Rerun runs this program once more, with the same arguments, in a network of
// its own, and returns its exit code. It ends when ctx does, or when we do.
func Rerun(ctx context.Context) (int, error) { return rerun(ctx, 0) }

// Confine is a Rerun in which the program is the first process of a machine of
// its own, as it were: with it ends whatever it started, also what has left its
// parents, such as containers. Each of env, as NAME=value, is added to our own.
func Confine(ctx context.Context, env ...string) (int, error) {
	return rerun(ctx, syscall.CLONE_NEWPID, env...)
}

func rerun(ctx context.Context, flags uintptr, env ...string) (int, error) {
	if os.Geteuid() != 0 {
		return 1, errors.New("this needs root, to make a network namespace: run it as root, or with sudo -E")
	}
	self, err := os.Executable()
	if err != nil {
		return 1, err
	}
	cmd := exec.CommandContext(ctx, self, os.Args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(append(os.Environ(), marker+"=1"), env...)
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWNS | flags, Pdeathsig: syscall.SIGTERM,
	}
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) } // it cleans up
	if err := cmd.Start(); err != nil {
		return 1, fmt.Errorf("start in a network of its own (root needs CAP_SYS_ADMIN for it): %w", err)
	}
	err = cmd.Wait()
	if ended, is := errors.AsType[*exec.ExitError](err); is {
		return ended.ExitCode(), nil
	}
	return cmd.ProcessState.ExitCode(), err
}

// Furnish gives the network its addresses, and this process and its children a
// resolver at Address. The folder is for its files.
func Furnish(ctx context.Context, dir string) error {
	for _, args := range [][]string{
		{"link", "set", "lo", "up"},
		{"addr", "add", Address + "/32", "dev", "lo"},
	} {
		if out, err := exec.CommandContext(ctx, "ip", args...).CombinedOutput(); err != nil {
			return fmt.Errorf("ip %v (of the package iproute2): %w: %s", args, err, out)
		}
	}
	path := filepath.Join(dir, "resolv.conf")
	if err := os.WriteFile(path, []byte("nameserver "+Address+"\n"), 0o644); err != nil {
		return err
	}
	// What is mounted here is to stay here.
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("keep mounts to this process: %w", err)
	}
	if err := syscall.Mount(path, "/etc/resolv.conf", "", syscall.MS_BIND, ""); err != nil {
		return fmt.Errorf("set the resolver: %w", err)
	}
	return nil
}
