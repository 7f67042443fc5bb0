package annotations

import (
	"testing"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world has one daemon, started before there is a Gateway API.
var world *suite.World

func TestMain(m *testing.M) {
	suite.Main(m, suite.Options{
		Stage: harness.StageOptions{AuditLog: true}, Daemon: true,
		Args: []string{"--expiry-sweep-spread=0s", "--default-issuer-name=ca", "--enable-gateway-api", "--enable-gateway-api-listenerset",
			"--enable-restart-on-renewal", "--extra-certificate-annotations=team.test/cost"},
	}, func(w *suite.World) { world = w })
}
