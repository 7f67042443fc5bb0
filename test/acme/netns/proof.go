package netns

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// Main is the main of a program that proves something: it runs until a signal,
// tells what failed, and ends the process with the code of the run.
func Main(run func(context.Context, *harness.Progress) (int, error)) {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	code, err := run(ctx, harness.NewProgress(os.Stdout))
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "The proof failed:", err)
		code = 1
	}
	os.Exit(code)
}

// bound ends a proof that hangs; one takes less than a minute.
const bound = 5 * time.Minute

// Prove builds what a proof needs, and runs it in a network of its own.
// Building needs modules, and there is no way to them from inside.
func Prove(ctx context.Context, progress *harness.Progress, build, prove func(context.Context, *harness.Progress) error) (int, error) {
	if Inside() {
		ctx, cancel := context.WithTimeout(ctx, bound)
		defer cancel()
		return 0, prove(ctx, progress)
	}
	if err := build(ctx, progress); err != nil {
		return 1, err
	}
	progress.Done()
	return Rerun(ctx)
}
