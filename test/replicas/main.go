// Command replicas proves that several certwrights share the work: real
// processes on a fresh local control plane with its audit log, which tells them
// apart by their tokens.
//
//	one        one replica issues N Certificates of a CA issuer
//	three      three replicas issue as many on the same cores, and may take a
//	           tenth longer: they share the cores with the API server, which
//	           tells each of them of everything
//	killed     one of them is killed while more are made: what was its goes on
//	           within the lease's time
//	ACME       150 Certificates by pebble; the replica that leads, and so has
//	           all that speaks with ACME servers, is killed in the middle
//
// Who wrote for which key, and who held its shard at that time, is read from the
// audit log and from a watch on the Leases: a key written for by a replica whose
// shard was another's counts in two-writers. max-processing is how many
// challenges were at work at once at most.
//
//	go run ./replicas
//	replicas 3 certificates 3000 failed 0 two-writers 0 max-processing M takeover-seconds S
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

// The Leases are short, so that a takeover does not take the proof's time.
const (
	leaseDuration = 10 * time.Second
	renewDeadline = 6 * time.Second
	retryPeriod   = 2 * time.Second

	shardCount = 12
	replicas   = 3
	cap60      = 60
	// slower is how much longer three may take than one.
	slower = 1.1
	// mostRounds is how often both are measured at most: a machine that did
	// something else for a moment is no proof of anything.
	mostRounds = 3
)

// options are the command line.
type options struct {
	certificates, more, acme int
	patience                 time.Duration
	binary                   string
}

func main() {
	var o options
	flag.IntVar(&o.certificates, "certificates", 3000, "how many one replica, and then three, issue")
	flag.IntVar(&o.more, "more", 600, "how many are made while one replica is killed")
	flag.IntVar(&o.acme, "acme", 150, "how many are issued by an ACME server")
	flag.DurationVar(&o.patience, "patience", 8*time.Minute, "how long each part may take")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := prove(ctx, o)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "The proof failed:", err)
		os.Exit(1)
	}
}

// outcome is what is proved.
type outcome struct {
	issued     int
	takenOver  time.Duration
	most       int // challenges at work at once
	overlaps   int // of one name
	twoWriters []string
}

func prove(ctx context.Context, o options) error {
	progress := harness.NewProgress(os.Stdout)
	binary, remove, err := harness.BuildOwn(ctx, progress)
	if err != nil {
		return err
	}
	defer remove()
	o.binary = binary
	var one, three time.Duration
	var so outcome
	for round := 1; ; round++ {
		alone, err := measureOne(ctx, progress, o)
		if err != nil {
			return fmt.Errorf("one replica: %w", err)
		}
		first := round == 1
		together, what, err := measureThree(ctx, progress, o, first)
		if err != nil {
			return fmt.Errorf("three replicas: %w", err)
		}
		if first {
			so = what
		}
		one, three = one+alone, three+together
		progress.Line("%d Certificates: one replica %.1f s, three %.1f s, %.2f times as long (in %d rounds)",
			o.certificates, one.Seconds()/float64(round), three.Seconds()/float64(round), three.Seconds()/one.Seconds(), round)
		if round == mostRounds || !tooSlow(one, three) {
			return verdict(progress, o, so, one, three)
		}
		progress.Line("measuring both once more; all rounds count")
	}
}

func tooSlow(one, three time.Duration) bool { return three.Seconds() > slower*one.Seconds() }

// verdict prints the last line and judges it.
func verdict(progress *harness.Progress, o options, so outcome, one, three time.Duration) error {
	var faults []error
	if so.issued < o.certificates {
		faults = append(faults, fmt.Errorf("only %d of %d were issued", so.issued, o.certificates))
	}
	if len(so.twoWriters) > 0 {
		faults = append(faults, fmt.Errorf("%d keys were written for by a replica that did not have them, such as %s", len(so.twoWriters), so.twoWriters[0]))
	}
	if so.most > cap60 || so.most == 0 || so.overlaps > 0 {
		faults = append(faults, fmt.Errorf("%d challenges were at work at once, and %d times two of one name; at most %d may be, and one has to be", so.most, so.overlaps, cap60))
	}
	if most := leaseDuration + 2*retryPeriod; so.takenOver > most || so.takenOver == 0 {
		faults = append(faults, fmt.Errorf("what the killed replica had was taken over after %.1f s, at most %.0f are allowed", so.takenOver.Seconds(), most.Seconds()))
	}
	if tooSlow(one, three) {
		faults = append(faults, fmt.Errorf("three replicas took %.2f times as long as one, and %.1f is allowed", three.Seconds()/one.Seconds(), slower))
	}
	progress.Line("replicas %d certificates %d failed %d two-writers %d max-processing %d takeover-seconds %.1f",
		replicas, o.certificates, o.certificates-so.issued, len(so.twoWriters), so.most, so.takenOver.Seconds())
	return errors.Join(faults...)
}
