package programs

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// environment makes a build depend on nothing but the pins: no C compiler, no
// workspace and no flags of the user's own. It is part of the cache key.
var environment = []string{"CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off"}

// workPrefix starts the names of the folders in which programs are built.
const workPrefix = ".build-"

// build compiles p to a name of its own and renames it into dir, so that a file
// with the program's name is always a whole program.
func (m Module) build(ctx context.Context, progress *progress, p Program, dir string) error {
	gocmd, err := goCommand()
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp(dir, workPrefix)
	if err != nil {
		return fmt.Errorf("create a folder for the build: %w", err)
	}
	defer os.RemoveAll(work)
	out := filepath.Join(work, p.Name)
	args := append([]string{"build", "-v", "-o", out}, m.flags()...)
	cmd := exec.CommandContext(ctx, gocmd, append(args, p.Package)...)
	cmd.Dir, cmd.Env = m.Dir, append(os.Environ(), environment...)
	if err := run(ctx, cmd, progress); err != nil {
		return fmt.Errorf("build %s: %w", p.Name, err)
	}
	if err := os.Rename(out, filepath.Join(dir, p.Name)); err != nil {
		return fmt.Errorf("put %s into the cache: %w", p.Name, err)
	}
	return nil
}

func run(ctx context.Context, cmd *exec.Cmd, progress *progress) error {
	var output bytes.Buffer
	cmd.Stderr = progress.counting(&output)
	// An interrupted go command removes its work folder, a killed one does not.
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	defer progress.report()()
	err := cmd.Run()
	if ctx.Err() != nil {
		return fmt.Errorf("stopped after %s (the next run continues from there): %w",
			progress.elapsed(), context.Cause(ctx))
	}
	if err != nil {
		return fmt.Errorf("%w\n%s", err, complaints(output.String()))
	}
	return nil
}

// complaints returns what the go command said beside the names of the packages
// it compiled; names have no spaces. The end is what matters.
func complaints(output string) string {
	var said []string
	for line := range strings.Lines(output) {
		if strings.Contains(line, " ") && !strings.HasPrefix(line, "go: downloading") {
			said = append(said, strings.TrimRight(line, "\n"))
		}
	}
	return strings.Join(said[max(0, len(said)-30):], "\n")
}

// goCommand prefers the go command of this process' own toolchain, which a test
// has although it may not be on PATH.
func goCommand() (string, error) {
	if root := os.Getenv("GOROOT"); root != "" {
		if path, err := exec.LookPath(filepath.Join(root, "bin", "go")); err == nil {
			return path, nil
		}
	}
	path, err := exec.LookPath("go")
	if err == nil || errors.Is(err, exec.ErrDot) {
		return path, err
	}
	return "", fmt.Errorf("install Go %s or later and put it on PATH, it builds the programs: %w",
		strings.TrimPrefix(runtime.Version(), "go"), err)
}
