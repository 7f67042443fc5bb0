//go:build linux

package main

import (
	"context"
	"fmt"
	"regexp"
	"strings"
	"time"
)

// amiss are lines of a daemon's log that should not be there: errors and panics, and
// what it was not allowed. Harmless is somebody else's write that came first: a
// conflict, or a request that the next leader deleted because its key was lost.
var (
	amiss    = regexp.MustCompile(`^E\d{4} |panic|(?i:forbidden)|^goroutine \d`)
	harmless = regexp.MustCompile(`the object has been modified|certificaterequests.cert-manager.io \S+ not found|connection refused|context canceled`)
)

// readLogs reads the logs of all pods of a form, as a user does.
func (w *world) readLogs(ctx context.Context, f form) error {
	text, err := w.kubectl(ctx, "-n", f.namespace, "logs", "-l", f.pods, "-c", "certwright", "--tail=-1", "--prefix")
	if err != nil {
		return err
	}
	var found []string
	lines := 0
	for line := range strings.Lines(text) {
		lines++
		_, said, _ := strings.Cut(line, "] ")
		if amiss.MatchString(said) && !harmless.MatchString(said) {
			found = append(found, line)
		}
	}
	if lines == 0 {
		return fmt.Errorf("kubectl logs shows nothing of the pods %s", f.pods)
	}
	if len(found) > 0 {
		return fmt.Errorf("the logs hold:\n%s", strings.Join(found[:min(len(found), 20)], ""))
	}
	return nil
}

// lastWords are what is known when something failed.
func (w *world) lastWords() string {
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	var out strings.Builder
	if w.clients != nil {
		for _, args := range [][]string{
			{"get", "pods", "-A", "-o", "wide"},
			{"get", "events", "-A", "--field-selector=type!=Normal", "--sort-by=.lastTimestamp"},
			{"-n", "cert-manager", "logs", "-l", "app.kubernetes.io/name=certwright", "--tail=25", "--prefix"},
			{"-n", operator, "logs", "-l", "app=webhook", "--all-containers", "--tail=25", "--prefix"},
		} {
			text, err := w.kubectl(ctx, args...)
			if err != nil {
				text = err.Error() + "\n"
			}
			lines := strings.SplitAfter(text, "\n")
			fmt.Fprintf(&out, "kubectl %s:\n%s", strings.Join(args, " "), strings.Join(lines[max(0, len(lines)-60):], ""))
		}
	}
	if w.machine != nil {
		out.WriteString(w.machine.Logs())
	}
	return out.String()
}
