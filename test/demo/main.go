// Command demo shows certwright at work, on a control plane of its own: a root,
// an issuer, application certificates, a TLS handshake with them, a renewal, a
// Secret that heals, and certificates from an ACME server by HTTP-01 and
// DNS-01. It needs Go and nothing else.
//
//	make demo          show it and clean up
//	make demo KEEP=1   leave it running, to try things out
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/certwright/certwright/test/acme/parts"
	"github.com/certwright/certwright/test/acme/pebble"
	"github.com/certwright/certwright/test/harness"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := demo(ctx)
	switch {
	case err == nil:
	case ctx.Err() != nil:
		fmt.Fprintln(os.Stderr, "\nInterrupted; everything was ended and removed.")
		os.Exit(130)
	default:
		fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n%s", err, remedy(err))
		os.Exit(1)
	}
}

// demo shows everything here, or in a process that goes on after this one.
func demo(ctx context.Context) error {
	switch {
	case isKeeper():
		return keep(ctx)
	case keepWanted():
		return startKeeper(ctx)
	}
	s, err := show(ctx)
	if s != nil {
		err = errors.Join(err, s.close())
	}
	if err == nil {
		s.say("Everything was ended and removed. To play with it: make demo KEEP=1")
	}
	return err
}

// show plays all scenes. The show is not nil once there is something to close.
func show(ctx context.Context) (*scene, error) {
	progress := harness.NewProgress(os.Stdout)
	s := &scene{progress: progress}
	s.title("Building certwright and starting a Kubernetes control plane")
	stage, err := harness.Open(ctx, harness.StageOptions{Log: progress})
	if err != nil {
		return nil, err
	}
	s.stage = stage
	// What the daemon is to speak ACME with is told to it by flags, so it is
	// there first.
	if s.parts, err = parts.Start(ctx, stage, parts.Options{Log: progress, Pebble: pebble.Options{NonceReject: 5}}); err != nil {
		return s, err
	}
	return s, s.play(ctx)
}

// failure is an error with what to do about it.
type failure struct {
	error
	remedy string
}

func (f failure) Unwrap() error { return f.error }

func remedy(err error) string {
	if f, is := errors.AsType[failure](err); is {
		return "\n" + f.remedy + "\n"
	}
	return "\nRun it again; what was built by now is kept. If it fails again, run `make test`,\n" +
		"which tells more precisely what does not work on this machine.\n"
}
