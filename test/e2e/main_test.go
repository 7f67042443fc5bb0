package e2e

import (
	"testing"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world is shared by all tests of this package.
var world *suite.World

func TestMain(m *testing.M) {
	suite.Main(m, suite.Options{
		Stage:  harness.StageOptions{AuditLog: true},
		Daemon: true,
		// The log is to say much, so that what must not be in it would be; and a
		// renewal is not to wait for its turn among thousands of others.
		Args: []string{"--v=4", "--expiry-sweep-spread=0s"},
	}, func(w *suite.World) { world = w })
}

// space is how every test begins.
func space(t *testing.T) *suite.Space {
	t.Helper()
	t.Parallel()
	return world.Space(t)
}
