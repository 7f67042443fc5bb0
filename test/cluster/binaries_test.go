package cluster_test

import (
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/certwright/certwright/test/cluster"
)

func TestAssetsVariable(t *testing.T) {
	dir := t.TempDir()
	t.Setenv(cluster.AssetsVariable, dir)
	for _, name := range []string{cluster.Etcd, cluster.APIServer} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	_, err := cluster.Binaries(t.Context(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "no executable kube-controller-manager: ") {
		t.Errorf("got %v, want an error that names kube-controller-manager", err)
	}
	if err := os.Symlink(filepath.Join(dir, cluster.Etcd), filepath.Join(dir, cluster.ControllerManager)); err != nil {
		t.Fatal(err)
	}
	if got, err := cluster.Binaries(t.Context(), io.Discard); err != nil || got != dir {
		t.Errorf("got %q, %v, want %q", got, err, dir)
	}
}

func TestUnknownProgram(t *testing.T) {
	if _, err := cluster.Binaries(t.Context(), io.Discard, "kube-proxy"); err == nil || !strings.Contains(err.Error(), "kube-proxy") {
		t.Errorf("got %v, want an error that names kube-proxy", err)
	}
}
