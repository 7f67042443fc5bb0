package acme

import (
	"context"
	"flag"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/acme/site"
	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world and shared are for all tests of this package.
var (
	world  *suite.World
	shared *parts.Set
	lost   lostNames
)

// shortLife is the profile of certificates of six days.
const shortLife = "shortlived"

func TestMain(m *testing.M) {
	// The tests wait far more than they work, so they need not wait for each
	// other as well.
	flag.Parse()
	if err := flag.Set("test.parallel", "12"); err != nil {
		panic(err)
	}
	suite.Main(m, suite.Options{
		Stage:  harness.StageOptions{AuditLog: true},
		Daemon: true,
		// The log is to say much, so that what must not be in it would be.
		Args:    []string{"--v=4", "--expiry-sweep-spread=0s"},
		Prepare: prepare,
	}, func(w *suite.World) {
		world = w
		w.Private = append(w.Private, shared.DNS.Key.Secret, shared.DNS.Powerless.Secret, macKey, wrongMACKey)
	})
}

func prepare(ctx context.Context, stage *harness.Stage) (args, env []string, end func() error, err error) {
	shared, err = parts.Start(ctx, stage, parts.Options{
		Log: os.Stderr, Lost: lost.has,
		Pebble: pebble.Options{
			NonceReject: 10, AlternateRoots: 1,
			Profiles: map[string]time.Duration{"default": 90 * 24 * time.Hour, shortLife: 6 * 24 * time.Hour},
		},
	})
	if err != nil {
		return nil, nil, nil, err
	}
	return shared.Args(), shared.Env(), shared.Close, nil
}

// begin is how every test begins.
func begin(t *testing.T) *site.Site {
	t.Helper()
	t.Parallel()
	return site.New(t, world, shared)
}

// lostNames are those whose HTTP-01 path leads to another machine for now.
type lostNames struct{ names sync.Map }

func (l *lostNames) has(host string) bool {
	_, is := l.names.Load(strings.ToLower(host))
	return is
}

// lose makes a name lead to another machine until the returned func is called.
func (l *lostNames) lose(name string) (find func()) {
	l.names.Store(name, true)
	return func() { l.names.Delete(name) }
}
