package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
	"unicode/utf8"

	"github.com/creack/pty"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
)

// onTerminal runs `certwright status --watch` on a terminal, through a relay
// that can take the API server away.
func onTerminal(ctx context.Context, t *tally, w *world, _ *browser) {
	r, err := newRelay(strings.TrimPrefix(w.stage.Clients.Config.Host, "https://"))
	if !t.ok(err, "relay") {
		return
	}
	defer r.close()
	kubeconfig := filepath.Join(w.stage.Dir, "relayed.kubeconfig")
	if !t.ok(relayed(w.stage.Cluster.Kubeconfig(), kubeconfig, r.address()), "kubeconfig") {
		return
	}
	listOnTerminal(ctx, t, w, r, kubeconfig)
	storyOnTerminal(ctx, t, w, kubeconfig)
	plainOnTerminal(ctx, t, w, kubeconfig)
}

func relayed(from, to, address string) error {
	cfg, err := clientcmd.LoadFromFile(from)
	if err != nil {
		return err
	}
	for _, c := range cfg.Clusters {
		c.Server = "https://" + address
	}
	return clientcmd.WriteToFile(*cfg, to)
}

func listOnTerminal(ctx context.Context, t *tally, w *world, r *relay, kubeconfig string) {
	s, err := openShow(ctx, w, kubeconfig, nil, "status", "-n", "shop", "--watch")
	if !t.ok(err, "status --watch") {
		return
	}
	defer s.kill()
	t.ok(s.until("the worst first", func(screen []string) bool {
		return len(screen) == 24 && strings.Contains(screen[0], "Certificates") && strings.HasPrefix(screen[3], "\x1b[1;31mExpired\x1b[0m")
	}), "status --watch")
	t.check(s.fits(80), "a line is wider than the terminal: %q", s.screen())
	_, err = w.certificate(ctx, "shop", "watched-in-a-terminal", "nowhere", inOrder(-3*day))
	t.ok(err, "a Certificate")
	t.ok(s.until("a new one", func(screen []string) bool { return contains(screen, "watched-in-a-terminal") }), "status --watch")
	t.ok(s.resize(10, 40), "resize")
	t.ok(s.until("ten lines", func(screen []string) bool { return len(screen) == 10 && s.fits(40) }), "status --watch")
	t.ok(s.press("\x1b[F"), "End")
	t.ok(s.until("the last ones", func(screen []string) bool { return contains(screen, "web-59") }), "status --watch")
	t.ok(s.press("\x1b[H"), "Home")
	t.ok(s.resize(30, 120), "resize")
	t.ok(s.until("the first ones", func(screen []string) bool { return len(screen) == 30 && contains(screen, "Expired") }), "status --watch")

	r.cut()
	t.ok(s.until("a note that the API server is away", func(screen []string) bool { return contains(screen, "may be old") && contains(screen, "Expired") }), "status --watch")
	t.ok(w.stage.Clients.CertManager.CertmanagerV1().Certificates("shop").Delete(ctx, "watched-in-a-terminal", metav1.DeleteOptions{}), "delete")
	t.ok(r.mend(), "relay")
	t.ok(s.until("what happened meanwhile", func(screen []string) bool {
		return !contains(screen, "may be old") && !contains(screen, "watched-in-a-terminal")
	}), "status --watch")
	s.ends(t, "q")
}

func storyOnTerminal(ctx context.Context, t *tally, w *world, kubeconfig string) {
	_, err := w.certificate(ctx, "shop", "told", "ca", inOrder(30*day))
	t.ok(err, "a Certificate")
	s, err := openShow(ctx, w, kubeconfig, []string{"NO_COLOR=1"}, "status", "certificate", "told", "-n", "shop", "-w")
	if !t.ok(err, "status certificate --watch") {
		return
	}
	defer s.kill()
	t.ok(s.until("its story", func(screen []string) bool {
		return contains(screen, "Certificate shop/told") && contains(screen, "Waits for    ")
	}), "status certificate --watch")
	t.ok(w.status(ctx, "told", failing()), "a status")
	t.ok(s.until("how it goes on", func(screen []string) bool { return contains(screen, "another attempt") }), "status certificate --watch")
	t.check(!contains(s.screen(), "\x1b[3"), "NO_COLOR, and there are colours: %q", s.screen())
	t.check(!contains(s.screen(), "\x1b[1"), "NO_COLOR, and it is bold: %q", s.screen())
	t.ok(w.stage.Clients.CertManager.CertmanagerV1().Certificates("shop").Delete(ctx, "told", metav1.DeleteOptions{}), "delete")
	t.ok(s.until("that it is gone", func(screen []string) bool { return contains(screen, "There is no Certificate told") }), "status certificate --watch")
	s.ends(t, "\x03")
}

