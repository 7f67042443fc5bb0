// Command ingress proves Certificates by annotation through a real ingress
// controller and gateway: traefik serves annotated Ingresses and Gateways over
// TLS with the Secrets that certwright made, from the apply of a manifest to a
// GET that is verified by the CA, and again after a renewal. The Gateway API is
// installed when the daemon runs already. It needs root and Linux, for a network
// of its own.
//
//	go run ./ingress             routes 7 verified 7 after-renewal 7
//	go run ./ingress -n 1000     what an Ingress costs beside so many others
package main

import (
	"context"
	"errors"
	"flag"

	"github.com/certwright/certwright/test/acme/binaries"
	"github.com/certwright/certwright/test/acme/netns"
	"github.com/certwright/certwright/test/cluster"
	"github.com/certwright/certwright/test/harness"
)

func main() {
	many := flag.Int("n", 0, "measure the work for an Ingress beside so many others, and nothing else")
	flag.Parse()
	netns.Main(func(ctx context.Context, progress *harness.Progress) (int, error) {
		if *many > 0 {
			return 0, measure(ctx, progress, *many)
		}
		return netns.Prove(ctx, progress, build, prove)
	})
}

func build(ctx context.Context, progress *harness.Progress) error {
	_, err := harness.Build(ctx, progress)
	if err != nil {
		return err
	}
	_, controlPlane := cluster.Binaries(ctx, progress)
	_, traefik := binaries.Traefik(ctx, progress)
	return errors.Join(controlPlane, traefik)
}
