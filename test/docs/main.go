package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"

	"github.com/certwright/certwright/test/harness"
)

func main() {
	if standIn() {
		return
	}
	only := flag.Bool("links", false, "check links and names only, and run nothing")
	parallel := flag.Int("parallel", 2, "how many pages at a time")
	built := flag.String("certwright", "", "take this program instead of building one from the checkout")
	flag.Parse()
	ctx, cancel := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := prove(ctx, flag.Args(), *built, *only, *parallel)
	cancel()
	if err != nil {
		fmt.Fprintln(os.Stderr, "prove-docs:", err)
		os.Exit(1)
	}
}

// prove reads all pages, checks what they say, and plays those that were named.
func prove(ctx context.Context, names []string, built string, only bool, parallel int) (err error) {
	root, err := harness.Root()
	if err != nil {
		return err
	}
	pages, err := readAll(root)
	if err != nil {
		return err
	}
	progress := harness.NewProgress(os.Stdout)
	chosen, err := choose(pages, names)
	if err != nil {
		return err
	}
	progress.Line("prove-docs: %d pages", len(pages))
	tools, err := provide(ctx, progress, root, built, chosen)
	if tools != nil {
		defer func() { err = errors.Join(err, tools.close()) }()
	}
	if err != nil {
		return err
	}
	wrong := check(ctx, tools, pages, chosen)
	for _, w := range wrong {
		progress.Line("%s", w)
	}
	if only {
		progress.Line("links and names: %d faults", len(wrong))
	} else {
		err = play(ctx, tools, chosen, parallel, progress)
	}
	if len(wrong) > 0 {
		err = errors.Join(err, fmt.Errorf("%d faults in what pages refer to", len(wrong)))
	}
	return err
}

// readAll reads README.md and docs/*.md.
func readAll(root string) (pages []*page, err error) {
	paths, err := filepath.Glob(filepath.Join(root, "docs", "*.md"))
	if err != nil {
		return nil, err
	}
	slices.Sort(paths)
	var all error
	for _, path := range append([]string{filepath.Join(root, "README.md")}, paths...) {
		path, _ = filepath.Rel(root, path) // it is below root
		p, err := readPage(root, path)
		all = errors.Join(all, err)
		if err == nil {
			_, err = p.steps()
			all = errors.Join(all, err)
			pages = append(pages, p)
		}
	}
	return pages, all
}

func choose(pages []*page, names []string) (chosen []*page, err error) {
	if len(names) == 0 {
		return pages, nil
	}
	for _, name := range names {
		i := slices.IndexFunc(pages, func(p *page) bool { return p.name == name || p.path == name })
		if i < 0 {
			return nil, fmt.Errorf("there is no page %q", name)
		}
		chosen = append(chosen, pages[i])
	}
	return chosen, nil
}

// play plays the pages, some at a time, and tells how they went.
func play(ctx context.Context, tools *tools, pages []*page, parallel int, progress *harness.Progress) error {
	began := time.Now()
	var (
		mu    sync.Mutex
		total tally
		group sync.WaitGroup
	)
	places := make(chan struct{}, max(parallel, 1))
	for _, p := range pages {
		group.Go(func() {
			places <- struct{}{}
			defer func() { <-places }()
			if ctx.Err() != nil {
				return
			}
			t := playPage(ctx, tools, p, progress)
			mu.Lock()
			defer mu.Unlock()
			total.add(t)
		})
	}
	group.Wait()
	progress.Done()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	for _, line := range total.left {
		progress.Line("not run: %s", line)
	}
	progress.Line("%d pages in %s, %d commands not run", len(pages), harness.Elapsed(time.Since(began)), len(total.left))
	fmt.Printf("commands %d passed %d\n", total.commands, total.passed)
	if total.passed != total.commands {
		return fmt.Errorf("%d commands did not pass", total.commands-total.passed)
	}
	return nil
}
