// Package suite is what the end-to-end tests share: a World of one control
// plane and one daemon for a test package, and a Space, a namespace of its own,
// for each test in it.
//
// Tests wait by watching and never sleep for something to happen. A test that
// fails prints what its namespace looked like and what the daemon said about it.
package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// Patience bounds every single wait. It is far above what anything takes, so
// that a busy machine makes a test slow and not red.
const Patience = 90 * time.Second

// Options say what world a test package wants.
type Options struct {
	// Stage is the control plane.
	Stage harness.StageOptions
	// Daemon starts one daemon that all tests share, with Args.
	Daemon bool
	Args   []string
	// Prepare starts what the daemon needs beside the control plane, when it is
	// set, and adds to the daemon's flags and environment. What it returns ends
	// it all, before the control plane goes.
	Prepare func(context.Context, *harness.Stage) (args, env []string, end func() error, err error)
}

// World is what the tests of one package share.
type World struct {
	*harness.Stage
	// Daemon is the shared one; nil when each test starts its own.
	Daemon *harness.Daemon
	// Private are words that nobody may say, beside the keys in Secrets.
	Private []string

	end func() error
}

// Close ends everything.
func (w *World) Close() error {
	var err error
	if w.end != nil {
		err = w.end()
	}
	return errors.Join(err, w.Stage.Close())
}

// Main is the body of TestMain: it opens the world, hands it over, runs the
// tests, looks through everything that was said for private keys, and ends the
// process.
func Main(m *testing.M, o Options, handOver func(*World)) {
	os.Exit(run(m, o, handOver))
}

func run(m *testing.M, o Options, handOver func(*World)) (code int) {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Minute) // a cold build is most of it
	defer cancel()
	w, err := openWorld(ctx, o)
	if err != nil {
		fmt.Fprintln(os.Stderr, "open the world of these tests:", err)
		return 1
	}
	defer func() {
		if code != 0 && w.Daemon != nil { // of others, their tests have told
			fmt.Fprintln(os.Stderr, w.Daemon.Tail(100))
		}
		if err := w.Close(); err != nil {
			fmt.Fprintln(os.Stderr, "close the world of these tests:", err)
			code = 1
		}
	}()
	handOver(w)
	code = m.Run()
	leaks, err := w.leaks(ctx)
	if err != nil {
		leaks = append(leaks, "the search for leaked keys failed: "+err.Error())
	}
	for _, leak := range leaks {
		fmt.Println("--- FAIL: private keys stay private:", leak)
		code = 1
	}
	return code
}

func openWorld(ctx context.Context, o Options) (*World, error) {
	o.Stage.Log = os.Stderr
	stage, err := harness.Open(ctx, o.Stage)
	if err != nil {
		return nil, err
	}
	w := &World{Stage: stage}
	if err := w.furnish(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("%w\n%s", err, stage.Logs()), w.Close())
	}
	return w, nil
}

func (w *World) furnish(ctx context.Context, o Options) (err error) {
	var env []string
	if o.Prepare != nil {
		var args []string
		if args, env, w.end, err = o.Prepare(ctx, w.Stage); err != nil {
			return err
		}
		o.Args = append(o.Args, args...)
	}
	if o.Daemon {
		w.Daemon, err = w.start(harness.DaemonOptions{Name: "shared", Args: o.Args, Env: env})
	}
	return err
}

func (w *World) start(o harness.DaemonOptions) (*harness.Daemon, error) {
	d, err := w.NewDaemon(Watched(o))
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), Patience)
	defer cancel()
	if err := d.Start(); err != nil {
		return nil, err
	}
	return d, d.WaitReady(ctx)
}

// Watched makes a daemon check itself: a handler that changes an object of the
// shared caches, which is a race nobody would see, makes it panic.
func Watched(o harness.DaemonOptions) harness.DaemonOptions {
	o.Env = append(o.Env, "KUBE_CACHE_MUTATION_DETECTOR=true")
	return o
}

// StartDaemon starts a daemon for one test, waits until it is ready and stops
// it in good order when the test ends.
func (w *World) StartDaemon(t testing.TB, args ...string) *harness.Daemon {
	t.Helper()
	d := w.PrepareDaemon(t, args...)
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	WaitReady(t, d)
	return d
}

// PrepareDaemon makes a daemon for one test that the test starts itself. At the
// end of the test it is stopped in good order, if it runs.
func (w *World) PrepareDaemon(t testing.TB, args ...string) *harness.Daemon {
	t.Helper()
	return w.PrepareDaemonWith(t, harness.DaemonOptions{Args: args})
}

// PrepareDaemonWith is PrepareDaemon with a kubeconfig or an environment of its own.
func (w *World) PrepareDaemonWith(t testing.TB, o harness.DaemonOptions) *harness.Daemon {
	t.Helper()
	o.Name = fmt.Sprintf("%s-%d", strings.ReplaceAll(t.Name(), "/", "-"), nextNumber())
	d, err := w.NewDaemon(Watched(o))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Log(d.Tail(80))
		}
		ctx, cancel := context.WithTimeout(context.Background(), Patience)
		defer cancel()
		if err := d.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return d
}

// WaitReady waits until a daemon says it is ready.
func WaitReady(t testing.TB, d *harness.Daemon) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), Patience)
	defer cancel()
	if err := d.WaitReady(ctx); err != nil {
		t.Fatal(err)
	}
}
