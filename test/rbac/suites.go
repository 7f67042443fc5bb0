package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// suites are the packages of tests that are run, the longest first.
var suites = []string{"e2e/operations", "acme", "e2e", "rbac/scenes", "e2e/annotations", "e2e/bundles"}

// runAll runs the suites, some at a time, which leave their records in the folder.
func runAll(ctx context.Context, progress *harness.Progress, folder string, atOnce int) error {
	folder, err := filepath.Abs(folder)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	places := make(chan struct{}, max(atOnce, 1))
	results := make([]error, len(suites))
	var all sync.WaitGroup
	for i, suite := range suites {
		all.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if results[i] = runSuite(ctx, progress, folder, suite); results[i] != nil {
				cancel() // a proof that fails should not take long
			}
		})
	}
	all.Wait()
	return errors.Join(results...)
}

// stopTime is what a suite gets to end its control plane and daemons.
const stopTime = 30 * time.Second

func runSuite(ctx context.Context, progress *harness.Progress, folder, suite string) error {
	if ctx.Err() != nil {
		return nil // why is told already
	}
	root, err := harness.Root()
	if err != nil {
		return err
	}
	progress.Line("testing %s", suite)
	began := time.Now()
	var said bytes.Buffer
	// What counts writes depends on how fast the machine is, and knows no rights.
	cmd := exec.CommandContext(ctx, "go", "test", "-short", "-count=1", "-timeout", "20m", "-skip", "^TestWritesOf", "./"+suite)
	cmd.Dir, cmd.Stdout, cmd.Stderr = filepath.Join(root, "test"), &said, &said
	cmd.Env = append(os.Environ(), harness.RightsEnv+"="+folder)
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true} // so that the test ends with the go command
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGINT) }
	cmd.WaitDelay = stopTime
	if err := cmd.Run(); err != nil {
		if ctx.Err() != nil {
			return fmt.Errorf("%s: %w", suite, context.Cause(ctx))
		}
		return fmt.Errorf("%s under the shipped roles: %w\n%s", suite, err, tail(said.Bytes(), 12000))
	}
	progress.Line("passed  %s after %.0f s", suite, time.Since(began).Seconds())
	return nil
}

func tail(text []byte, most int) []byte { return text[max(0, len(text)-most):] }
