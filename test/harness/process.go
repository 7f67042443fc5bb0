package harness

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// ProcessOptions say which program of others to run beside the daemon.
type ProcessOptions struct {
	// Name tells the process in errors and names its log, Name.log in Dir.
	Name string
	// Path is the program, Args what it is called with.
	Path string
	Args []string
	// Dir is where it runs and logs.
	Dir string
	// Env is added to our own environment, as NAME=value.
	Env []string
}

// Process is a program of others: an ACME server, a DNS server. It ends with us
// at the latest. Its methods are for one goroutine at a time.
type Process struct {
	options ProcessOptions
	run     *run
}

// StartProcess starts a program and returns at once; Until waits for it.
func StartProcess(o ProcessOptions) (*Process, error) {
	p := &Process{options: o}
	return p, p.Start()
}

// Start starts the program again after its end; its log goes on.
func (p *Process) Start() error {
	log, err := os.OpenFile(p.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	cmd := exec.Command(p.options.Path, p.options.Args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = p.options.Dir, log, log
	cmd.SysProcAttr = childOf()
	cmd.Env = append(os.Environ(), p.options.Env...)
	if err := start(cmd); err != nil {
		return fmt.Errorf("start %s: %w", p.options.Name, err)
	}
	r := &run{cmd: cmd, exited: make(chan struct{})}
	go func() {
		r.err = cmd.Wait()
		close(r.exited)
	}()
	p.run = r
	return nil
}

// Stop ends the program as a power cut would, and waits until it is gone. What
// has ended already, or never began, is no matter.
func (p *Process) Stop() {
	if p == nil || p.run == nil {
		return
	}
	_ = p.run.cmd.Process.Kill() // it fails when the process is gone, which is what we want
	<-p.run.exited
}

// PID is the number of the process.
func (p *Process) PID() int { return p.run.cmd.Process.Pid }

// LogPath is the file that everything it says goes to.
func (p *Process) LogPath() string {
	return filepath.Join(p.options.Dir, p.options.Name+".log")
}

// Log is everything it has said so far.
func (p *Process) Log() string {
	content, err := os.ReadFile(p.LogPath())
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	return string(content)
}

// startTime is what a program gets to answer for the first time.
const startTime = 30 * time.Second

// Until asks works again and again until it returns no error. It fails at once
// when the program has ended, with the end of its log.
func (p *Process) Until(ctx context.Context, works func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		err := works(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-p.run.exited:
			return fmt.Errorf("%s ended: %w\n%s", p.options.Name, errors.Join(p.run.err, err), p.tail())
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer: %w\n%s", p.options.Name, err, p.tail())
		}
	}
}

func (p *Process) tail() string {
	lines := strings.Split(strings.TrimRight(p.Log(), "\n"), "\n")
	return strings.Join(lines[max(0, len(lines)-20):], "\n")
}

// FreePorts returns that many ports of 127.0.0.1 that nobody listens on.
func FreePorts(n int) ([]int, error) { return freePorts(n) }
