//go:build linux

package machine

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// cgroupMount is where the hierarchies are: one of version 2, or a folder of
// those of version 1.
const cgroupMount = "/sys/fs/cgroup"

// hierarchies are the roots of all cgroups here.
func hierarchies() ([]string, error) {
	if _, err := os.Stat(filepath.Join(cgroupMount, "cgroup.controllers")); err == nil {
		return []string{cgroupMount}, nil
	}
	found, err := filepath.Glob(filepath.Join(cgroupMount, "*", "cgroup.procs"))
	if err != nil || len(found) == 0 {
		return nil, errors.Join(fmt.Errorf("no cgroups at %s", cgroupMount), err)
	}
	for i := range found {
		found[i] = filepath.Dir(found[i])
	}
	return found, nil
}

// makeCgroups makes the cgroup below which the kubelet puts all pods.
func makeCgroups(name string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for _, root := range roots {
		if err := os.Mkdir(filepath.Join(root, name), 0o755); err != nil && !errors.Is(err, fs.ErrExist) {
			return fmt.Errorf("make a cgroup: %w", err)
		}
	}
	return nil
}

// RemoveCgroups removes a node's cgroups, whose processes have ended or are about
// to.
func RemoveCgroups(name string) error {
	roots, err := hierarchies()
	if err != nil {
		return err
	}
	for until := time.Now().Add(10 * time.Second); ; {
		if err = removeTrees(roots, name); err == nil || time.Now().After(until) {
			return err
		}
		<-time.After(50 * time.Millisecond) // the kernel does not say when the last process is gone
	}
}

func removeTrees(roots []string, name string) error {
	var all error
	for _, root := range roots {
		var folders []string
		_ = filepath.WalkDir(filepath.Join(root, name), func(path string, d fs.DirEntry, err error) error {
			if err == nil && d.IsDir() {
				folders = append(folders, path)
			}
			return nil // what is gone need not be removed
		})
		for _, folder := range slices.Backward(folders) {
			if err := os.Remove(folder); err != nil && !errors.Is(err, fs.ErrNotExist) {
				all = errors.Join(all, err)
			}
		}
	}
	return all
}
