// Command cluster starts and ends Kubernetes control planes on this machine.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"regexp"
	"syscall"

	"github.com/certwright/certwright/test/cluster"
)

const usage = `cluster starts a real Kubernetes control plane on this machine: etcd,
kube-apiserver and kube-controller-manager, without containers, nodes or root.

  eval "$(cluster up)"      start it and point kubectl at it
  cluster down              end it and remove its files

Commands:
  up          start a cluster in the background and print the line
              export KUBECONFIG=PATH; prints it again when the cluster runs
  down        end a cluster and remove its files
  status      list the clusters
  kubeconfig  print the path of a cluster's kubeconfig
  build       build the programs, and print the folder they are in; needed only
              to have it done beforehand. Arguments kubelet and kube-scheduler
              add those programs

Flags of up, down and kubeconfig:
  --name NAME      which cluster (default "default"); several may run at once

Flags of up:
  --foreground     stay, and end the cluster with Ctrl-C
  --dir DIR        the folder for data, keys and logs; missing or empty, and
                   removed with the cluster (default: in the user's cache)
  --address IP     the IPv4 address to listen on (default 127.0.0.1)
  --audit-log      log every request, to logs/audit.log in the folder

The first start builds the programs, some 10 minutes on 2 cores; they are kept in
the user's cache. Set KUBEBUILDER_ASSETS to a folder with etcd, kube-apiserver and
kube-controller-manager to use those instead. Progress goes to standard error.
`

func main() {
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	err := run(ctx, os.Args[1:])
	cancel()
	switch {
	case errors.Is(err, flag.ErrHelp):
		fmt.Print(usage)
	case errors.Is(err, errRuns):
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(exitRuns)
	case err != nil:
		fmt.Fprintf(os.Stderr, "cluster: %v\n", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 {
		return fmt.Errorf("say what to do: up, down, status, kubeconfig or build (cluster --help explains them)")
	}
	f, err := parse(args[0], args[1:])
	if err != nil {
		return err
	}
	switch args[0] {
	case "up":
		return up(ctx, f)
	case "down":
		return down(ctx, f.home)
	case "status":
		return status()
	case "kubeconfig":
		return kubeconfig(f.home)
	case "build":
		return build(ctx, f.rest)
	case "help", "-h", "-help", "--help":
		return flag.ErrHelp
	}
	return fmt.Errorf("there is no command %q: use up, down, status, kubeconfig or build (cluster --help explains them)", args[0])
}

// flags are the command line's; a command uses those that concern it.
type flags struct {
	home       home
	dir        string
	address    string
	foreground bool
	auditLog   bool
	rest       []string
}

var validName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]*[a-z0-9])?$`)

func parse(command string, args []string) (flags, error) {
	var f flags
	set := flag.NewFlagSet(command, flag.ContinueOnError)
	set.SetOutput(discard{}) // the error is returned, and says it better than a page of usage
	name := set.String("name", "default", "")
	if command == "up" {
		set.StringVar(&f.dir, "dir", "", "")
		set.StringVar(&f.address, "address", "", "")
		set.BoolVar(&f.foreground, "foreground", false, "")
		set.BoolVar(&f.auditLog, "audit-log", false, "")
	}
	if err := set.Parse(args); err != nil {
		return f, fmt.Errorf("%s: %w (cluster --help lists the flags)", command, err)
	}
	f.rest = set.Args()
	if len(f.rest) > 0 && command != "build" {
		return f, fmt.Errorf("%s takes no argument %q (cluster --help lists the flags)", command, f.rest[0])
	}
	if !validName.MatchString(*name) {
		return f, fmt.Errorf("the name %q may have only lower-case letters, digits and dashes between them", *name)
	}
	var err error
	f.home, err = homeOf(*name)
	return f, err
}

func build(ctx context.Context, extra []string) error {
	dir, err := cluster.Binaries(ctx, os.Stderr, extra...)
	if err == nil {
		fmt.Println(dir)
	}
	return err
}

type discard struct{}

func (discard) Write(data []byte) (int, error) { return len(data), nil }
