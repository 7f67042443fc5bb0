package cluster

import (
	"errors"
	"fmt"
	"io"
	"os/exec"
	"syscall"
)

// keeperScript waits for a line, which we write when all is cleaned up, or for
// the end of input, which is the end of our process. Then it ends the process
// group, whose leader it is, and removes the folder. Where the kernel kills the
// components itself (see attributes) they are gone by then.
const keeperScript = `trap '' HUP INT TERM
read -r word && exit 0
kill -TERM 0
sleep 0.5
rm -rf -- "$1"
kill -KILL 0`

// keeper is a shell that cleans up after us should we not get to it: a process
// cannot do that itself when it is killed. It is no child of a terminal's
// foreground group, so Ctrl-C does not reach it.
type keeper struct {
	cmd  *exec.Cmd
	line io.WriteCloser
}

func startKeeper(dir string) (*keeper, error) {
	cmd := exec.Command("/bin/sh", "-c", keeperScript, "keeper", dir)
	cmd.Dir, cmd.SysProcAttr = "/", &syscall.SysProcAttr{Setpgid: true}
	line, err := cmd.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("make the keeper's pipe: %w", err)
	}
	if err := cmd.Start(); err != nil {
		return nil, fmt.Errorf("start the keeper: %w", err)
	}
	return &keeper{cmd: cmd, line: line}, nil
}

// group is the process group for the components to join.
func (k *keeper) group() int { return k.cmd.Process.Pid }

// dismiss ends the keeper without a clean-up. One that was killed is no matter.
func (k *keeper) dismiss() error {
	_, err := k.line.Write([]byte("done\n"))
	if errors.Is(err, syscall.EPIPE) {
		err = nil
	}
	waited := k.cmd.Wait()
	if _, exited := errors.AsType[*exec.ExitError](waited); exited {
		waited = nil
	}
	return errors.Join(err, waited)
}
