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

	"github.com/google/go-containerregistry/pkg/name"
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
	push    string          // a reference to push the image to; empty pushes nothing
	images  []platform      // those of the image
	built   map[string]bool // the binaries made in this run, by path
}

func run(ctx context.Context, args []string) error {
	if len(args) == 0 || args[0] != "image" && args[0] != "release" {
		return errors.New("say what to make: image or release")
	}
	r, err := parse(args)
	if errors.Is(err, flag.ErrHelp) {
		return nil
	}
	if err != nil {
		return err
	}
	if err := os.MkdirAll(r.out, 0o755); err != nil {
		return err
	}
	if err := r.image(ctx); err != nil || args[0] == "image" {
		return err
	}
	return r.rest(ctx)
}

func parse(args []string) (release, error) {
	r := release{built: map[string]bool{}}
	var epoch, platforms string
	fs := flag.NewFlagSet(args[0], flag.ContinueOnError)
	fs.StringVar(&r.tree, "tree", ".", "the repository")
	fs.StringVar(&r.out, "out", "dist", "folder to write to")
	fs.StringVar(&r.version, "version", "", "version")
	fs.StringVar(&r.commit, "commit", "", "commit")
	fs.StringVar(&epoch, "epoch", "0", "time of every file, in seconds since 1970")
	fs.StringVar(&r.ldflags, "ldflags", "-s -w", "flags for the linker")
	fs.StringVar(&platforms, "platforms", "", "platforms of the image, as linux/amd64,linux/arm64; empty: both")
	fs.StringVar(&r.push, "push", "", "push the image to this reference, REGISTRY/NAME:TAG, with the credentials of docker login")
	if err := fs.Parse(args[1:]); err != nil {
		return r, err
	}
	if fs.NArg() > 0 {
		return r, fmt.Errorf("%q: only flags may follow %s", fs.Arg(0), args[0])
	}
	seconds, err := strconv.ParseInt(epoch, 10, 64)
	if err != nil {
		return r, fmt.Errorf("-epoch: %q is no number of seconds", epoch)
	}
	r.when = time.Unix(seconds, 0).UTC()
	if r.version == "" {
		r.version = "0.0.0-unversioned"
	}
	if r.push != "" {
		if _, err := name.ParseReference(r.push); err != nil {
			return r, fmt.Errorf("-push: %w", err)
		}
	}
	r.images, err = platformsOf(platforms)
	return r, err
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
