// Package binaries provides the programs of others that the ACME tests run
// certwright against. Each is pinned by a Go module under test/programs and
// built into the user's cache, once for a set of pins.
package binaries

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"time"

	"github.com/certwright/certwright/test/cluster/programs"
	"github.com/certwright/certwright/test/harness"
)

// Pebble returns the path of pebble. A first build takes half a minute.
func Pebble(ctx context.Context, log io.Writer) (string, error) {
	return ensure(ctx, log, "pebble", programs.Program{
		Name: "pebble", Package: "github.com/letsencrypt/pebble/v2/cmd/pebble", Cold: 40 * time.Second,
	})
}

// StepCA returns the path of step-ca. A first build takes some five minutes.
func StepCA(ctx context.Context, log io.Writer) (string, error) {
	return ensure(ctx, log, "stepca", programs.Program{
		Name: "step-ca", Package: "github.com/smallstep/certificates/cmd/step-ca", Cold: 5 * time.Minute,
	})
}

// Traefik returns the path of traefik. A first build takes a quarter of an hour.
func Traefik(ctx context.Context, log io.Writer) (string, error) {
	return ensure(ctx, log, "traefik", programs.Program{
		Name: "traefik", Package: "github.com/traefik/traefik/v3/cmd/traefik", Cold: 13 * time.Minute,
	})
}

// DNSWebhook returns the path of a DNS01 solver made with cert-manager's webhook
// library. A first build takes a minute and a half where the product is
// built already.
func DNSWebhook(ctx context.Context, log io.Writer) (string, error) {
	return ensure(ctx, log, "dnswebhook", programs.Program{Name: "dnswebhook", Package: ".", Cold: 90 * time.Second})
}

// ensure builds a program that the module test/programs/NAME pins. A module with
// a main package of its own has it behind a build tag of its name.
func ensure(ctx context.Context, log io.Writer, name string, wanted programs.Program) (string, error) {
	pins, err := harness.Folder("test", "programs", name)
	if err != nil {
		return "", err
	}
	module := programs.Module{Name: name, Dir: pins}
	if wanted.Package == "." {
		module.Tag = name
	}
	dir, err := module.Ensure(ctx, log, wanted)
	if err != nil {
		return "", fmt.Errorf("provide %s: %w", name, err)
	}
	return filepath.Join(dir, wanted.Name), nil
}
