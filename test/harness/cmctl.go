package harness

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/certwright/certwright/test/cluster/programs"
)

// cmctlModule is the module path of cert-manager's command line.
const cmctlModule = "github.com/cert-manager/cmctl/v2"

// Cmctl returns the path of cert-manager's own command line, of the version
// that test/cmctl pins. It is built when the user's cache lacks it: minutes,
// with progress on log.
func Cmctl(ctx context.Context, log io.Writer) (string, error) {
	root, err := Root()
	if err != nil {
		return "", err
	}
	module := programs.Module{Name: "cmctl", Dir: filepath.Join(root, "test", "cmctl")}
	version, err := module.Version(cmctlModule)
	if err != nil {
		return "", err
	}
	// Or it would call itself v0.0.0 and a canary.
	module.LDFlags = "-X " + cmctlModule + "/pkg/build.name=cmctl -X github.com/cert-manager/cert-manager/pkg/util.AppVersion=" + version
	dir, err := module.Ensure(ctx, log, programs.Program{Name: "cmctl", Package: cmctlModule, Cold: 3 * time.Minute})
	if err != nil {
		return "", fmt.Errorf("provide cmctl: %w", err)
	}
	return filepath.Join(dir, "cmctl"), nil
}
