// Command migration proves that certwright takes cert-manager's place, and gives
// it back, without issuing anything anew: cert-manager's own controllers issue
// one certificate of each kind, are killed in the midst of others, and certwright
// goes on; then certwright is stopped and cert-manager goes on.
//
//	go run ./migration
//	certificates 20 reissued 0 finished 13 back-reissued 0
//
// With -keep it leaves off after cert-manager was killed and tells where the
// control plane is, until it is interrupted.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/cluster/programs"
	"github.com/certwright/certwright/test/harness"
)

func main() {
	keep := flag.Bool("keep", false, "leave off before certwright begins, to look at what cert-manager left")
	flag.Parse()
	netns.Main(func(ctx context.Context, progress *harness.Progress) (int, error) {
		reference, err := build(ctx, progress)
		if err != nil {
			return 1, err
		}
		ctx, cancel := context.WithTimeout(ctx, bound)
		defer cancel()
		return 0, prove(ctx, progress, reference, *keep)
	})
}

// bound ends a proof that hangs; cert-manager sleeps a minute in each DNS-01.
const bound = 15 * time.Minute

// build provides the programs, and returns the path of cert-manager.
func build(ctx context.Context, progress *harness.Progress) (string, error) {
	_, daemon := harness.Build(ctx, progress)
	_, controlPlane := cluster.Binaries(ctx, progress)
	_, pebble := binaries.Pebble(ctx, progress)
	path, reference := certManager(ctx, progress)
	progress.Done()
	return path, errors.Join(daemon, controlPlane, pebble, reference)
}

func certManager(ctx context.Context, log io.Writer) (string, error) {
	pins, err := harness.Folder("test", "programs", "certmanager")
	if err != nil {
		return "", err
	}
	program := programs.Program{Name: "certmanager", Package: ".", Cold: 5 * time.Minute}
	dir, err := programs.Module{Name: "certmanager", Dir: pins, Tag: "certmanager"}.Ensure(ctx, log, program)
	if err != nil {
		return "", fmt.Errorf("provide cert-manager: %w", err)
	}
	return filepath.Join(dir, program.Name), nil
}
