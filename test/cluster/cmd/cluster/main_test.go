package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/certwright/certwright/test/cluster"
)

// commandVariable makes the test program the command itself.
const commandVariable = "CERTWRIGHT_TEST_CLUSTER_COMMAND"

func TestMain(m *testing.M) {
	if os.Getenv(commandVariable) != "" {
		main()
		return
	}
	dir, err := cluster.Binaries(context.Background(), os.Stderr)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Setenv(cluster.AssetsVariable, dir) // the tests have caches of their own
	os.Exit(m.Run())
}

// call runs the command as a shell would.
func call(args ...string) (stdout, stderr string, err error) {
	var out, errs bytes.Buffer
	cmd := exec.Command(os.Args[0], args...)
	cmd.Env = append(os.Environ(), commandVariable+"=1")
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	return out.String(), errs.String(), err
}

func must(t *testing.T, args ...string) (stdout string) {
	t.Helper()
	stdout, stderr, err := call(args...)
	if err != nil {
		t.Fatalf("cluster %v: %v: %s", args, err, stderr)
	}
	return stdout
}

func ownCache(t *testing.T) string {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache)
	t.Cleanup(func() { call("down", "--name", "mine") })
	return cache
}

func TestLife(t *testing.T) {
	cache := ownCache(t)
	lines := [2]string{}
	var group sync.WaitGroup
	for i := range lines {
		group.Go(func() { lines[i], _, _ = call("up", "--name", "mine") })
	}
	group.Wait()
	path := strings.TrimSpace(must(t, "kubeconfig", "--name", "mine"))
	want := "export KUBECONFIG=" + path + "\n"
	if lines[0] != want || lines[1] != want {
		t.Errorf("up twice at once: got %q, want %q each", lines, want)
	}
	if got := must(t, "up", "--name", "mine"); got != want {
		t.Errorf("up while it runs: got %q, want %q", got, want)
	}
	if content, err := os.ReadFile(path); err != nil || !strings.Contains(string(content), "server: https://127.0.0.1:") {
		t.Errorf("the kubeconfig: %v: %s", err, content)
	}
	if got := must(t, "status"); !strings.Contains(got, "running") || !strings.Contains(got, path) {
		t.Errorf("status: got %s", got)
	}
	must(t, "down", "--name", "mine")
	if left, _ := filepath.Glob(filepath.Join(cache, "certwright", "clusters", "*")); len(left) > 0 {
		t.Errorf("left after down: %v", left)
	}
	if _, said, err := call("down", "--name", "mine"); err != nil || said != "no cluster \"mine\" runs\n" {
		t.Errorf("down when nothing runs: got %q, %v", said, err)
	}
}

// TestKilledOwner: the name can be used again, and status says what happened.
func TestKilledOwner(t *testing.T) {
	ownCache(t)
	first := must(t, "up", "--name", "mine")
	h, err := homeOf("mine")
	if err != nil {
		t.Fatal(err)
	}
	pid, err := h.owner()
	if err != nil || pid == 0 {
		t.Fatalf("owner: got %d, %v", pid, err)
	}
	if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	for range 100 {
		if _, err := os.Stat(h.data()); err != nil {
			break
		}
		time.Sleep(50 * time.Millisecond)
	}
	if got := must(t, "status"); !strings.Contains(got, "ended") {
		t.Errorf("status: got %s", got)
	}
	if _, said, err := call("kubeconfig", "--name", "mine"); err == nil || !strings.Contains(said, "cluster up --name mine") {
		t.Errorf("kubeconfig: got %q, %v, want the remedy", said, err)
	}
	if got := must(t, "up", "--name", "mine"); got != first {
		t.Errorf("up again: got %q, want %q", got, first)
	}
}

func TestFailedUp(t *testing.T) {
	ownCache(t)
	_, said, err := call("up", "--name", "mine", "--address", "192.0.2.1")
	if err == nil || !strings.Contains(said, "is it an address of this machine?") {
		t.Errorf("got %q, %v, want the owner's error", said, err)
	}
}

func TestUsage(t *testing.T) {
	ownCache(t)
	for name, row := range map[string]struct {
		args []string
		want string
	}{
		"nothing":  {nil, "say what to do"},
		"command":  {[]string{"upp"}, `no command "upp"`},
		"flag":     {[]string{"down", "--dir", "x"}, "not defined: -dir"},
		"argument": {[]string{"up", "mine"}, `no argument "mine"`},
		"name":     {[]string{"up", "--name", "../x"}, "lower-case"},
	} {
		if _, said, err := call(row.args...); err == nil || !strings.Contains(said, row.want) {
			t.Errorf("%s: got %q, %v, want an error with %q", name, said, err, row.want)
		}
	}
	for _, args := range [][]string{{"--help"}, {"up", "--help"}, {"help"}} {
		if got := must(t, args...); got != usage {
			t.Errorf("%v: got %q, want the usage", args, got)
		}
	}
}
