package crash

import (
	"context"
	"os"
	"testing"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world has no daemon: each test starts what it needs, one after the other.
var (
	world *suite.World
	set   *parts.Set
)

func TestMain(m *testing.M) {
	suite.Main(m, suite.Options{
		Stage: harness.StageOptions{AuditLog: true},
		Prepare: func(ctx context.Context, stage *harness.Stage) (args, env []string, end func() error, err error) {
			set, err = parts.Start(ctx, stage, parts.Options{Log: os.Stderr, Pebble: pebble.Options{NonceReject: 5}})
			if err != nil {
				return nil, nil, nil, err
			}
			return nil, nil, set.Close, nil
		},
	}, func(w *suite.World) {
		world = w
		w.Private = append(w.Private, set.DNS.Key.Secret)
	})
}

// start starts a daemon that leads to all parts. It has no lease, so that the
// next one need not wait until that of a dead one ends.
func start(t *testing.T) *harness.Daemon {
	t.Helper()
	d := world.PrepareDaemonWith(t, harness.DaemonOptions{
		Args: append(set.Args(), "--leader-elect=false", "--v=4"), Env: set.Env(),
	})
	if err := d.Start(); err != nil {
		t.Fatal(err)
	}
	suite.WaitReady(t, d)
	return d
}

func begin(t *testing.T) *site.Site { return site.New(t, world, set) }
