package programs

import (
	"bytes"
	"fmt"
	"io"
	"sync/atomic"
	"time"
)

// every is how often a wait is reported: often enough that nobody takes a log
// for a hanging one, rare enough that ten minutes stay readable.
const every = 10 * time.Second

// progress tells how far the build of one program is.
type progress struct {
	log      io.Writer
	title    string
	start    time.Time
	compiled atomic.Int64
}

func newProgress(log io.Writer, p Program, number, total int) *progress {
	title := fmt.Sprintf("building %s (%d of %d)", p.Name, number, total)
	fmt.Fprintf(log, "%s: %s; a first build takes about %.0f min on 2 cores, then it is kept\n",
		title, p.Package, max(1, p.Cold.Minutes()))
	return &progress{log: log, title: title, start: time.Now()}
}

// counting passes output of go build -v on to w and counts its lines: it
// prints one for each package that it compiles.
func (p *progress) counting(w io.Writer) io.Writer {
	return writerFunc(func(data []byte) (int, error) {
		p.compiled.Add(int64(bytes.Count(data, []byte("\n"))))
		return w.Write(data)
	})
}

// report writes a line every few seconds until the returned func is called.
func (p *progress) report() (stop func()) {
	return repeat(func() {
		fmt.Fprintf(p.log, "%s: %s, %d packages compiled\n", p.title, p.elapsed(), p.compiled.Load())
	})
}

func (p *progress) elapsed() time.Duration {
	return time.Since(p.start).Round(time.Second)
}

// repeat calls f at every tick until the returned func is called, which waits
// for a call in progress: nothing is written after it.
func repeat(f func()) (stop func()) {
	end, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		ticker := time.NewTicker(every)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				f()
			case <-end:
				return
			}
		}
	}()
	return func() { close(end); <-ended }
}

type writerFunc func([]byte) (int, error)

func (f writerFunc) Write(data []byte) (int, error) { return f(data) }
