package bundles

import (
	"testing"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world has one daemon, with the rights of deploy/rbac and no more.
var world *suite.World

func TestMain(m *testing.M) {
	suite.Main(m, suite.Options{
		Stage: harness.StageOptions{AuditLog: true}, Daemon: true, Args: []string{"--expiry-sweep-spread=0s"},
	}, func(w *suite.World) { world = w })
}
