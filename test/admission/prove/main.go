// Command prove asks the API server of a fresh local control plane, with
// deploy/policies installed, the cases of package admission, and the Go rules
// beside it. It ends with one line:
//
//	cases N refused-as-expected R accepted-as-expected A disagreements 0
//
// A case disagrees when either of the two decides otherwise than the case says,
// or refuses without naming the field. Then, and when anything else fails, the
// exit code is 1.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/certwright/certwright/test/admission"
	"github.com/certwright/certwright/test/harness"
)

func main() {
	verbose := flag.Bool("v", false, "print what the API server says to each case that it refuses")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	t := &tally{verbose: *verbose}
	err := prove(ctx, t)
	if err != nil {
		fmt.Println("prove:", err)
	}
	fmt.Println(t)
	if err != nil || t.disagreements > 0 {
		stop()
		os.Exit(1)
	}
}

func prove(ctx context.Context, t *tally) (err error) {
	stage, err := harness.Open(ctx, harness.StageOptions{Log: harness.NewProgress(os.Stdout)})
	if err != nil {
		return err
	}
	defer func() {
		if closing := stage.Close(); err == nil {
			err = closing
		}
	}()
	s, cases := newServer(stage.Clients), admission.Cases()
	for _, step := range []func() error{
		func() error { return s.grant(ctx) },
		func() error { return s.store(ctx, cases) },
		func() error { return s.probe(ctx, false, false) },
		func() error { return s.install(ctx, cases) },
		func() error { return s.probe(ctx, true, true) },
		func() error { return t.ask(ctx, s, stamped(cases)) },
		func() error { return s.wellTyped(ctx) },
		func() error { return s.startupCheck(ctx) },
		func() error { return issues(ctx, stage) },
		func() error { return s.dismissStamper(ctx) },
		func() error { return s.probe(ctx, true, false) },
		func() error { return t.ask(ctx, s, unstamped(cases)) },
	} {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

func stamped(cases []admission.Case) (chosen []admission.Case) {
	for _, c := range cases {
		if !c.Unstamped {
			chosen = append(chosen, c)
		}
	}
	return chosen
}

func unstamped(cases []admission.Case) (chosen []admission.Case) {
	for _, c := range cases {
		if c.Unstamped {
			chosen = append(chosen, c)
		}
	}
	return chosen
}
