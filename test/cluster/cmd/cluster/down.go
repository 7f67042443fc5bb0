package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"syscall"
	"text/tabwriter"
	"time"
)

// patience is how long an owner may take to end its cluster; it takes less than
// a second.
const patience = 20 * time.Second

// down ends a cluster and removes what is left of it.
func down(ctx context.Context, h home) error {
	pid, err := h.owner()
	if err != nil {
		return err
	}
	if pid == 0 {
		return h.clear()
	}
	if err := h.end(ctx, pid); err != nil {
		return fmt.Errorf("end cluster %q: %w", h.name, err)
	}
	fmt.Fprintf(os.Stderr, "cluster %q ended\n", h.name)
	return os.RemoveAll(h.dir)
}

// clear removes what an owner left that failed or was killed.
func (h home) clear() error {
	fmt.Fprintf(os.Stderr, "no cluster %q runs\n", h.name)
	if _, err := os.Stat(h.dir); errors.Is(err, os.ErrNotExist) {
		return nil
	}
	lock, err := h.lock()
	if err != nil {
		return err
	}
	defer lock.Close()
	return os.RemoveAll(h.dir)
}

// end asks the owner to end, and kills it when it does not: then the cluster
// ends by itself.
func (h home) end(ctx context.Context, pid int) error {
	if err := syscall.Kill(pid, syscall.SIGTERM); err != nil {
		return ignoreGone(err)
	}
	if err := h.waitForEnd(ctx, pid); !errors.Is(err, errLasts) {
		return err
	}
	fmt.Fprintf(os.Stderr, "process %d does not end, killing it\n", pid)
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		return ignoreGone(err)
	}
	return h.waitForEnd(ctx, pid)
}

func ignoreGone(err error) error {
	if errors.Is(err, syscall.ESRCH) {
		return nil
	}
	return err
}

var errLasts = errors.New("its process does not end")

func (h home) waitForEnd(ctx context.Context, pid int) error {
	for deadline := time.Now().Add(patience); time.Now().Before(deadline); {
		if now, err := h.owner(); err != nil || now != pid {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
	return errLasts
}

// status lists the clusters that run, and those that ended by a failure or kill.
func status() error {
	all, err := homes()
	if err != nil {
		return err
	}
	entries, err := os.ReadDir(all)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("list the clusters: %w", err)
	}
	if len(entries) == 0 {
		fmt.Fprintln(os.Stderr, "no cluster runs; start one with: cluster up")
		return nil
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "NAME\tSTATE\tPID\tURL\tKUBECONFIG")
	for _, entry := range entries {
		if err := printRow(table, entry.Name()); err != nil {
			return err
		}
	}
	return table.Flush()
}

func printRow(table *tabwriter.Writer, name string) error {
	h, err := homeOf(name)
	if err != nil {
		return err
	}
	pid, err := h.owner()
	if err != nil {
		return err
	}
	if pid == 0 {
		fmt.Fprintf(table, "%s\tended, see %s; \"cluster down --name %s\" removes it\t\t\t\n", name, h.log(), name)
		return nil
	}
	condition := "running"
	s, ready := h.read(pid)
	if !ready {
		condition = "starting"
	}
	fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\n", name, condition, pid, s.URL, s.Kubeconfig)
	return nil
}

func kubeconfig(h home) error {
	pid, err := h.owner()
	if err != nil {
		return err
	}
	s, ready := h.read(pid)
	if pid == 0 || !ready {
		return fmt.Errorf("no cluster %q is ready: start it with \"cluster up --name %s\"", h.name, h.name)
	}
	_, err = fmt.Println(s.Kubeconfig)
	return err
}
