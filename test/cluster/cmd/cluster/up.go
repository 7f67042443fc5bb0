package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"

	"github.com/certwright/certwright/test/cluster"
)

// errRuns means that another process owns the cluster of that name; exitRuns
// tells it to the process that started us.
var errRuns = errors.New("it runs already: end it with \"cluster down\", or name another with --name")

const exitRuns = 3

// up makes a cluster run in the background, which may have been the case.
func up(ctx context.Context, f flags) error {
	if f.foreground {
		return foreground(ctx, f)
	}
	for {
		s, err := waitForState(ctx, f.home)
		if err != nil || s != nil {
			return printExport(s, err)
		}
		if _, err := cluster.Binaries(ctx, os.Stderr); err != nil {
			return err
		}
		if err := background(ctx, f); err != nil && !errors.Is(err, errRuns) {
			return err
		}
	}
}

// waitForState returns the state of a cluster that runs, when it is ready, and
// nil when none runs.
func waitForState(ctx context.Context, h home) (*state, error) {
	for {
		pid, err := h.owner()
		if pid == 0 || err != nil {
			return nil, err
		}
		if s, ok := h.read(pid); ok {
			return &s, nil
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// printExport quotes the path for a shell when it has to.
func printExport(s *state, err error) error {
	if err != nil {
		return err
	}
	path := s.Kubeconfig
	if strings.ContainsAny(path, " \t\n'\"\\$`*?[]{}()<>|&;#~!") {
		path = "'" + strings.ReplaceAll(path, "'", `'\''`) + "'"
	}
	_, err = fmt.Println("export KUBECONFIG=" + path)
	return err
}

// background starts this program again as the owner of the cluster, in a session
// of its own, and waits until the cluster is ready or the owner has given up.
func background(ctx context.Context, f flags) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find this program's file: %w", err)
	}
	log, err := openLog(f.home)
	if err != nil {
		return err
	}
	defer log.Close()
	fmt.Fprintf(os.Stderr, "starting cluster %q\n", f.home.name)
	cmd := exec.Command(self, f.ownerArgs()...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start cluster %q: %w", f.home.name, err)
	}
	return f.home.await(ctx, cmd)
}

func openLog(h home) (*os.File, error) {
	if err := os.MkdirAll(h.dir, 0o700); err != nil {
		return nil, fmt.Errorf("create the folder of cluster %q: %w", h.name, err)
	}
	log, err := os.Create(h.log())
	if err != nil {
		return nil, fmt.Errorf("open the log of cluster %q: %w", h.name, err)
	}
	return log, nil
}

func (f flags) ownerArgs() []string {
	args := []string{"up", "--foreground", "--name", f.home.name, "--address", f.address}
	if f.dir != "" {
		args = append(args, "--dir", f.dir)
	}
	if f.auditLog {
		args = append(args, "--audit-log")
	}
	return args
}

// await waits for the owner's readiness or end; ctx ends the owner.
func (h home) await(ctx context.Context, owner *exec.Cmd) error {
	ended := make(chan error, 1)
	go func() { ended <- owner.Wait() }()
	for {
		if pid, err := h.owner(); err == nil && pid == owner.Process.Pid {
			if _, ready := h.read(pid); ready {
				return nil
			}
		}
		select {
		case <-ended:
			return h.failure(owner)
		case <-ctx.Done():
			return errors.Join(ctx.Err(), owner.Process.Signal(syscall.SIGTERM), <-ended)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (h home) failure(owner *exec.Cmd) error {
	if owner.ProcessState.ExitCode() == exitRuns {
		return errRuns
	}
	said, err := os.ReadFile(h.log())
	return errors.Join(fmt.Errorf("cluster %q did not start (log: %s):\n%s",
		h.name, h.log(), strings.TrimSpace(string(said))), err)
}

// foreground owns a cluster until ctx ends or a component dies.
func foreground(ctx context.Context, f flags) error {
	lock, err := f.home.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	c, err := f.start(ctx)
	if err != nil {
		return err
	}
	s := state{PID: os.Getpid(), Kubeconfig: c.Kubeconfig(), URL: c.URL()}
	if err := errors.Join(f.home.write(s), printExport(&s, nil)); err != nil {
		return errors.Join(err, c.Stop())
	}
	fmt.Fprintf(os.Stderr, "cluster %q runs until Ctrl-C or \"cluster down\"\n", f.home.name)
	if err := c.Wait(ctx); err != nil {
		return errors.Join(fmt.Errorf("logs kept in %s: %w", c.KeepLogs(), err), c.Stop())
	}
	return errors.Join(c.Stop(), os.RemoveAll(f.home.dir))
}

// start replaces what a former owner of the name left behind.
func (f flags) start(ctx context.Context) (*cluster.Cluster, error) {
	h := f.home
	if err := os.RemoveAll(h.data()); err != nil {
		return nil, fmt.Errorf("remove the former cluster %q: %w", h.name, err)
	}
	dir := h.data()
	if f.dir != "" {
		var err error
		if dir, err = filepath.Abs(f.dir); err != nil {
			return nil, fmt.Errorf("find the folder %s: %w", f.dir, err)
		}
	}
	return cluster.Start(ctx, cluster.Options{Dir: dir, Log: os.Stderr, Address: f.address, AuditLog: f.auditLog})
}
