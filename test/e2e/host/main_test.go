package host

import (
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/test/e2e/suite"
	"github.com/certwright/certwright/test/harness"
)

// world has no daemon: each test starts what it needs.
var world *suite.World

func TestMain(m *testing.M) {
	suite.Main(m, suite.Options{}, func(w *suite.World) { world = w })
}

// alone is for a daemon whose successor need not wait for its lease.
const alone = "--leader-elect=false"

// await waits until something holds that cannot be watched.
func await(t *testing.T, d *harness.Daemon, what string, holds func() bool) {
	t.Helper()
	deadline := time.After(suite.Patience)
	for !holds() {
		select {
		case <-time.After(50 * time.Millisecond):
		case <-d.Exited():
			t.Fatalf("the daemon ended before %s. %s", what, d.Tail(20))
		case <-deadline:
			t.Fatalf("never: %s. %s", what, d.Tail(20))
		}
	}
}

func awaitLog(t *testing.T, d *harness.Daemon, text string) {
	t.Helper()
	await(t, d, "it said "+text, func() bool { return strings.Contains(d.Log(), text) })
}
