package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/certwright/certwright/test/harness"
)

// tally is how pages went.
type tally struct {
	commands, passed int
	left             []string // what was not run, and why
}

func (t *tally) add(other tally) {
	t.commands += other.commands
	t.passed += other.passed
	t.left = append(t.left, other.left...)
}

// playPage does all that a page says, until something fails; the rest has not
// passed then.
func playPage(ctx context.Context, tools *tools, p *page, progress *harness.Progress) (t tally) {
	began := time.Now()
	steps, err := p.steps()
	if err != nil {
		progress.Line("%v", err)
		return tally{commands: 1}
	}
	for _, s := range steps {
		if s.kind == notRun {
			t.left = append(t.left, fmt.Sprintf("%s:%d: %s", p.path, s.line, s.why))
		} else if s.kind != file {
			t.commands++
		}
	}
	if t.commands == 0 {
		progress.Line("%s: nothing to run", p.path)
		return t
	}
	w, err := open(ctx, tools, p, progress)
	if err != nil {
		if ctx.Err() == nil { // else whoever interrupted it knows
			progress.Line("%s: %v", p.path, err)
		}
		return t
	}
	t.passed, err = w.play(ctx, p, steps)
	switch {
	case ctx.Err() != nil: // whoever interrupted it knows
	case err != nil:
		progress.Line("%v", err)
		w.explain(p, progress)
	default:
		progress.Line("%s: %d commands in %s", p.path, t.passed, harness.Elapsed(time.Since(began)))
	}
	if err := w.close(); err != nil {
		progress.Line("%s: %v", p.path, err)
	}
	return t
}

// play does the steps, and returns how many passed.
func (w *world) play(ctx context.Context, p *page, steps []step) (passed int, err error) {
	for _, s := range steps {
		if s.kind == notRun {
			continue
		}
		said, err := w.do(ctx, s)
		if err != nil {
			return passed, fmt.Errorf("%s:%d: %w\n%s\n%s", p.path, s.line, err,
				indent("| ", s.text), indent("> ", said))
		}
		if s.kind != file {
			passed++
		}
	}
	return passed, nil
}

func indent(mark, text string) string {
	lines := strings.Split(strings.Trim(text, "\n"), "\n")
	return mark + strings.Join(lines, "\n"+mark)
}

func (w *world) do(ctx context.Context, s step) (string, error) {
	text := w.stand.Replace(s.text)
	switch s.kind {
	case file:
		path := filepath.Join(w.folder, s.file)
		if !strings.HasPrefix(path, w.folder+"/") {
			return "", fmt.Errorf("the file %s is outside of the reader's folder", s.file)
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return "", err
		}
		return "", os.WriteFile(path, []byte(text), 0o600)
	case manifest:
		if strings.Contains(text, "\nkind: Configuration\n") && strings.Contains(text, "apiVersion: certwright.dev/") {
			return w.configuration(ctx, text)
		}
		return w.shell.run(ctx, "kubectl apply --server-side -f - <<'END-OF-MANIFEST'\n"+strings.TrimRight(text, "\n")+"\nEND-OF-MANIFEST")
	}
	return w.shell.run(ctx, text)
}

// configuration has a daemon read a file of options. Without a cluster it gets no
// further, and says so; a fault of the file would come first.
func (w *world) configuration(ctx context.Context, text string) (string, error) {
	path := filepath.Join(w.stage.Dir, "configuration.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		return "", err
	}
	cmd := exec.CommandContext(ctx, w.stage.Binary, "run", "--config="+path, "--kubeconfig="+path+".missing")
	said, err := cmd.CombinedOutput()
	if err == nil || !strings.Contains(string(said), path+".missing") {
		return string(said), fmt.Errorf("certwright run does not take this configuration: %s", cmd.ProcessState)
	}
	return string(said), nil
}

// explain shows what else is known of a failure.
func (w *world) explain(p *page, progress *harness.Progress) {
	for _, script := range []string{"002.sh.out"} {
		if said, err := os.ReadFile(filepath.Join(w.stage.Dir, "scripts", script)); err == nil && !p.wants("bare") {
			lines := strings.Split(strings.TrimSpace(string(said)), "\n")
			progress.Line("the daemon's last words:\n%s", indent("  ", strings.Join(lines[max(0, len(lines)-15):], "\n")))
		}
	}
}
