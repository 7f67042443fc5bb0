package cluster

import (
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
)

// command is what to run as a component.
type command struct {
	name, path string
	args       []string
	dir, log   string
	group      int // process group to join
}

// process is a component that was started.
type process struct {
	command
	cmd    *exec.Cmd
	killed atomic.Bool
	ended  chan struct{}
	err    error // set when ended is closed
}

// startProcess starts a component that dies with this process. If it ends
// without our kill it is sent to deaths.
func startProcess(c command, deaths chan<- *process) (*process, error) {
	log, err := os.OpenFile(c.log, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("open the log of %s: %w", c.name, err)
	}
	defer log.Close()
	p := &process{command: c, cmd: exec.Command(c.path, c.args...), ended: make(chan struct{})}
	p.cmd.Dir, p.cmd.Stdout, p.cmd.Stderr = c.dir, log, log
	// Nothing of our environment: a proxy or a feature gate set for something
	// else would change what the cluster does.
	p.cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + c.dir, "TMPDIR=" + c.dir}
	p.cmd.SysProcAttr = attributes(c.group)
	if err := spawn(p.cmd); err != nil {
		return nil, fmt.Errorf("start %s: %w", c.name, err)
	}
	go p.reap(deaths)
	return p, nil
}

func (p *process) reap(deaths chan<- *process) {
	p.err = p.cmd.Wait()
	close(p.ended)
	if p.killed.Load() {
		return
	}
	select {
	case deaths <- p:
	default: // nobody listens, and nobody needs to hear of so many
	}
}

// spawner starts processes on one thread that never ends before the program
// does: the kernel sends a child its parent-death signal when the thread ends
// that started it, and Go ends threads as it likes.
var spawner = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

func spawn(cmd *exec.Cmd) error {
	result := make(chan error)
	spawner() <- func() { result <- cmd.Start() }
	return <-result
}

// kill ends the process, if there is one, and waits for its end.
func (p *process) kill() {
	if p == nil {
		return
	}
	p.killed.Store(true)
	p.cmd.Process.Kill() // fails only when it has ended
	<-p.ended
}

func (p *process) hasEnded() bool {
	select {
	case <-p.ended:
		return true
	default:
		return false
	}
}

// failure describes the end of a process that should run.
func (p *process) failure() error {
	return fmt.Errorf("%s ended: %w\n%s", p.name, p.err, p.tail())
}

// tailLines are enough for a component's last words: it tells the reason in
// one of its last lines, sometimes before a stack trace.
const tailLines = 20

func (p *process) tail() string {
	content, err := os.ReadFile(p.log)
	if err != nil {
		return fmt.Sprintf("(its log cannot be read: %v)", err)
	}
	lines := strings.Split(strings.TrimRight(string(content), "\n"), "\n")
	lines = lines[max(0, len(lines)-tailLines):]
	return fmt.Sprintf("last lines of %s:\n%s", p.log, strings.Join(lines, "\n"))
}
