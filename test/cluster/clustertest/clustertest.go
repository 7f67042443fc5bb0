// Package clustertest starts a control plane for one Go test.
package clustertest

import (
	"context"
	"os"
	"testing"
	"time"

	"github.com/certwright/certwright/test/cluster"
)

// reserve is the part of a test's time that a start may not use up: when the
// go command's timeout strikes, nothing can be said any more.
const reserve = 15 * time.Second

// ForTest starts a cluster that ends with the test, and fails the test when it
// does not start. Progress goes to standard error unless o.Log is set. The
// component's logs are kept, and their folder logged, when the test failed.
//
// On a machine that never built the programs that takes minutes, more than a
// test may take by default: build them beforehand, with the command "cluster
// build" or [cluster.Binaries].
func ForTest(t testing.TB, o cluster.Options) *cluster.Cluster {
	t.Helper()
	if o.Log == nil {
		o.Log = os.Stderr
	}
	ctx, cancel := untilDeadline(t)
	defer cancel()
	c, err := cluster.Start(ctx, o)
	if err != nil {
		t.Fatalf("%v", err)
	}
	watched := watch(t, c)
	t.Cleanup(func() { <-watched; stop(t, c) })
	return c
}

func untilDeadline(t testing.TB) (context.Context, context.CancelFunc) {
	if timed, ok := t.(interface{ Deadline() (time.Time, bool) }); ok {
		if deadline, ok := timed.Deadline(); ok {
			return context.WithDeadline(t.Context(), deadline.Add(-reserve))
		}
	}
	return context.WithCancel(t.Context())
}

// watch logs the death of a component, which explains what fails after it. The
// test's context ends before its cleanups run, so nothing is logged too late.
func watch(t testing.TB, c *cluster.Cluster) (ended <-chan struct{}) {
	end := make(chan struct{})
	go func() {
		defer close(end)
		if err := c.Wait(t.Context()); err != nil {
			t.Logf("control plane: %v", err)
		}
	}()
	return end
}

func stop(t testing.TB, c *cluster.Cluster) {
	if t.Failed() {
		t.Logf("the control plane's logs are kept in %s", c.KeepLogs())
	}
	if err := c.Stop(); err != nil {
		t.Errorf("%v", err)
	}
}
