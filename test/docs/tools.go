package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/cluster/programs"
	"github.com/certwright/certwright/test/harness"
)

// tools are the programs of all pages.
type tools struct {
	root string // of the repository
	bin  string // a folder for PATH
	// certwright is of this checkout, vault a real one.
	certwright, vault string
	// gateways is the folder of the Gateway API's definitions.
	gateways string
}

// provide builds what is missing and puts it into a folder for PATH; certwright is
// of this checkout unless it is built already.
func provide(ctx context.Context, log io.Writer, root, built string, pages []*page) (t *tools, err error) {
	t = &tools{root: root}
	if t.bin, err = os.MkdirTemp("", "certwright-docs-"); err != nil {
		return nil, err
	}
	t.certwright = filepath.Join(t.bin, "certwright")
	if built == "" {
		if built, err = harness.Build(ctx, log); err != nil {
			return t, err
		}
	}
	if err := harness.Install(built, t.certwright); err != nil {
		return t, err
	}
	kubectl, err := program(ctx, log, root, "kubectl", "kubectlprogram", programs.Program{Name: "kubectl", Package: ".", Cold: 2 * time.Minute})
	if err != nil {
		return t, err
	}
	links := map[string]string{"kubectl": kubectl, "kustomize": filepath.Join(root, "bin", "kustomize"), "helm": filepath.Join(root, "bin", "helm")}
	if err := t.others(ctx, log, pages); err != nil {
		return t, err
	}
	self, err := os.Executable()
	if err != nil {
		return t, err
	}
	for name := range standins {
		links[name] = self
	}
	for name, path := range links {
		if err := os.Symlink(path, filepath.Join(t.bin, name)); err != nil {
			return t, err
		}
	}
	return t, nil
}

// others are programs that only some pages need.
func (t *tools) others(ctx context.Context, log io.Writer, pages []*page) (err error) {
	if slices.ContainsFunc(pages, func(p *page) bool { return p.wants("vault") }) {
		if t.vault, err = program(ctx, log, t.root, "vault", "vaultserver", programs.Program{Name: "vault", Package: ".", Cold: 13 * time.Minute}); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(pages, func(p *page) bool { return p.wants("acme") }) {
		if _, err = binaries.Pebble(ctx, log); err != nil {
			return err
		}
	}
	if slices.ContainsFunc(pages, func(p *page) bool { return p.wants("gateway") }) {
		if t.gateways, err = definitions(ctx, t.root); err != nil {
			return err
		}
	}
	_, err = cluster.Binaries(ctx, log)
	return err
}

// definitions is the folder of the Gateway API's CRDs, of the version in go.mod.
func definitions(ctx context.Context, root string) (string, error) {
	cmd := exec.CommandContext(ctx, "go", "list", "-m", "-f", "{{.Dir}}", "sigs.k8s.io/gateway-api")
	cmd.Dir, cmd.Env = filepath.Join(root, "test"), append(os.Environ(), "GOFLAGS=-mod=mod", "GOWORK=off")
	dir, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("find the Gateway API: %w", err)
	}
	return filepath.Join(strings.TrimSpace(string(dir)), "config", "crd", "standard"), nil
}

// program is one that test/programs/NAME pins and has a main package for.
func program(ctx context.Context, log io.Writer, root, name, tag string, wanted programs.Program) (string, error) {
	module := programs.Module{Name: name, Dir: filepath.Join(root, "test", "programs", name), Tag: tag}
	dir, err := module.Ensure(ctx, log, wanted)
	if err != nil {
		return "", fmt.Errorf("provide %s: %w", name, err)
	}
	return filepath.Join(dir, wanted.Name), nil
}

// close removes the folder; the programs stay in the user's cache.
func (t *tools) close() error { return os.RemoveAll(t.bin) }
