package harness

import (
	"bytes"
	"fmt"
	"os"
	"strings"
	"sync"
	"time"
)

// Progress tells a person what is going on. On a terminal the present state is
// one line that changes in place; elsewhere, in a CI log say, it is a plain line
// now and then.
type Progress struct {
	mu       sync.Mutex
	out      *os.File
	terminal bool
	transient,
	label string
	last  time.Time
	tenth int
}

// NewProgress writes to a file, which may be a terminal.
func NewProgress(out *os.File) *Progress {
	info, err := out.Stat()
	terminal := err == nil && info.Mode()&os.ModeCharDevice != 0 && os.Getenv("TERM") != "dumb"
	return &Progress{out: out, terminal: terminal}
}

// Line prints a line that stays.
func (p *Progress) Line(format string, args ...any) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
	fmt.Fprintf(p.out, format+"\n", args...)
}

// Write makes Progress the log of what takes long, such as a build. Its lines
// replace each other on a terminal.
func (p *Progress) Write(text []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for line := range bytes.Lines(text) {
		p.show("   " + strings.TrimRight(string(line), "\n"))
		if !p.terminal {
			fmt.Fprintf(p.out, "   %s\n", bytes.TrimRight(line, "\n"))
		}
	}
	return len(text), nil
}

// width of a bar, in characters.
const width = 30

// Bar shows how much of something is done. Off a terminal it prints at the
// tenths, but not more often than anybody reads, and at least twice a minute.
func (p *Progress) Bar(label string, done, total int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	total = max(total, 1)
	if p.terminal {
		full := width * done / total
		bar := strings.Repeat("=", full) + strings.Repeat(" ", width-full)
		p.show(fmt.Sprintf("   %s [%s] %d of %d", label, bar, done, total))
		return
	}
	tenth, since := 10*done/total, time.Since(p.last)
	due := tenth != p.tenth && since > 3*time.Second || since > 30*time.Second
	if p.label == label && !due && (done < total || tenth == p.tenth) {
		return
	}
	p.label, p.tenth, p.last = label, tenth, time.Now()
	fmt.Fprintf(p.out, "   %s: %d of %d\n", label, done, total)
}

// Done removes the line that changes.
func (p *Progress) Done() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

// show draws the changing line; it must not wrap, so long ones are cut.
func (p *Progress) show(text string) {
	if !p.terminal {
		return
	}
	if runes := []rune(text); len(runes) > 100 {
		text = string(runes[:99]) + "…"
	}
	p.clear()
	p.transient = text
	fmt.Fprint(p.out, text)
}

func (p *Progress) clear() {
	if p.transient == "" {
		return
	}
	fmt.Fprint(p.out, "\r\x1b[K")
	p.transient = ""
}
