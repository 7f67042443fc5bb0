package programs_test

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/test/cluster/programs"
)

var hello = programs.Program{Name: "greeter", Package: "example.test/pins/hello", Cold: time.Second}

// module makes a module with a program and gives the test a cache of its own,
// apart from the compiler's, which makes the test fast.
func module(t *testing.T, source string) programs.Module {
	t.Helper()
	cache, err := exec.Command("go", "env", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv("GOCACHE", strings.TrimSpace(string(cache)))
	t.Setenv("XDG_CACHE_HOME", t.TempDir())
	m := programs.Module{Name: "greetings", Dir: t.TempDir(), LDFlags: "-X main.who=you"}
	write(t, m, "go.mod", "module example.test/pins\n\ngo 1.26.0\n")
	write(t, m, "go.sum", "")
	write(t, m, "hello/main.go", source)
	return m
}

func write(t *testing.T, m programs.Module, name, content string) {
	t.Helper()
	path := filepath.Join(m.Dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

const good = "package main\n\nvar who string\n\nfunc main() { print(\"hello \", who) }\n"

func TestEnsureBuildsOnce(t *testing.T) {
	m := module(t, good)
	var log lockedBuffer
	var dirs [3]string
	var group sync.WaitGroup
	for i := range dirs {
		group.Go(func() {
			var err error
			if dirs[i], err = m.Ensure(t.Context(), &log, hello); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if got := strings.Count(log.String(), "building greeter (1 of 1)"); got != 1 {
		t.Errorf("three calls at once: built %d times, want once: %s", got, log.String())
	}
	said, err := exec.Command(filepath.Join(dirs[2], "greeter")).CombinedOutput()
	if err != nil || string(said) != "hello you" {
		t.Errorf("the program: got %q, %v", said, err)
	}
	write(t, m, "go.sum", "\n")
	if changed, err := m.Ensure(t.Context(), &log, hello); err != nil || changed == dirs[0] {
		t.Errorf("after a change of the pins: got %q, %v, want another folder than before", changed, err)
	}
}

// A module with a main package of its own, behind a tag, is built anew when
// that changes, and not only when its pins do.
func TestTaggedBuild(t *testing.T) {
	m := module(t, good)
	m.Tag = "greeter"
	own := programs.Program{Name: "own", Package: ".", Cold: time.Second}
	var dirs []string
	for _, word := range []string{"one", "one", "two"} {
		write(t, m, "main.go", "//go:build greeter\n\npackage main\n\nfunc main() { print(\""+word+"\") }\n")
		dir, err := m.Ensure(t.Context(), &lockedBuffer{}, own)
		if err != nil {
			t.Fatal(err)
		}
		said, err := exec.Command(filepath.Join(dir, "own")).CombinedOutput()
		if err != nil || string(said) != word {
			t.Errorf("the program: got %q, %v, want %s", said, err, word)
		}
		dirs = append(dirs, dir)
	}
	if dirs[0] != dirs[1] || dirs[1] == dirs[2] {
		t.Errorf("folders: %q, want one for each text", dirs)
	}
}

func TestFailedBuild(t *testing.T) {
	m := module(t, "package main\n\nfunc main() { missing() }\n")
	dir, err := m.Ensure(t.Context(), &lockedBuffer{}, hello)
	if err == nil || !strings.Contains(err.Error(), "build greeter") || !strings.Contains(err.Error(), "undefined: missing") {
		t.Errorf("got %v, want what the compiler said", err)
	}
	left, _ := filepath.Glob(filepath.Join(os.Getenv("XDG_CACHE_HOME"), "certwright", "programs", "*", "*"))
	if dir != "" || len(left) > 0 {
		t.Errorf("got folder %q, left in the cache: %v", dir, left)
	}
}

func TestEndedBuild(t *testing.T) {
	m := module(t, good)
	reason := errors.New("enough")
	ctx, cancel := context.WithCancelCause(t.Context())
	cancel(reason)
	if _, err := m.Ensure(ctx, &lockedBuffer{}, hello); !errors.Is(err, reason) {
		t.Errorf("got %v, want %v", err, reason)
	}
	if _, err := m.Ensure(t.Context(), &lockedBuffer{}, hello); err != nil {
		t.Errorf("the next run: %v", err)
	}
}

func TestVersion(t *testing.T) {
	m := module(t, good)
	write(t, m, "go.mod", "module example.test/pins\n\nrequire one.test v1.2.3\n\nrequire (\n\ttwo.test v2.0.0 // indirect\n)\n\nreplace three.test => four.test v4.0.0\n")
	for path, want := range map[string]string{"one.test": "v1.2.3", "two.test": "v2.0.0", "three.test": "", "test": ""} {
		if got, err := m.Version(path); got != want || (want == "") != (err != nil) {
			t.Errorf("Version(%q): got %q, %v, want %q", path, got, err, want)
		}
	}
}

type lockedBuffer struct {
	mu     sync.Mutex
	buffer bytes.Buffer
}

func (b *lockedBuffer) Write(data []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.Write(data)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buffer.String()
}
