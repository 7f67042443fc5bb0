package harness

import (
	"os/exec"
	"runtime"
	"sync"
	"syscall"
)

// childOf makes the kernel end the process when we die, in whatever way: a test
// that was killed leaves no daemon behind. A terminal's Ctrl-C reaches only us,
// so that we end things in order.
func childOf() *syscall.SysProcAttr {
	return &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
}

// starter runs calls on one thread that lasts as long as the program: a child
// gets its parent-death signal when the thread ends that started it.
var starter = sync.OnceValue(func() chan<- func() {
	calls := make(chan func())
	go func() {
		runtime.LockOSThread()
		for call := range calls {
			call()
		}
	}()
	return calls
})

func start(cmd *exec.Cmd) error {
	result := make(chan error)
	starter() <- func() { result <- cmd.Start() }
	return <-result
}
