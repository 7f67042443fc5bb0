//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/cluster/programs"
	"github.com/certwright/certwright/test/harness"
)

// built are the paths of what was built.
type built struct {
	// Dir is the proof's own folder, which all that runs writes to.
	Dir string
	// Root is that of the checkout, Kubernetes the folder of its programs.
	Root, Kubernetes, Kubectl string
	// Image is certwright's, an archive; Inside the program of other containers.
	Image, Inside string
}

// cgroup is the name of the one above all pods.
func (p built) cgroup() string { return filepath.Base(p.Dir) }

// version is what the image calls itself.
const version = "v0.0.0-node"

// build provides everything. What there is already takes no time.
func build(ctx context.Context, log io.Writer) (p built, err error) {
	if p.Root, err = harness.Root(); err != nil {
		return p, err
	}
	kept, err := cacheFolder(p.Root)
	if err != nil {
		return p, err
	}
	p.Image, p.Inside = filepath.Join(kept, "certwright-image.tar"), filepath.Join(kept, "inside")
	if err := p.buildImage(ctx, log, kept); err != nil {
		return p, err
	}
	if err := run(ctx, log, filepath.Join(p.Root, "test"), "go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", p.Inside, "./node/inside"); err != nil {
		return p, err
	}
	var kubernetes, kubectl error
	p.Kubernetes, kubernetes = cluster.Binaries(ctx, log, "kubelet", "kube-scheduler")
	p.Kubectl, kubectl = buildKubectl(ctx, log, p.Root)
	_, pebble := binaries.Pebble(ctx, log)
	_, traefik := binaries.Traefik(ctx, log)
	return p, errors.Join(kubernetes, kubectl, pebble, traefik)
}

// cacheFolder is where this checkout's image lies, with its programs: the go
// command does not link again what is up to date.
func cacheFolder(root string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder (set HOME or XDG_CACHE_HOME): %w", err)
	}
	name := strings.ReplaceAll(strings.Trim(root, string(filepath.Separator)), string(filepath.Separator), "-")
	dir := filepath.Join(cache, "certwright", "image-"+name)
	return dir, os.MkdirAll(dir, 0o755)
}

// buildImage has the program of `make image` do it, for this machine alone.
func (p built) buildImage(ctx context.Context, log io.Writer, out string) error {
	fmt.Fprintln(log, "building the image; certwright-lego takes minutes the first time")
	return run(ctx, log, filepath.Join(p.Root, "test", "tools", "release"), "go", "run", ".", "image",
		"-tree", p.Root, "-out", out, "-version", version, "-platforms", "linux/"+runtime.GOARCH)
}

func buildKubectl(ctx context.Context, log io.Writer, root string) (string, error) {
	module := programs.Module{Name: "kubectl", Dir: filepath.Join(root, "test", "programs", "kubectl"), Tag: "kubectlprogram"}
	dir, err := module.Ensure(ctx, log, programs.Program{Name: "kubectl", Package: ".", Cold: 2 * time.Minute})
	if err != nil {
		return "", fmt.Errorf("provide kubectl: %w", err)
	}
	return filepath.Join(dir, "kubectl"), nil
}

// run runs a command whose words go to the log, and are in the error.
func run(ctx context.Context, log io.Writer, dir, name string, args ...string) error {
	var said bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, io.MultiWriter(&said, log), io.MultiWriter(&said, log)
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=-trimpath -buildvcs=false", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("%s %s: %w\n%s", name, strings.Join(args, " "), err, said.String())
	}
	return nil
}
