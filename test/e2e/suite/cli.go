package suite

import (
	"bytes"
	"context"
	"errors"
	"os"
	"os/exec"
)

// Said is what one run of the command line tool said.
type Said struct {
	Out, Err string
	Code     int
}

// CLI runs certwright as the cluster's administrator, in the space's namespace.
func (s *Space) CLI(args ...string) Said {
	s.Helper()
	return s.Certwright(append(args, "--namespace", s.Namespace)...)
}

// Certwright runs certwright with exactly these arguments.
func (s *Space) Certwright(args ...string) Said {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), Patience)
	defer cancel()
	cmd := exec.CommandContext(ctx, s.World.Binary, args...)
	cmd.Env = append(os.Environ(), "KUBECONFIG="+s.World.Cluster.Kubeconfig())
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err := cmd.Run()
	if _, ended := errors.AsType[*exec.ExitError](err); err != nil && !ended {
		s.Fatalf("run certwright %v: %v", args, err)
	}
	return Said{Out: out.String(), Err: errs.String(), Code: cmd.ProcessState.ExitCode()}
}

// OK is CLI where it must succeed; it returns the output.
func (s *Space) OK(args ...string) string {
	s.Helper()
	said := s.CLI(args...)
	if said.Code != 0 {
		s.Fatalf("certwright %v ended with %d: %s%s", args, said.Code, said.Out, said.Err)
	}
	return said.Out
}
