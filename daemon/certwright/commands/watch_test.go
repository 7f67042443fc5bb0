package commands

import (
	"bufio"
	"context"
	"encoding/json"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
)

// following runs a command line that does not end by itself, and hands on what
// it prints, line by line.
func following(t *testing.T, b *bench, line string) (lines <-chan string, end func() int) {
	t.Helper()
	out, in := io.Pipe()
	b.streams.Out = in
	ctx, stop := context.WithCancel(t.Context())
	code := make(chan int, 1)
	go func() {
		c := b.execute(ctx, strings.Fields(line))
		in.Close()
		code <- c
	}()
	all := make(chan string, 100)
	go func() {
		for s := bufio.NewScanner(out); s.Scan(); {
			all <- s.Text()
		}
		close(all)
	}()
	t.Cleanup(stop)
	return all, func() int { stop(); return <-code }
}

func next(t *testing.T, lines <-chan string) string {
	t.Helper()
	select {
	case line := <-lines:
		return line
	case <-time.After(20 * time.Second):
		t.Fatal("nothing more is told")
		return ""
	}
}

// Away from a terminal, each change is a line, and nothing else is.
func TestWatchAwayFromATerminal(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "web"), certificate("other", "api")})
	lines, end := following(t, b, "status --watch")
	if got := next(t, lines); got != "2026-03-01T12:00:00Z  ns/web  Waiting  waits for Issuer/ca to exist" {
		t.Error(got)
	}
	if err := b.certs.CertmanagerV1().Certificates("ns").Delete(t.Context(), "web", metav1.DeleteOptions{}); err != nil {
		t.Fatal(err)
	}
	if got := next(t, lines); got != "2026-03-01T12:00:00Z  ns/web  deleted" {
		t.Error(got)
	}
	if code := end(); code != exitOK {
		t.Errorf("it ended with %d: %s", code, b.err.String())
	}
	if line, more := <-lines; more {
		t.Errorf("it also told %q", line)
	}
}

func TestWatchOne(t *testing.T) {
	b := newBench([]runtime.Object{certificate("ns", "web"), certificate("ns", "api")})
	lines, end := following(t, b, "status certificate api -w -o json")
	var change struct {
		Namespace, Name, State, WaitingFor string
		Time                               time.Time
	}
	if err := json.Unmarshal([]byte(next(t, lines)), &change); err != nil || change.Name != "api" || change.State != "Waiting" || !change.Time.Equal(now) {
		t.Errorf("%+v, %v", change, err)
	}
	if code := end(); code != exitOK {
		t.Error(code)
	}
	if line, more := <-lines; more {
		t.Errorf("it also told %q", line)
	}
}

// What cannot work is told at once, as without --watch.
func TestWatchRefused(t *testing.T) {
	b := newBench(nil)
	b.fail("list", "certificates", forbidden("certificates"), 100)
	if code := b.run(t, "status --watch"); code != exitFailure || !strings.Contains(b.err.String(), "forbidden") {
		t.Errorf("%d %s", code, b.err.String())
	}
	if code := newBench(nil).run(t, "status --watch -o yaml"); code != exitUsage {
		t.Error(code)
	}
}

func TestReadKey(t *testing.T) {
	in := bufio.NewReader(strings.NewReader("q\x03\x1b[A\x1b[6~k\x1b"))
	var keys []string
	for {
		key, err := readKey(in)
		if err != nil {
			break
		}
		keys = append(keys, key)
	}
	if want := []string{"q", "\x03", "\x1b[A", "\x1b[6~", "k", "\x1b"}; !slices.Equal(keys, want) {
		t.Errorf("got %q, want %q", keys, want)
	}
}

func TestColored(t *testing.T) {
	for _, c := range []struct {
		environ []string
		want    bool
	}{{nil, true}, {[]string{"NO_COLOR="}, true}, {[]string{"A=b", "NO_COLOR=1"}, false}} {
		if got := colored(c.environ); got != c.want {
			t.Errorf("%v: %t", c.environ, got)
		}
	}
}
