// Command build builds beforehand the programs of others that the ACME tests
// run certwright against, so that its progress is seen:
//
//	go run ./acme/build          what make test needs
//	go run ./acme/build -all     also what make prove needs
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"

	"github.com/certwright/certwright/test/acme/binaries"
)

func main() {
	all := flag.Bool("all", false, "also the big ones")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt)
	err := build(ctx, *all)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func build(ctx context.Context, all bool) error {
	_, pebble := binaries.Pebble(ctx, os.Stderr)
	_, solver := binaries.DNSWebhook(ctx, os.Stderr)
	if err := errors.Join(pebble, solver); err != nil || !all {
		return err
	}
	_, first := binaries.StepCA(ctx, os.Stderr)
	_, second := binaries.Traefik(ctx, os.Stderr)
	return errors.Join(first, second)
}
