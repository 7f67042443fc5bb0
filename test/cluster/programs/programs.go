// Package programs builds third-party programs (kube-apiserver, etcd, ...) from
// a nested Go module that only pins them, and keeps them in the user's cache.
//
// A program is built once for one set of pins: the cache folder's name carries
// a hash of the module's go.mod, go.sum and of the build flags. Two processes
// that want the same program do not both build it, and a build that was ended
// half-way leaves nothing that looks finished.
package programs

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// Module is a nested Go module whose go.mod pins the programs.
type Module struct {
	// Name starts the name of the cache folder; it says what is inside.
	Name string
	// Dir is the folder that holds go.mod and go.sum.
	Dir string
	// LDFlags are linker flags beyond -s -w, for example -X to stamp a version.
	LDFlags string
	// Tag is the build tag behind which a module has a main package of its own;
	// its files are then part of what the cache folder is named after.
	Tag string
}

// Program is one main package of a Module.
type Program struct {
	// Name is the file name of the built program.
	Name string
	// Package is the import path of its main package.
	Package string
	// Cold is how long a first build takes on two cores; it is only shown.
	Cold time.Duration
}

// Ensure builds those of the programs that the cache lacks and returns the
// folder that holds them all. Progress goes to log, a line at least every 10
// seconds while there is something to wait for.
//
// It fails when go.mod cannot be read, the go command is missing, a build
// fails (the compiler's own words are in the error) or ctx ends; what was
// compiled by then is kept by the go command, so the next call continues.
func (m Module) Ensure(ctx context.Context, log io.Writer, programs ...Program) (string, error) {
	dir, err := m.cacheDir()
	if err != nil {
		return "", err
	}
	if len(missing(dir, programs)) == 0 {
		return dir, nil
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", fmt.Errorf("create the cache folder: %w", err)
	}
	unlock, err := lock(ctx, log, dir+".lock")
	if err != nil {
		return "", fmt.Errorf("wait for another build of %s: %w", m.Name, err)
	}
	defer unlock()
	// Whoever held the lock before may have built what we lacked.
	if err := m.buildAll(ctx, log, dir, missing(dir, programs)); err != nil {
		return "", err
	}
	return dir, nil
}

// buildAll runs under the lock, so a folder of a build is one that was killed.
func (m Module) buildAll(ctx context.Context, log io.Writer, dir string, todo []Program) error {
	killed, _ := filepath.Glob(filepath.Join(dir, workPrefix+"*")) // the pattern is fixed and valid
	for _, work := range killed {
		os.RemoveAll(work)
	}
	for i, p := range todo {
		if err := m.build(ctx, newProgress(log, p, i+1, len(todo)), p, dir); err != nil {
			return err
		}
	}
	return nil
}

// Version returns the version at which go.mod requires the module path, such
// as "v1.36.3". It fails when go.mod cannot be read or does not require it.
func (m Module) Version(path string) (string, error) {
	mod, err := os.ReadFile(filepath.Join(m.Dir, "go.mod"))
	if err != nil {
		return "", fmt.Errorf("read the pins of %s: %w", m.Name, err)
	}
	for line := range strings.Lines(string(mod)) {
		fields := strings.Fields(strings.TrimPrefix(strings.TrimSpace(line), "require "))
		if len(fields) >= 2 && fields[0] == path && strings.HasPrefix(fields[1], "v") {
			return fields[1], nil
		}
	}
	return "", fmt.Errorf("%s does not require %s", filepath.Join(m.Dir, "go.mod"), path)
}

// flags are the same for every module, because each of them is part of the go
// command's cache key: programs that share packages then share compiled ones.
func (m Module) flags() []string {
	flags := []string{"-trimpath", "-buildvcs=false", "-ldflags", strings.TrimSpace("-s -w " + m.LDFlags)}
	if m.Tag != "" {
		flags = append(flags, "-tags", m.Tag)
	}
	return flags
}

// pins are the files that say what is built, by their names in Dir.
func (m Module) pins() []string {
	files := []string{"go.mod", "go.sum"}
	if m.Tag != "" {
		own, _ := filepath.Glob(filepath.Join(m.Dir, "*.go")) // the pattern is valid
		for _, file := range own {
			files = append(files, filepath.Base(file))
		}
	}
	return files
}

func (m Module) cacheDir() (string, error) {
	hash := sha256.New()
	for _, file := range m.pins() {
		content, err := os.ReadFile(filepath.Join(m.Dir, file))
		if err != nil {
			return "", fmt.Errorf("read the pins of %s: %w", m.Name, err)
		}
		fmt.Fprintf(hash, "%s %d\n%s", file, len(content), content)
	}
	fmt.Fprintln(hash, runtime.GOOS, runtime.GOARCH, m.flags(), environment)
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder (set HOME or XDG_CACHE_HOME): %w", err)
	}
	key := hex.EncodeToString(hash.Sum(nil))[:16]
	return filepath.Join(cache, "certwright", "programs", m.Name+"-"+key), nil
}

func missing(dir string, programs []Program) []Program {
	var todo []Program
	for _, p := range programs {
		if _, err := os.Stat(filepath.Join(dir, p.Name)); err != nil {
			todo = append(todo, p)
		}
	}
	return todo
}