// plainOnTerminal is not on a terminal: its output is a file.
func plainOnTerminal(ctx context.Context, t *tally, w *world, kubeconfig string) {
	file := filepath.Join(w.stage.Dir, "watched.txt")
	out, err := os.Create(file)
	if !t.ok(err, "a file") {
		return
	}
	defer out.Close()
	cmd := exec.CommandContext(ctx, w.stage.Binary, "status", "-n", "shop", "--watch", "--kubeconfig", kubeconfig)
	cmd.Stdout, cmd.Stderr = out, out
	if !t.ok(cmd.Start(), "status --watch > file") {
		return
	}
	text := func() string { b, _ := os.ReadFile(file); return string(b) }
	t.ok(eventually(ctx, func() bool {
		return strings.Contains(text(), "  shop/lost  Waiting  waits for Issuer/nowhere to exist\n")
	}), "status --watch > file: "+text())
	t.ok(w.status(ctx, "lost", inOrder(60*day)), "a status")
	t.ok(eventually(ctx, func() bool { return strings.Contains(text(), "  shop/lost  Stuck  ") }), "status --watch > file")
	t.check(strings.Count(text(), "shop/web-00") == 1 && !strings.Contains(text(), "\x1b"), "not a line for each change: %s", text())
	t.ok(cmd.Process.Signal(syscall.SIGTERM), "signal")
	t.ok(cmd.Wait(), "the end of status --watch > file")
}

// show is a program on a terminal, and what stands there.
type show struct {
	cmd  *exec.Cmd
	tty  *os.File
	done chan error

	mu  sync.Mutex
	all strings.Builder
}

func openShow(ctx context.Context, w *world, kubeconfig string, env []string, args ...string) (*show, error) {
	s := &show{cmd: exec.CommandContext(ctx, w.stage.Binary, append(args, "--kubeconfig", kubeconfig)...), done: make(chan error, 1)}
	s.cmd.Env = append(slices.DeleteFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "NO_COLOR=") || strings.HasPrefix(e, "TERM=") }), append(env, "TERM=xterm")...)
	var err error
	if s.tty, err = pty.StartWithSize(s.cmd, &pty.Winsize{Rows: 24, Cols: 80}); err != nil {
		return nil, err
	}
	read := make(chan struct{})
	go func() {
		defer close(read)
		buffer := make([]byte, 64<<10)
		for {
			n, err := s.tty.Read(buffer)
			s.mu.Lock()
			s.all.Write(buffer[:n])
			s.mu.Unlock()
			if err != nil {
				return
			}
		}
	}()
	go func() { err := s.cmd.Wait(); <-read; s.done <- err }()
	return s, nil
}

const (
	otherScreen = "\x1b[?1049h"
	ownScreen   = "\x1b[?1049l"
)

// screen is the last picture that was drawn.
func (s *show) screen() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	frames := strings.Split(s.all.String(), "\x1b[H")
	last := strings.NewReplacer("\x1b[K", "", "\x1b[J", "").Replace(frames[len(frames)-1])
	return strings.Split(last, "\r\n")
}

var escape = regexp.MustCompile("\x1b\\[[0-9;?]*[a-zA-Z]")

func (s *show) fits(width int) bool {
	return !slices.ContainsFunc(s.screen(), func(line string) bool {
		return utf8.RuneCountInString(escape.ReplaceAllString(line, "")) > width
	})
}

func (s *show) until(what string, holds func([]string) bool) error {
	if err := eventually(context.Background(), func() bool { return holds(s.screen()) }); err != nil {
		return fmt.Errorf("%s: %w; the screen shows\n%s", what, err, strings.Join(s.screen(), "\n"))
	}
	return nil
}

func (s *show) resize(rows, columns uint16) error {
	return pty.Setsize(s.tty, &pty.Winsize{Rows: rows, Cols: columns})
}

func (s *show) press(key string) error {
	_, err := s.tty.WriteString(key)
	return err
}

// ends presses a key after which it must be over, and the terminal as before.
func (s *show) ends(t *tally, key string) {
	t.ok(s.press(key), "a key")
	select {
	case err := <-s.done:
		t.ok(err, fmt.Sprintf("the end after %q", key))
	case <-time.After(patience):
		t.check(false, "%q does not end it", key)
	}
	s.mu.Lock()
	text := s.all.String()
	s.mu.Unlock()
	t.check(strings.HasPrefix(text, otherScreen) && strings.HasSuffix(text, ownScreen) && strings.Contains(text, "\x1b[?25h"), "the terminal is not left as it was: it ends with %q", text[max(0, len(text)-60):])
}

func (s *show) kill() {
	_ = s.cmd.Process.Kill() // it is over, as a rule
	_ = s.tty.Close()
}

func contains(screen []string, text string) bool {
	return slices.ContainsFunc(screen, func(line string) bool { return strings.Contains(line, text) })
}

var errNever = errors.New("it did not come about")

// longest is how long anything on a terminal may take: client-go tries an API
// server that is away again after up to half a minute.
const longest = 60 * time.Second

func eventually(ctx context.Context, holds func() bool) error {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	deadline := time.After(longest)
	for !holds() {
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-deadline:
			return errNever
		case <-tick.C:
		}
	}
	return nil
}
