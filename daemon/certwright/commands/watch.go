package commands

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"github.com/certwright/certwright/daemon/certwright/page"
	"github.com/certwright/certwright/daemon/certwright/status"
)

// watchHelp ends the help of every command that can watch.
const watchHelp = `

With --watch it stays, and shows what changes as it happens: on a terminal as a
live screen that q ends, with what needs attention first; otherwise a line for
each change (with -o json, a JSON object). It needs the right to watch. Colours
are for terminals only, and NO_COLOR switches them off.`

func watchFlag(cmd *cobra.Command) *bool {
	return cmd.Flags().BoolP("watch", "w", false, "stay, and show what changes")
}

const (
	// gather is how long changes are gathered, so that a thousand are one.
	gather = 150 * time.Millisecond
	// pace is how often the clock on the screen goes on.
	pace = time.Second
	// late is how long after a change the story is read once more: events are
	// written beside the work, and come after it.
	late = 3 * time.Second
)

// watching is one `status --watch`.
type watching struct {
	p      *program
	c      cluster
	name   string // of the only Certificate; empty: all
	live   *status.Live
	screen *screen // nil: lines
	json   bool

	offset   int
	changes  status.Changes
	troubled bool
	seen     *status.Observed // the only Certificate, as last read
	again    time.Time        // when to read it once more; zero: not before a change
	end      context.CancelFunc
}

// watch shows until ctx ends or the person at the terminal has seen enough.
func (p *program) watch(ctx context.Context, c cluster, name string, out *output) error {
	if out.format == "yaml" {
		return usagef("-o yaml cannot be watched; write -o json, or leave it out")
	}
	// What cannot work at all is told at once, as without --watch.
	if _, err := c.certs.CertmanagerV1().Certificates(c.namespace).List(ctx, metav1.ListOptions{Limit: 1}); err != nil {
		return err
	}
	ctx, end := context.WithCancel(ctx)
	defer end()
	w := &watching{p: p, c: c, name: name, live: status.NewLive(c.certs, c.namespace, name), json: out.format == "json", end: end}
	if !w.json {
		var err error
		if w.screen, err = openScreen(p.streams.In, p.streams.Out, p.environ); err != nil {
			return err
		}
		defer w.screen.close()
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		w.live.Run(ctx)
	}()
	defer func() { end(); <-done }()
	return w.loop(ctx)
}

func (w *watching) loop(ctx context.Context) error {
	var clock <-chan time.Time
	if w.screen != nil {
		tick := time.NewTicker(pace)
		defer tick.Stop()
		clock = tick.C
	}
	for {
		var gathered <-chan time.Time
		select {
		case <-ctx.Done():
			return nil
		case <-w.live.Changed():
			gathered = time.After(gather)
		case <-w.screen.resized():
		case key := <-w.screen.keys():
			w.press(key)
		case <-clock:
		}
		if gathered != nil {
			select {
			case <-ctx.Done():
				return nil
			case <-gathered:
			}
			w.seen, w.again = nil, w.p.now().Add(late)
		}
		if err := w.show(ctx); err != nil || ctx.Err() != nil {
			return err
		}
	}
}

func (w *watching) press(key string) {
	_, height := w.screen.size()
	switch key {
	case "q", "\x03", "\x04": // Ctrl-C and Ctrl-D come as keys from a raw terminal
		w.end()
	case "\x1b[A", "k":
		w.offset--
	case "\x1b[B", "j":
		w.offset++
	case "\x1b[5~", "b":
		w.offset -= height - 5
	case "\x1b[6~", " ":
		w.offset += height - 5
	case "\x1b[H", "\x1b[1~", "g":
		w.offset = 0
	case "\x1b[F", "\x1b[4~", "G":
		w.offset = 1 << 30
	}
}

func (w *watching) show(ctx context.Context) error {
	if !w.live.Complete() && w.live.Trouble() == nil {
		return nil
	}
	now := w.p.now()
	var reports []status.Report
	for _, o := range w.live.All() {
		reports = append(reports, status.New(o, now))
	}
	status.Urgent(reports)
	if w.screen != nil {
		return w.draw(ctx, reports, now)
	}
	return w.tell(reports, now)
}

// draw shows the screen anew.
func (w *watching) draw(ctx context.Context, reports []status.Report, now time.Time) error {
	width, height := w.screen.size()
	s := status.Screen{Width: width, Height: height, Offset: w.offset, Color: w.screen.color, Namespaces: w.c.namespace == "", Note: w.note()}
	var lines []string
	if w.name == "" {
		lines, w.offset = s.List(reports, now)
	} else {
		lines, w.offset = s.Page(w.tellStory(ctx, reports, now), now)
	}
	return w.screen.draw(lines)
}

func (w *watching) note() string {
	if err := w.live.Trouble(); err != nil {
		return "What follows may be old, and is tried again: " + explain(err).Error()
	}
	return ""
}

// tellStory reads all about one Certificate again when something has changed:
// its Secret and its events are not watched. While that fails, it is as it was.
func (w *watching) tellStory(ctx context.Context, reports []status.Report, now time.Time) string {
	if len(reports) == 0 {
		return fmt.Sprintf("There is no Certificate %s%s: it is shown as soon as it is created.", w.name, in(w.c.namespace))
	}
	w.read(ctx, now)
	report := reports[0] // what the watches tell
	if w.seen != nil {
		report = status.New(*w.seen, now)
	}
	var p page.Page
	report.Write(&p, now)
	var b strings.Builder
	_, _ = p.WriteTo(&b) // a Builder takes everything
	return b.String()
}

func (w *watching) read(ctx context.Context, now time.Time) {
	due := !w.again.IsZero() && now.After(w.again)
	if w.seen != nil && !due || w.live.Trouble() != nil {
		return
	}
	if due {
		w.again = time.Time{}
	}
	if o, err := w.c.reader().One(ctx, w.c.namespace, w.name); err == nil {
		w.seen = &o
	}
}

// tell prints what has changed since it was told.
func (w *watching) tell(reports []status.Report, now time.Time) error {
	trouble := w.live.Trouble()
	if troubled := trouble != nil; troubled != w.troubled {
		w.troubled = troubled
		note := "The connection is back."
		if troubled {
			note = w.note()
		}
		fmt.Fprintln(w.p.streams.ErrOut, page.Clean(note))
	}
	if trouble != nil {
		return nil // what is known may be old
	}
	for _, c := range w.changes.Since(reports, now) {
		if err := w.print(w.p.streams.Out, c); err != nil {
			return err
		}
	}
	return nil
}

func (w *watching) print(out io.Writer, c status.Change) error {
	if w.json {
		return json.NewEncoder(out).Encode(c)
	}
	_, err := fmt.Fprintln(out, c.Line())
	return err
}
