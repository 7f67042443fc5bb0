package operations

import (
	"testing"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world has no daemon: each test starts what it needs.
var world *suite.World

func TestMain(m *testing.M) {
	suite.Main(m, suite.Options{Stage: harness.StageOptions{AuditLog: true}}, func(w *suite.World) { world = w })
}

// alone is for a daemon that is killed: the next one need not wait until the
// lease of the dead one ends.
const alone = "--leader-elect=false"
