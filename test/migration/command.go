package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strings"

	"github.com/certwright/certwright/test/harness"
)

// migrate runs a command of `certwright migrate` to its end, as its user.
func (s *scene) migrate(ctx context.Context, args ...string) (string, error) {
	var out, said bytes.Buffer
	cmd := s.command(ctx, args...)
	cmd.Stdout, cmd.Stderr = &out, &said
	if err := cmd.Run(); err != nil {
		return "", fmt.Errorf("certwright migrate %s: %w\n%s%s", strings.Join(args, " "), err, out.String(), said.String())
	}
	return out.String(), nil
}

func (s *scene) command(ctx context.Context, args ...string) *exec.Cmd {
	return exec.CommandContext(ctx, s.stage.Binary, append([]string{"migrate", "--kubeconfig", s.stage.Cluster.Kubeconfig()}, args...)...)
}

// cutOff runs it and kills it once it has said that it begins a step.
func (s *scene) cutOff(ctx context.Context, step string, args ...string) error {
	cmd := s.command(ctx, args...)
	out, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewScanner(out)
	seen := false
	for !seen && lines.Scan() {
		seen = strings.Contains(lines.Text(), step)
	}
	err = errors.Join(cmd.Process.Kill(), ignored(cmd.Wait()))
	if !seen {
		return fmt.Errorf("certwright migrate %s never came to %q", strings.Join(args, " "), step)
	}
	return err
}

// ignored is the end of a process that we killed.
func ignored(error) error { return nil }

// foresee asks what would become of the Certificates, and judges it.
func (s *scene) foresee(ctx context.Context, now state) error {
	text, err := s.migrate(ctx, "check", "-o", "json")
	if err != nil {
		return err
	}
	var report struct {
		Certificates []struct{ Name, Outlook, Why string }
	}
	if err := json.Unmarshal([]byte(text), &report); err != nil {
		return err
	}
	var faults []error
	if len(report.Certificates) != len(now.certificates) {
		faults = append(faults, fmt.Errorf("%d Certificates are foreseen, and there are %d", len(report.Certificates), len(now.certificates)))
	}
	for _, c := range report.Certificates {
		crt := now.certificates[c.Name]
		rests := slices.Contains([]string{"stays", "tells"}, c.Outlook)
		if harness.Ready(&crt) && crt.Status.NextPrivateKeySecretName == nil && !rests {
			faults = append(faults, fmt.Errorf("certwright migrate check foresees of %s, which is at rest: %s %s", c.Name, c.Outlook, c.Why))
		}
	}
	return errors.Join(faults...)
}
