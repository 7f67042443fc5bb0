package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
)

// The control plane dies with the process that started it, so a demo that is
// kept runs in a process of its own, the keeper. It uses our terminal until the
// show is over, and tells us through a pipe that it is.

// keeperVariable marks the keeper's environment.
const keeperVariable = "CERTWRIGHT_DEMO_KEEPER"

// success is what the keeper says when all went well.
const success = "success"

func isKeeper() bool { return os.Getenv(keeperVariable) != "" }

// keepWanted reads KEEP, which make passes on.
func keepWanted() bool { return !slices.Contains([]string{"", "0", "no", "false"}, os.Getenv("KEEP")) }

// startKeeper starts the keeper and returns when its show is over. Interrupted,
// it ends the keeper first.
func startKeeper(ctx context.Context) error {
	self, err := os.Executable()
	if err != nil {
		return err
	}
	over, tell, err := os.Pipe()
	if err != nil {
		return err
	}
	defer over.Close()
	cmd := exec.Command(self)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(), keeperVariable+"=1")
	cmd.ExtraFiles = []*os.File{tell}
	cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal's end reaches it
	err = cmd.Start()
	tell.Close()
	if err != nil {
		return err
	}
	defer context.AfterFunc(ctx, func() { _ = cmd.Process.Signal(syscall.SIGTERM) })()
	if said := bufio.NewScanner(over); said.Scan() {
		// The show is over and the keeper stays.
		if said.Text() != success {
			os.Exit(1) // it has told why
		}
		return nil
	}
	err = cmd.Wait()
	if ended, is := errors.AsType[*exec.ExitError](err); is && ctx.Err() == nil {
		os.Exit(ended.ExitCode()) // it has told why
	}
	return err
}

// keep is the keeper: it plays the show and then waits for a signal. A show that
// failed is kept too, because then there is most to look at.
func keep(ctx context.Context) error {
	s, err := show(ctx)
	if s == nil {
		return err
	}
	if ctx.Err() == nil {
		verdict := success
		if err != nil {
			verdict = "failure"
			fmt.Fprintf(os.Stderr, "\nThe demo failed: %v\n%s", err, remedy(err))
		}
		s.invite()
		letGo(verdict)
		s.await(ctx)
	}
	return errors.Join(err, s.close())
}

// letGo ends the process that waits for us and closes our outputs, which may be
// a pipe that somebody reads to the end.
func letGo(verdict string) {
	tell := os.NewFile(3, "pipe to the starter")
	fmt.Fprintln(tell, verdict)
	tell.Close()
	os.Stdout.Close()
	os.Stderr.Close()
}

// await waits until somebody ends us or the control plane dies.
func (s *scene) await(ctx context.Context) {
	_ = s.stage.Cluster.Wait(ctx) // in both cases there is only cleaning up to do
}

// invite tells how to go on.
func (s *scene) invite() {
	s.title("It is all yours")
	s.say("export KUBECONFIG=%s", s.stage.Cluster.Kubeconfig())
	s.say("alias certwright=%s", s.stage.Binary)
	s.say("")
	s.say("Try next:")
	s.say("  certwright status -A")
	s.say("  certwright inspect secret %s -n %s", serverSecret, namespace)
	s.say("  kubectl -n %s delete secret %s      # and look again", namespace, serverSecret)
	s.say("  kubectl -n %s edit certificate %s      # add a DNS name", namespace, server)
	s.say("  tail -f %s/certwright.log", s.stage.Dir)
	s.say("")
	s.say("It stays until you end it: kill %d", os.Getpid())
}
