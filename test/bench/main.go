// Command bench measures what certwright does with many Certificates on a real
// local control plane, and what that costs the control plane:
//
//	make bench ARGS="-n 1000 -key both"
//	make bench ARGS="-scale"
//	make bench ARGS="-o json" > bench.json
//
// One run is: N Certificates of a CA issuer are created (Certificate to Ready), all are renewed
// at once, the daemon rests, the daemon restarts with N at rest. Each run has a
// fresh control plane. Two more runs have an ACME issuer, one by HTTP-01 and one
// by DNS-01, and end when all are issued. Requests are the API server's own count less the calls
// that the benchmark makes itself (see package harness).
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"strings"
	"syscall"

	"github.com/certwright/certwright/test/harness"
)

// options are the command line.
type options struct {
	n, acme, namespaces, workers, creators int
	key, output, daemonFlags, binary       string
	renew, restart, scale                  bool
}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := mainErr(ctx, os.Args[1:])
	stop()
	switch {
	case errors.Is(err, flag.ErrHelp):
	case err != nil:
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func mainErr(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	if runtime.GOOS != "linux" {
		return errors.New("the benchmark reads CPU and memory from /proc and runs on Linux only")
	}
	progress := harness.NewProgress(os.Stderr)
	report := newReport()
	for _, run := range o.runs() {
		result, err := measure(ctx, progress, run)
		if err != nil {
			return fmt.Errorf("%s: %w", run.title(), err)
		}
		report.Runs = append(report.Runs, result)
	}
	return report.print(os.Stdout, o)
}

func parse(args []string) (options, error) {
	var o options
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.IntVar(&o.n, "n", 1000, "number of Certificates")
	f.IntVar(&o.acme, "acme", 300, "number of Certificates by HTTP-01, and as many by DNS-01; 0 leaves ACME out")
	f.IntVar(&o.namespaces, "namespaces", 1, "number of namespaces they are spread over")
	f.StringVar(&o.key, "key", "ecdsa", "private keys: ecdsa (P-256), rsa (2048) or both")
	f.IntVar(&o.workers, "workers", 0, "the daemon's --concurrent-workers; 0 leaves its default")
	f.IntVar(&o.creators, "creators", 4, "how many Certificates are created at a time")
	f.StringVar(&o.daemonFlags, "daemon-flags", "", "further flags of the daemon, separated by spaces")
	f.StringVar(&o.binary, "binary", "", "measure this certwright instead of one built from the checkout")
	f.StringVar(&o.output, "o", "table", "output: table or json")
	f.BoolVar(&o.renew, "renew", true, "renew all at once afterwards")
	f.BoolVar(&o.restart, "restart", true, "restart the daemon with all at rest")
	f.BoolVar(&o.scale, "scale", false, "instead compare 500 with 5000 Certificates of a CA issuer in one namespace")
	if err := f.Parse(args); err != nil {
		return o, err
	}
	return o, o.validate(f.Args())
}

func (o options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("unexpected argument %q; see -help", rest[0])
	case o.n < 1 || o.namespaces < 1 || o.creators < 1 || o.workers < 0 || o.acme < 0:
		return errors.New("-n, -namespaces and -creators must be at least 1, -workers and -acme not negative")
	case o.namespaces > o.n || o.acme > 0 && o.namespaces > o.acme:
		return errors.New("-namespaces must not be above -n or -acme")
	case o.key != "ecdsa" && o.key != "rsa" && o.key != "both":
		return fmt.Errorf("-key %q: want ecdsa, rsa or both", o.key)
	case o.output != "table" && o.output != "json":
		return fmt.Errorf("-o %q: want table or json", o.output)
	}
	return nil
}

// run is one measurement on a fresh control plane.
type run struct {
	// way is how names are proved to an ACME server; empty for a CA issuer.
	way, key                         string
	n, namespaces, workers, creators int
	renew, restart                   bool
	daemonFlags                      []string
	binary                           string
}

func (r run) title() string {
	title := fmt.Sprintf("%d Certificates, %s, %d namespace(s)", r.n, r.key, r.namespaces)
	if r.way != "" {
		title += ", ACME by " + r.way
	}
	return title
}

// scaleSizes are the two that must not differ: a namespace that is nearly empty
// and one that is full.
var scaleSizes = []int{500, 5000}

func (o options) runs() []run {
	keys := []string{o.key}
	if o.key == "both" {
		keys = []string{"ecdsa", "rsa"}
	}
	sizes := []int{o.n}
	if o.scale {
		sizes, o.namespaces, o.renew, o.restart, o.acme = scaleSizes, 1, false, false, 0
	}
	var runs []run
	for _, key := range keys {
		for _, n := range sizes {
			runs = append(runs, run{
				key: key, n: n, namespaces: o.namespaces, workers: o.workers, creators: o.creators,
				renew: o.renew, restart: o.restart, daemonFlags: strings.Fields(o.daemonFlags),
				binary: o.binary,
			})
		}
	}
	if o.acme == 0 {
		return runs
	}
	for _, way := range []string{byHTTP, byDNS} {
		one := runs[0]
		one.way, one.n, one.renew, one.restart = way, o.acme, false, false
		runs = append(runs, one)
	}
	return runs
}
