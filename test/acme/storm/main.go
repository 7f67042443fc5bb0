// Command storm proves that names that can never be proved hold nobody up: on a
// fresh control plane, with pebble as the ACME server, 500 Certificates are
// made at once, of which 100 are for names that lead to another machine. The
// other 400 must be issued as soon as 400 are alone, and never may more than 60
// names be proved at once, nor one name twice at once. That is watched from
// outside the daemon.
//
// The ACME server takes up to 10 seconds to look at a proof, so that places are
// what is short, as they are at a public one. Without that (-dawdle 0) it is the
// processors, which control plane, ACME server and daemon share: a quarter more
// Certificates then cost about so much more time, whoever gets the places.
//
//	go run ./acme/storm
//	certificates 500 hopeless 100 issued 400 max-processing M same-name-overlaps 0 seconds S seconds-without-hopeless T
//	go run ./acme/storm -max 70        the daemon is allowed more, which must be found
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

// cap60 is the daemon's default of --max-concurrent-challenges.
const cap60 = 60

// slower is how much longer the hopeful may take beside the hopeless.
const slower = 1.2

// mostRounds is how often both sides are measured at most: a machine that did
// something else for a moment is no proof of anything.
const mostRounds = 3

// options are the command line.
type options struct {
	certificates, hopeless, dns int
	max                         int
	perRound                    time.Duration
	dawdle                      time.Duration
	binary                      string
}

func main() {
	var o options
	flag.IntVar(&o.certificates, "certificates", 500, "how many in all")
	flag.IntVar(&o.hopeless, "hopeless", 100, "how many of them are for names that can never be proved")
	flag.IntVar(&o.dns, "dns", 10, "how many of a hundred of the others are proved by DNS-01")
	flag.IntVar(&o.max, "max", cap60, "the daemon's --max-concurrent-challenges")
	flag.DurationVar(&o.dawdle, "dawdle", 10*time.Second, "how long the ACME server takes at most for each of three looks at a proof, in whole seconds")
	flag.DurationVar(&o.perRound, "patience", 5*time.Minute, "how long one side of one round may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := prove(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "The proof failed:", err)
		os.Exit(1)
	}
}

// outcome is what one storm, or all of them together, came to.
type outcome struct {
	issued, hopelessIssued, max, overlaps int
	writes                                int // at the API server, until the last of the hopeful was Ready
	took                                  time.Duration
}

func prove(ctx context.Context, o options) error {
	progress := harness.NewProgress(os.Stdout)
	binary, remove, err := harness.BuildOwn(ctx, progress)
	if err != nil {
		return err
	}
	defer remove()
	o.binary = binary
	return rounds(ctx, progress, o)
}

// rounds measures both sides, once more when the machine seems to have done
// something else.
func rounds(ctx context.Context, progress *harness.Progress, o options) (err error) {
	var with, without outcome
	for round := 1; ; round++ {
		if without, err = measure(ctx, progress, o, 0, without); err != nil {
			return err
		}
		if with, err = measure(ctx, progress, o, o.hopeless, with); err != nil {
			return err
		}
		if round == mostRounds || !tooSlow(with, without) || faults(with, o) != nil {
			return verdict(progress, o, with, without, round)
		}
		progress.Line("The 400 took %.2f times as long beside the others: measuring both sides once more, all rounds count.",
			with.took.Seconds()/without.took.Seconds())
	}
}

// measure makes one storm and adds what it came to.
func measure(ctx context.Context, progress *harness.Progress, o options, hopeless int, so outcome) (outcome, error) {
	progress.Line("%d Certificates, and %d that are hopeless", o.certificates-o.hopeless, hopeless)
	one, err := weather(ctx, progress, o, hopeless)
	if err != nil {
		return so, err
	}
	progress.Line("   issued %d in %.1f s, at most %d processing, with %d API writes", one.issued, one.took.Seconds(), one.max, one.writes)
	so.took += one.took
	so.issued, so.max = one.issued, max(so.max, one.max)
	so.overlaps, so.hopelessIssued = so.overlaps+one.overlaps, so.hopelessIssued+one.hopelessIssued
	return so, nil
}

func tooSlow(with, without outcome) bool {
	return with.took.Seconds() > slower*without.took.Seconds()
}

// faults judges all but the time.
func faults(with outcome, o options) error {
	switch {
	case with.max > cap60:
		return fmt.Errorf("%d were processing at once, and %d may be", with.max, cap60)
	case with.overlaps > 0:
		return fmt.Errorf("one name was proved twice at once, %d times", with.overlaps)
	case with.issued < o.certificates-o.hopeless:
		return fmt.Errorf("only %d of %d were issued", with.issued, o.certificates-o.hopeless)
	case with.hopelessIssued > 0:
		return fmt.Errorf("%d of the hopeless were issued, so this proves nothing", with.hopelessIssued)
	case with.max == 0:
		return errors.New("nothing was ever processing, so this proves nothing")
	}
	return nil
}

// verdict prints the last line, with the mean of all rounds, and judges it.
func verdict(progress *harness.Progress, o options, with, without outcome, n int) error {
	err := faults(with, o)
	if err == nil {
		err = faults(outcome{issued: without.issued, max: without.max, overlaps: without.overlaps}, o)
	}
	if err == nil && tooSlow(with, without) {
		err = fmt.Errorf("the hopeful took more than %.1f times as long beside the hopeless, in %d rounds together", slower, n)
	}
	progress.Line("certificates %d hopeless %d issued %d max-processing %d same-name-overlaps %d seconds %.0f seconds-without-hopeless %.0f",
		o.certificates, o.hopeless, with.issued, max(with.max, without.max), with.overlaps+without.overlaps,
		with.took.Seconds()/float64(n), without.took.Seconds()/float64(n))
	return err
}
