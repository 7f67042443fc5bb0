package main

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// archives writes certwright_VERSION_OS_ARCH.tar.gz for each platform: the
// programs, the licence and the README.
func (r release) archives(ctx context.Context) error {
	for _, p := range append(append([]platform{}, servers...), desktops...) {
		if err := r.archive(ctx, p); err != nil {
			return err
		}
	}
	return nil
}

func (r release) archive(ctx context.Context, p platform) error {
	top := fmt.Sprintf("certwright_%s_%s", r.version, p)
	files, err := r.programs(ctx, p, top)
	if err != nil {
		return err
	}
	for _, name := range []string{"LICENSE", "README.md"} {
		content, err := os.ReadFile(filepath.Join(r.tree, name))
		if err != nil {
			return err
		}
		files = append(files, file{filepath.Join(top, name), 0o644, content})
	}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if err := r.tar(z, files); err != nil {
		return err
	}
	if err := z.Close(); err != nil {
		return err
	}
	return os.WriteFile(r.path(top+".tar.gz"), packed.Bytes(), 0o644)
}

// filesOf reads a folder, in the order of names.
func filesOf(folder string) ([]file, error) {
	var files []file
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(folder, path)
		files = append(files, file{name, 0o644, content})
		return err
	})
	return files, err
}
