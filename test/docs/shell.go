package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"time"
)

// shell is one bash that lasts for a page, so that folders, variables and
// background processes do.
type shell struct {
	dir   string // of the scripts and what they said
	cmd   *exec.Cmd
	files *os.File
	done  chan string // a word for each script that ended well
	ended chan struct{}
	n     int
}

// driver runs scripts in the shell that it is. What they say goes to a file, not
// to a pipe that a background process would hold open.
const driver = `set -euo pipefail
while IFS= read -r -u 3 script; do
	source "$script" >"$script.out" 2>&1
	echo "$script" >&4
done`

func newShell(dir, folder string, env []string) (*shell, error) {
	s := &shell{dir: dir, done: make(chan string), ended: make(chan struct{})}
	in, files, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	said, out, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	s.files = files
	s.cmd = exec.Command("bash", "--noprofile", "--norc", "-c", driver)
	s.cmd.Dir, s.cmd.Env, s.cmd.ExtraFiles = folder, env, []*os.File{in, out}
	s.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.cmd.Start(); err != nil {
		return nil, err
	}
	in.Close()
	out.Close()
	go func() {
		for lines := bufio.NewScanner(said); lines.Scan(); {
			select {
			case s.done <- lines.Text():
			case <-s.ended:
				return
			}
		}
	}()
	go func() {
		_ = s.cmd.Wait() // that it ended is all there is to know
		close(s.ended)
	}()
	return s, nil
}

// patience is what one command of a page may take.
const patience = 3 * time.Minute

// run runs one script and returns what it said. It fails when a command of it
// fails, which ends the shell.
func (s *shell) run(ctx context.Context, script string) (string, error) {
	s.n++
	path := filepath.Join(s.dir, fmt.Sprintf("%03d.sh", s.n))
	if err := os.WriteFile(path, []byte(script+"\n"), 0o600); err != nil {
		return "", err
	}
	if _, err := fmt.Fprintln(s.files, path); err != nil {
		return "", errors.New("the page's shell has ended")
	}
	late := time.NewTimer(patience)
	defer late.Stop()
	var err error
	select {
	case <-s.done:
	case <-s.ended:
		err = fmt.Errorf("it failed: %v", s.cmd.ProcessState)
	case <-late.C:
		err = fmt.Errorf("it took more than %s", patience)
	case <-ctx.Done():
		err = ctx.Err()
	}
	said, _ := os.ReadFile(path + ".out") // nothing was said when there is none
	return strings.TrimRight(string(said), "\n"), err
}

// close ends the shell and all that it started: first in order, as a reader ends
// a daemon, then by force.
func (s *shell) close() {
	s.files.Close()
	group := -s.cmd.Process.Pid
	_ = syscall.Kill(group, syscall.SIGTERM) // it fails when nobody is left
	for range 100 {
		if syscall.Kill(group, 0) != nil {
			break
		}
		<-time.After(50 * time.Millisecond)
	}
	_ = syscall.Kill(group, syscall.SIGKILL)
	<-s.ended
}
