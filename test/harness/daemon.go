package harness

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

// DaemonOptions say which daemon to start.
type DaemonOptions struct {
	// Binary is the path that Build returned.
	Binary string
	// Kubeconfig is what the daemon reaches the control plane with.
	Kubeconfig string
	// Dir receives the log, as Name.log.
	Dir string
	// Name tells several daemons of one stage apart; "certwright" when empty.
	Name string
	// Args are flags of `certwright run` beyond the addresses and kubeconfig.
	Args []string
	// Env is added to our own environment, as NAME=value.
	Env []string
	// Wrapper is a program, with its arguments, that becomes the daemon: setpriv,
	// nsenter. Empty: none.
	Wrapper []string
}

// Daemon is one `certwright run`. It keeps its addresses and its log over
// restarts. Its methods are for one goroutine at a time.
type Daemon struct {
	options         DaemonOptions
	metrics, health string

	mu  sync.Mutex // the fields below are read while a start or an end changes them
	run *run
}

// run is one life of the process.
type run struct {
	cmd    *exec.Cmd
	exited chan struct{}
	err    error // valid when exited is closed
}

// NewDaemon chooses addresses for a daemon; Start starts it.
func NewDaemon(o DaemonOptions) (*Daemon, error) {
	if o.Name == "" {
		o.Name = "certwright"
	}
	ports, err := freePorts(2)
	if err != nil {
		return nil, fmt.Errorf("find free ports for the daemon: %w", err)
	}
	return &Daemon{
		options: o,
		metrics: fmt.Sprintf("127.0.0.1:%d", ports[0]),
		health:  fmt.Sprintf("127.0.0.1:%d", ports[1]),
	}, nil
}

// freePorts holds all listeners open before it closes any, so that no port is
// given twice.
func freePorts(n int) ([]int, error) {
	var ports []int
	for range n {
		listener, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			return nil, err
		}
		defer listener.Close()
		ports = append(ports, listener.Addr().(*net.TCPAddr).Port)
	}
	return ports, nil
}

// Start starts the process and returns at once; WaitReady waits for it.
func (d *Daemon) Start() error {
	if d.Running() {
		return errors.New("the daemon is running already")
	}
	log, err := os.OpenFile(d.LogPath(), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer log.Close() // the child has its own descriptor
	line := slices.Concat(d.options.Wrapper, []string{d.options.Binary}, d.arguments())
	cmd := exec.Command(line[0], line[1:]...)
	cmd.Stdout, cmd.Stderr = log, log
	cmd.SysProcAttr = childOf()
	cmd.Env = append(os.Environ(), d.options.Env...)
	if err := start(cmd); err != nil {
		return fmt.Errorf("start the daemon: %w", err)
	}
	r := &run{cmd: cmd, exited: make(chan struct{})}
	go func() {
		r.err = cmd.Wait()
		close(r.exited)
	}()
	d.mu.Lock()
	d.run = r
	d.mu.Unlock()
	return nil
}

func (d *Daemon) arguments() []string {
	return append([]string{
		"run",
		"--kubeconfig", d.options.Kubeconfig,
		"--metrics-listen-address", d.metrics,
		"--healthz-listen-address", d.health,
		"--acme-http01-solver-listen-address", "0", // its default is one port for all daemons of a machine
	}, d.options.Args...)
}

func (d *Daemon) current() *run {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.run
}

// Running tells whether the process is there.
func (d *Daemon) Running() bool {
	r := d.current()
	if r == nil {
		return false
	}
	select {
	case <-r.exited:
		return false
	default:
		return true
	}
}

// PID is the number of the process, 0 before the first start.
func (d *Daemon) PID() int {
	if r := d.current(); r != nil {
		return r.cmd.Process.Pid
	}
	return 0
}

// Exited is closed when the process of the last Start has ended.
func (d *Daemon) Exited() <-chan struct{} {
	return d.current().exited
}

// Stop asks the daemon to end, as an operator does, and waits for it. It fails
// when the daemon does not end in good order before ctx does; then it is killed.
func (d *Daemon) Stop(ctx context.Context) error {
	if !d.Running() {
		return nil
	}
	r := d.current()
	if err := r.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-r.exited:
		if r.err != nil {
			return fmt.Errorf("the daemon ended badly on SIGTERM: %w", r.err)
		}
		return nil
	case <-ctx.Done():
		d.Kill()
		return fmt.Errorf("the daemon did not end on SIGTERM: %w", ctx.Err())
	}
}

// Kill ends the process as a power cut would, and waits until it is gone.
func (d *Daemon) Kill() {
	if r := d.current(); r != nil {
		_ = r.cmd.Process.Kill() // it fails when the process is gone, which is what we want
		<-r.exited
	}
}

// Restart stops the daemon in good order, starts it again and waits until it
// says it is ready.
func (d *Daemon) Restart(ctx context.Context) error {
	if err := d.Stop(ctx); err != nil {
		return err
	}
	if err := d.Start(); err != nil {
		return err
	}
	return d.WaitReady(ctx)
}

// WaitReady waits until /readyz answers 200. It fails at once when the process
// has ended, with the end of its log.
func (d *Daemon) WaitReady(ctx context.Context) error {
	r := d.current()
	if r == nil {
		return errors.New("the daemon was never started")
	}
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	var last error
	for {
		if last = d.probe(ctx, "/readyz"); last == nil {
			return nil
		}
		select {
		case <-tick.C:
		case <-r.exited:
			return fmt.Errorf("the daemon ended before it was ready: %w\n%s", r.err, d.Tail(20))
		case <-ctx.Done():
			return fmt.Errorf("the daemon is not ready: %w\n%s", last, d.Tail(20))
		}
	}
}

// LogPath is the file that everything the daemon says goes to.
func (d *Daemon) LogPath() string {
	return filepath.Join(d.options.Dir, d.options.Name+".log")
}

// Log returns everything the daemon has said, over all restarts.
func (d *Daemon) Log() string {
	content, err := os.ReadFile(d.LogPath())
	if err != nil {
		return fmt.Sprintf("(no log: %v)", err)
	}
	return string(content)
}

// Tail returns the last n lines of the log.
func (d *Daemon) Tail(n int) string {
	lines := strings.Split(strings.TrimRight(d.Log(), "\n"), "\n")
	lines = slices.DeleteFunc(lines, func(line string) bool {
		return strings.Contains(line, "mutation_detector.go") // one for each cache, and we switched it on
	})
	lines = lines[max(0, len(lines)-n):]
	return "the end of the daemon's log:\n    " + strings.Join(lines, "\n    ")
}
