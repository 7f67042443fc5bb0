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
	shots := flag.String("shots", "", "where to leave pictures; empty: none are made")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := prove(ctx, *shots); err != nil {
		fmt.Fprintln(os.Stderr, "The proof failed:", err)
		stop()
		os.Exit(1)
	}
}

// bound ends a proof that hangs; one takes some three minutes.
const bound = 25 * time.Minute // a cold build of the control plane is most of it

func prove(ctx context.Context, shots string) (err error) {
	ctx, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	log := harness.NewProgress(os.Stdout)
	axe, err := axeCore(ctx)
	if err != nil {
		return err
	}
	w, err := openWorld(ctx, log)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, w.close()) }()
	b, err := openBrowser(ctx, axe, shots)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	t := &tally{log: log}
	for _, part := range []struct {
		name string
		run  func(context.Context, *tally, *world, *browser)
	}{
		{"every page, light and dark, wide and narrow", everyPage},
		{"by keyboard alone", byKeyboard},
		{"live", liveUpdates},
		{"without JavaScript", withoutScript},
		{"below a path of a proxy, and when it is away", behindProxy},
		{"on a terminal", onTerminal},
		{"an issuance, watched", issuance},
		{"ten thousand", tenThousand},
	} {
		log.Line("page: %s", part.name)
		part.run(ctx, t, w, b)
		if ctx.Err() != nil {
			return ctx.Err()
		}
	}
	log.Line("pages %d checks %d failed %d", b.pages, t.checks, t.failed)
	if t.failed > 0 || t.checks < 50 {
		return fmt.Errorf("%d of %d checks failed", t.failed, t.checks)
	}
	return nil
}

// tally counts what was checked.
type tally struct {
	log            *harness.Progress
	checks, failed int
}

// check counts one, and says what is wrong when it does not hold.
func (t *tally) check(holds bool, format string, args ...any) bool {
	t.checks++
	if !holds {
		t.failed++
		t.log.Line("FAILED: "+format, args...)
	}
	return holds
}

// ok counts one that fails by an error.
func (t *tally) ok(err error, what string) bool { return t.check(err == nil, "%s: %v", what, err) }
