// Command rotation proves that certificates of admission webhooks are rotated
// without a lost call: a webhook server behind a real API server, with
// failurePolicy Fail, while a client creates objects without pause, CA and
// server certificate are rotated again and again, and the daemon is killed at
// random moments.
//
//	go run ./rotation                  rotations 20 kills K requests N failed 0
//	OVERLAP=off go run ./rotation      the same without overlap, which must fail
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/certwright/certwright/test/harness"
)

func main() {
	rotations := flag.Int("rotations", 20, "how many")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	overlap := os.Getenv("OVERLAP") != "off"
	if err := prove(ctx, *rotations, overlap); err != nil {
		fmt.Fprintln(os.Stderr, "The proof failed:", err)
		os.Exit(1)
	}
}

// bound ends a proof that hangs; one takes some three minutes.
const bound = 20 * time.Minute // a cold build of the control plane is most of it

func prove(ctx context.Context, rotations int, overlap bool) (err error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	progress := harness.NewProgress(os.Stdout)
	stage, err := harness.Open(ctx, harness.StageOptions{Log: progress})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, stage.Close()) }()
	r, err := newRun(ctx, stage, progress, overlap)
	if err != nil {
		return err
	}
	defer r.close()
	if err := r.rotate(ctx, rotations); err != nil {
		return fmt.Errorf("%w\n%s", err, stage.Logs())
	}
	return r.verdict(rotations)
}

// verdict prints the last line and judges it.
func (r *run) verdict(rotations int) error {
	requests, failed := r.client.count()
	r.progress.Line("rotations %d kills %d requests %d failed %d", rotations, r.kills, requests, failed)
	switch {
	case requests < rotations:
		return errors.New("there were hardly any requests, which proves nothing")
	case r.overlap && failed > 0:
		return fmt.Errorf("%d admission calls were lost; the first: %w\n%s", failed, r.client.firstFailure(), r.stage.Logs())
	case !r.overlap && failed == 0:
		return errors.New("nothing failed without overlap either, so this proves nothing")
	}
	return nil
}
