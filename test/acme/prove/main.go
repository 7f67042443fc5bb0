// Command prove proves ACME with the parts that users have, on the ports that
// they have: step-ca and pebble as ACME servers, traefik as the ingress
// controller and gateway on port 80, BIND as the authoritative DNS server on
// port 53, in a network of its own. The daemon runs with its defaults but for
// the address at which traefik reaches it. It needs root and Linux.
//
//	go run ./acme/prove
//	servers 2 certificates 6 http01-ingress 2 http01-gateway 2 dns01-wildcard 2 issued 6 left-behind 0
package main

import (
	"context"
	"errors"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/harness"
)

func main() {
	netns.Main(func(ctx context.Context, progress *harness.Progress) (int, error) {
		return netns.Prove(ctx, progress, build, prove)
	})
}

func build(ctx context.Context, progress *harness.Progress) error {
	_, err := harness.Build(ctx, progress)
	if err != nil {
		return err
	}
	_, controlPlane := cluster.Binaries(ctx, progress)
	_, pebble := binaries.Pebble(ctx, progress)
	_, stepCA := binaries.StepCA(ctx, progress)
	_, traefik := binaries.Traefik(ctx, progress)
	return errors.Join(controlPlane, pebble, stepCA, traefik)
}
