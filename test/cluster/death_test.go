//go:build linux

package cluster_test

import (
	"bufio"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"testing"
	"time"

	"github.com/certwright/certwright/test/cluster"
)

// TestKilledOwner kills a process that has a cluster, and one that is starting
// it: neither can clean up after itself.
func TestKilledOwner(t *testing.T) {
	for name, moment := range map[string]func(dir string, said *bufio.Scanner) bool{
		"running": func(_ string, said *bufio.Scanner) bool { return said.Scan() && said.Text() == "ready" },
		"starting": func(dir string, _ *bufio.Scanner) bool {
			return appears(filepath.Join(dir, "logs", "kube-apiserver.log"))
		},
		"at first": func(dir string, _ *bufio.Scanner) bool { return appears(dir) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			dir := filepath.Join(t.TempDir(), "cluster")
			owner, said := startOwner(t, dir)
			if !moment(dir, said) {
				t.Fatalf("the owner did not come so far: %s", said.Text())
			}
			if err := owner.Process.Kill(); err != nil {
				t.Fatal(err)
			}
			eventually(t, "the folder is gone", func() bool { return !exists(dir) })
			eventually(t, "the processes are gone", func() bool { return len(processesOf(t, dir)) == 0 })
			time.Sleep(time.Second)
			if exists(dir) {
				t.Error("the folder came back")
			}
		})
	}
}

func startOwner(t *testing.T, dir string) (*exec.Cmd, *bufio.Scanner) {
	owner := exec.Command(os.Args[0])
	owner.Env = append(os.Environ(), ownerVariable+"="+dir)
	out, err := owner.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := owner.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { owner.Process.Kill(); owner.Wait() })
	return owner, bufio.NewScanner(out)
}

func appears(path string) bool {
	for range 5000 {
		if exists(path) {
			return true
		}
		time.Sleep(time.Millisecond)
	}
	return false
}

// TestThreadsEnd starts a component from threads that end: the kernel would kill
// it with the thread that it was started on.
func TestThreadsEnd(t *testing.T) {
	var c *cluster.Cluster
	var err error
	started := make(chan struct{})
	go func() {
		defer close(started)
		runtime.LockOSThread() // never unlocked: the thread ends with the goroutine
		c, err = cluster.Start(t.Context(), cluster.Options{})
	}()
	<-started
	if err != nil {
		t.Fatal(err)
	}
	defer c.Stop()
	time.Sleep(200 * time.Millisecond)
	for _, name := range []string{cluster.Etcd, cluster.APIServer, cluster.ControllerManager} {
		if c.PID(name) == 0 {
			t.Errorf("%s ended with a thread", name)
		}
	}
}
