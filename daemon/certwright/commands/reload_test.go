package commands

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"testing"

	"github.com/certwright/certwright/daemon/config"
)

// SIGHUP starts the daemon again with what the file says by then; a faulty
// file leaves it at work, and an end that was asked for stays a success.
func TestReload(t *testing.T) {
	const head = "apiVersion: certwright.dev/v1alpha1\nkind: Configuration\n"
	path := filepath.Join(t.TempDir(), "c.yaml")
	write := func(text string) {
		if err := os.WriteFile(path, []byte(head+text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	b := newBench(nil)
	reloads := make(chan os.Signal)
	b.reloads = reloads
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var served []int
	b.serve = func(ctx context.Context, cfg config.Config, _ string) error {
		served = append(served, cfg.ConcurrentWorkers)
		if len(served) == 3 {
			cancel()
			<-ctx.Done()
			return ctx.Err()
		}
		write("concurrentWorkers: 0\n")
		reloads <- syscall.SIGHUP // refused: the daemon goes on
		reloads <- syscall.SIGHUP // taken once the first was refused
		write("concurrentWorkers: 8\n")
		select {
		case reloads <- syscall.SIGHUP:
		case <-ctx.Done(): // the second saw the new file already
		}
		<-ctx.Done()
		if !errors.Is(context.Cause(ctx), config.ErrReload) {
			t.Errorf("it ended because of %v", context.Cause(ctx))
		}
		return ctx.Err()
	}
	write("concurrentWorkers: 7\n")
	if code := b.execute(ctx, []string{"run", "--config", path}); code != exitOK {
		t.Error(code, b.err.String())
	}
	if len(served) != 3 || served[0] != 7 || served[1] != 8 || served[2] != 8 {
		t.Errorf("served with %v workers", served)
	}
}

// A daemon that fails is not started again by a reload that comes too late.
func TestAFailureIsNoReload(t *testing.T) {
	b := newBench(nil)
	b.reloads = make(chan os.Signal)
	b.serve = func(context.Context, config.Config, string) error { return errors.New("lost the lease") }
	b.expect(t, "run", exitFailure, "", "Error: lost the lease\n")
}

// The args of a Deployment of cert-manager name no command.
func TestFlagsAloneAreTheDaemons(t *testing.T) {
	b := newBench(nil)
	if code := b.run(t, "--v=0 --cluster-resource-namespace=cert-manager --leader-election-namespace=kube-system"); code != exitOK {
		t.Fatal(code, b.err.String())
	}
	if len(b.served) != 1 || b.served[0].ClusterResourceNamespace != "cert-manager" {
		t.Errorf("served %+v", b.served)
	}
	for _, line := range []string{"--help", "-h", "--version", ""} {
		if code := b.run(t, line); code != exitOK || len(b.served) != 1 || b.out.Len() == 0 {
			t.Errorf("%q: %d %q %q", line, code, b.out.String(), b.err.String())
		}
	}
}
