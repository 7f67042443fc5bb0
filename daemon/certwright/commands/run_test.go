package commands

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/certwright/certwright/daemon/config"
)

func TestRunHandsOverTheConfiguration(t *testing.T) {
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte("apiVersion: certwright.dev/v1alpha1\nkind: Configuration\nconcurrentWorkers: 7\nshutdownGracePeriod: 5s\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	b := newBench(nil)
	b.environ = []string{"CERTWRIGHT_SHUTDOWN_GRACE_PERIOD=7s", "CERTWRIGHT_NAMESPACE=a,b"}
	if code := b.run(t, "run --v=0 --max-concurrent-challenges=60 --config "+path); code != 0 {
		t.Fatal(code, b.err.String())
	}
	if len(b.served) != 1 {
		t.Fatal(b.served)
	}
	cfg := b.served[0]
	if cfg.ConcurrentWorkers != 7 || cfg.ShutdownGracePeriod.String() != "7s" || len(cfg.Namespaces) != 2 {
		t.Errorf("%+v", cfg)
	}
}

func TestRunRefusesAFaultyConfiguration(t *testing.T) {
	b := newBench(nil)
	b.environ = []string{"CERTWRIGHT_LEADER_ELECT=perhaps"}
	b.expect(t, "run --concurrent-workers=0", exitUsage, "", `Error: the configuration cannot be used:
       CERTWRIGHT_LEADER_ELECT: "perhaps" is not a truth value; write true or false
       --concurrent-workers: 0 would leave nobody to work; write at least 1
See "certwright run --help".
`)
	if len(b.served) > 0 {
		t.Error("it ran all the same")
	}
	b.expect(t, "run --concurent-workers=3", exitUsage, "", "Error: unknown flag: --concurent-workers; did you mean \"--concurrent-workers\"?\nSee \"certwright run --help\".\n")
}

func TestRunFails(t *testing.T) {
	b := newBench(nil)
	b.serve = func(context.Context, config.Config, string) error { return errors.New("lost the lease") }
	b.expect(t, "run", exitFailure, "", "Error: lost the lease\n")
}

// An end that was asked for is a success; the same error unasked is not.
func TestRunEndsBySignal(t *testing.T) {
	b := newBench(nil)
	ctx, cancel := context.WithCancel(t.Context())
	b.serve = func(ctx context.Context, _ config.Config, _ string) error {
		cancel()
		<-ctx.Done()
		return ctx.Err()
	}
	if code := b.execute(ctx, []string{"run"}); code != exitOK {
		t.Error(code, b.err.String())
	}
	b.serve = func(context.Context, config.Config, string) error { return context.Canceled }
	b.expect(t, "run", exitFailure, "", "Error: context canceled\n")
}

func TestSignals(t *testing.T) {
	signals := make(chan os.Signal)
	second := make(chan struct{})
	ctx, cancel := untilSignal(t.Context(), signals, func() { close(second) })
	defer cancel()
	if ctx.Err() != nil {
		t.Error("it ended before any signal")
	}
	signals <- os.Interrupt
	<-ctx.Done()
	select {
	case <-second:
		t.Error("the first signal ended the process")
	default:
	}
	signals <- os.Interrupt
	<-second
}

func TestOptions(t *testing.T) {
	b := newBench(nil)
	if code := b.run(t, "options"); code != 0 || !strings.Contains(b.out.String(), "### `--concurrent-workers`") {
		t.Error(code, b.out.String())
	}
}
