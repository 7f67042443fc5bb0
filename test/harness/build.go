package harness

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// module is the first line of the product's go.mod.
const module = "module github.com/certwright/certwright"

// Root returns the folder of the product's checkout: the nearest one, from the
// working directory upwards, that holds the product's go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", err
	}
	for {
		mod, err := os.ReadFile(filepath.Join(dir, "go.mod"))
		if err == nil && strings.HasPrefix(string(mod), module+"\n") {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("run this inside a checkout of certwright: no folder above has its go.mod")
		}
		dir = parent
	}
}

// Build compiles the daemon from the checkout and returns the path of the
// binary, which the next build replaces: Install it before running it. Build
// says on log how far it is when there is something to wait for.
func Build(ctx context.Context, log io.Writer) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	kept, err := keptBinary(root)
	if err != nil {
		return "", err
	}
	unlock, err := lockFile(kept + ".lock")
	if err != nil {
		return "", fmt.Errorf("wait for another build of certwright: %w", err)
	}
	defer unlock()
	return kept, compile(ctx, log, root, kept)
}

// Install gives a binary that Build made a second name, which no later build
// replaces under a running process.
func Install(built, path string) error {
	unlock, err := lockFile(built + ".lock")
	if err != nil {
		return fmt.Errorf("wait for a build of certwright: %w", err)
	}
	defer unlock()
	return place(built, path)
}

// BuildOwn builds certwright under a name of the caller's own, so that all
// daemons of one proof run the same binary, whatever happens to the checkout
// meanwhile. remove takes it away.
func BuildOwn(ctx context.Context, log io.Writer) (binary string, remove func(), err error) {
	built, err := Build(ctx, log)
	if err != nil {
		return "", nil, err
	}
	dir, err := os.MkdirTemp("", "certwright-proof-")
	if err != nil {
		return "", nil, err
	}
	remove = func() { _ = os.RemoveAll(dir) } // the system's folder is emptied anyway
	binary = filepath.Join(dir, "certwright")
	if err := Install(built, binary); err != nil {
		remove()
		return "", nil, err
	}
	return binary, remove, nil
}

// keptBinary is where the last build of this checkout lies. It is kept because
// the go command does not link again what is already up to date.
func keptBinary(root string) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("find the user's cache folder (set HOME or XDG_CACHE_HOME): %w", err)
	}
	key := sha256.Sum256([]byte(root))
	dir := filepath.Join(cache, "certwright", "daemon-"+hex.EncodeToString(key[:4]))
	return filepath.Join(dir, "certwright"), os.MkdirAll(dir, 0o755)
}

// compile uses the flags of the control plane's build, so that the packages
// both have in common (client-go, the standard library) are compiled once.
func compile(ctx context.Context, log io.Writer, root, out string) error {
	cmd := exec.CommandContext(ctx, "go", "build", "-v", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w",
		"-o", out, "./daemon/certwright")
	cmd.Dir = root
	cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOFLAGS=", "GOWORK=off")
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	stderr, err := cmd.StderrPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("build certwright (is Go on PATH?): %w", err)
	}
	said := followBuild(stderr, log)
	if err := cmd.Wait(); err != nil {
		return fmt.Errorf("build certwright: %w\n%s", err, said)
	}
	return nil
}

// followBuild counts the packages that go build -v names and returns whatever
// else it said, which is what matters when it fails.
func followBuild(stderr io.Reader, log io.Writer) string {
	var said bytes.Buffer
	start, last, compiled := time.Now(), time.Now(), 0
	for lines := bufio.NewScanner(stderr); lines.Scan(); {
		line := lines.Text()
		switch {
		case strings.HasPrefix(line, "go: downloading"):
		case strings.Contains(line, " "):
			fmt.Fprintln(&said, line)
		default:
			compiled++
		}
		if time.Since(last) > 5*time.Second {
			last = time.Now()
			fmt.Fprintf(log, "building certwright: %s, %d packages compiled\n",
				time.Since(start).Round(time.Second), compiled)
		}
	}
	return said.String()
}

// lockFile takes an exclusive lock that the kernel frees when this process ends.
func lockFile(path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX); err != nil {
		return nil, errors.Join(err, file.Close())
	}
	return func() { file.Close() }, nil
}

// place gives the file a second name, or copies it where that cannot be.
func place(from, to string) error {
	if err := os.Remove(to); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if os.Link(from, to) == nil {
		return nil
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	return os.WriteFile(to, content, 0o755)
}
