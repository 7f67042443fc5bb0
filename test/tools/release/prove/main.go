// Command prove proves that the image is made of the source and of nothing else: it
// makes it in two folders of different names and lengths, compares every byte, and
// looks at what is in it.
//
//	prove           the image
//	prove release   the archives and packages as well: every line of SHA256SUMS
//
// Its last line is, for example
//
//	made twice, 1 image sha256:3ead... for 2 platforms, differences 0
package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "The proof failed:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	what := "image"
	if len(args) == 1 && args[0] == "release" {
		what = "release"
	} else if len(args) > 0 {
		return fmt.Errorf("%q: say release, or nothing", strings.Join(args, " "))
	}
	root, err := output(ctx, ".", "git", "rev-parse", "--show-toplevel")
	if err != nil {
		return err
	}
	work, err := os.MkdirTemp("", "certwright-image-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	first, second := filepath.Join(work, "a"), filepath.Join(work, "another", "folder", "further", "down")
	if err := copyTree(ctx, root, first); err != nil {
		return err
	}
	if err := copyFolder(first, second); err != nil {
		return err
	}
	for _, tree := range []string{first, second} {
		if err := build(ctx, tree, what); err != nil {
			return err
		}
	}
	differences, err := compare(filepath.Join(first, "dist"), filepath.Join(second, "dist"))
	if err != nil {
		return err
	}
	digest, platforms, faults, err := look(filepath.Join(first, "dist", "image"))
	if err != nil {
		return err
	}
	fmt.Printf("made twice, 1 image %s for %d platforms, differences %d\n", digest, platforms, len(differences))
	if len(differences) > 0 {
		faults = append(faults, "differences: "+strings.Join(differences, ", "))
	}
	if len(faults) > 0 {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// copyTree copies what git would commit, as it stands.
func copyTree(ctx context.Context, root, to string) error {
	list, err := output(ctx, root, "git", "ls-files", "-z", "--cached", "--others", "--exclude-standard")
	if err != nil {
		return err
	}
	for name := range strings.SplitSeq(strings.TrimRight(list, "\x00"), "\x00") {
		err := copyFile(filepath.Join(root, name), filepath.Join(to, name))
		if err != nil && !errors.Is(err, os.ErrNotExist) { // a deletion that is not committed
			return err
		}
	}
	return nil
}

func copyFile(from, to string) error {
	info, err := os.Lstat(from)
	if err != nil {
		return err
	}
	if info.Mode()&os.ModeSymlink != 0 {
		return copyLink(from, to)
	}
	content, err := os.ReadFile(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.WriteFile(to, content, info.Mode().Perm())
}

func copyLink(from, to string) error {
	target, err := os.Readlink(from)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(to), 0o755); err != nil {
		return err
	}
	return os.Symlink(target, to)
}

func copyFolder(from, to string) error { return os.CopyFS(to, os.DirFS(from)) }

// build makes an image as make does, with a version, a commit and a time that stand
// for those of a release.
func build(ctx context.Context, tree, what string) error {
	began := time.Now()
	const stamp = "-X github.com/certwright/certwright/daemon/certwright/commands."
	_, err := output(ctx, filepath.Join(tree, "test", "tools", "release"), "go", "run", ".", what,
		"-tree", tree, "-out", filepath.Join(tree, "dist"), "-version", "v1.0.0", "-commit", "0123456789", "-epoch", "1700000000",
		"-ldflags", "-s -w "+stamp+"version=v1.0.0 "+stamp+"commit=0123456789")
	if err != nil {
		return err
	}
	fmt.Printf("made in %s after %.0f s\n", tree, time.Since(began).Seconds())
	return nil
}

// compare returns the names of files that are not the same in both folders.
func compare(one, other string) (different []string, err error) {
	seen := map[string]bool{}
	for _, dir := range []string{one, other} {
		err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			name, err := filepath.Rel(dir, path)
			if err != nil || seen[name] {
				return err
			}
			seen[name] = true
			if !same(filepath.Join(one, name), filepath.Join(other, name)) {
				different = append(different, name)
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return different, nil
}

func same(one, other string) bool {
	a, errA := os.ReadFile(one)
	b, errB := os.ReadFile(other)
	return errA == nil && errB == nil && bytes.Equal(a, b)
}

// output runs a command, shows what it complains of, and returns what it says.
func output(ctx context.Context, dir, name string, args ...string) (string, error) {
	var said, complained bytes.Buffer
	cmd := exec.CommandContext(ctx, name, args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = dir, &said, io.MultiWriter(&complained, os.Stderr)
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	cmd.WaitDelay = 10 * time.Second
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("%s %s: %w\n%s", name, args[0], err, complained.String())
	}
	return strings.TrimRight(said.String(), "\n"), nil
}
