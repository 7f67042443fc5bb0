package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

// release is one release.
type release struct {
	tree    string    // the repository
	out     string    // the folder written to
	version string    // as `certwright version` tells it
	commit  string    // of the tree
	when    time.Time // of the commit: the time of every file
	ldflags string
	built   map[string]bool // the binaries made in this run, by path
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "image" && args[0] != "release" {
		return errors.New("say what to make: image or release")
	}
	r := release{built: map[string]bool{}}
	var epoch string
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.StringVar(&r.tree, "tree", ".", "the repository")
	fs.StringVar(&r.out, "out", "dist", "folder to write to")
	fs.StringVar(&r.version, "version", "", "version")
	fs.StringVar(&r.commit, "commit", "", "commit")
	fs.StringVar(&epoch, "epoch", "0", "time of every file, in seconds since 1970")
	fs.StringVar(&r.ldflags, "ldflags", "-s -w", "flags for the linker")
	if err := fs.Parse(args[1:]); err != nil {
		return err
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return fmt.Errorf("-epoch: %q is no number of seconds", epoch)
	}
	r.when = time.Unix(seconds, 0).UTC()
	if r.version == "" {
		r.version = "0.0.0-unversioned"
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if err := r.image(ctx); err != nil || args[0] == "image" {
		return err
	}
	return r.rest(ctx)
}

// rest makes everything but the image.
func (r release) rest(ctx context.Context) error {
	for _, make := range []func(context.Context) error{r.archives, r.debs, r.manifests, r.materials, r.checksums} {
		if err := make(ctx); err != nil {
			return err
		}
	}
	return nil
}

// say tells what is done, for it takes minutes.
func say(format string, args ...any) { fmt.Fprintf(os.Stderr, "release: "+format+"\n", args...) }

func (r release) path(name string) string { return filepath.Join(r.out, name) }
