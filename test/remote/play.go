package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	coordinationv1 "k8s.io/api/coordination/v1"

	"github.com/certwright/certwright/test/harness"
)

// batch is how many Certificates come at a time.
const batch = 50

// play is the story. Each part begins with a good line and ends with one.
func (s *scene) play(ctx context.Context) error {
	began := time.Now()
	if err := s.plain(ctx); err != nil {
		return err
	}
	s.progress.Line("   %-46s %s", "started and issued over the line in", harness.Elapsed(time.Since(began)))
	for _, part := range []struct {
		name string
		play func(context.Context) error
	}{
		{"cut off for moments, five times", s.moments},
		{"cut off for 45 s in the middle of issuing", func(ctx context.Context) error { return s.outage(ctx, 45*time.Second) }},
		{"cut off for 80 s, longer than the lease", func(ctx context.Context) error { return s.outage(ctx, 80*time.Second) }},
		{"cut off for 90 s, with a standby", s.standby},
	} {
		before := time.Now()
		if err := part.play(ctx); err != nil {
			return fmt.Errorf("%s: %w", part.name, err)
		}
		carried, lost := s.line.Packets()
		s.progress.Line("   %-46s %-8s packets carried %d lost %d", part.name, harness.Elapsed(time.Since(before)), carried, lost)
	}
	return s.judge(ctx)
}

// plain issues the first of them over the line as it is.
func (s *scene) plain(ctx context.Context) error {
	if err := s.order(ctx, batch); err != nil {
		return err
	}
	return s.issued(ctx, batch)
}

// moments cuts the line for less than anything takes to be noticed.
func (s *scene) moments(ctx context.Context) error {
	if err := s.order(ctx, batch); err != nil {
		return err
	}
	for range 5 {
		if err := s.interrupt(ctx, 3*time.Second); err != nil {
			return err
		}
		if err := s.pause(ctx, 2*time.Second); err != nil {
			return err
		}
	}
	return s.caughtUp(ctx)
}

// outage cuts the line while half of a batch is at work and the other half comes.
func (s *scene) outage(ctx context.Context, lasts time.Duration) error {
	done := s.certificates
	if err := s.order(ctx, batch/2); err != nil {
		return err
	}
	if err := s.issued(ctx, done+3); err != nil { // it is in the middle of it
		return err
	}
	s.line.Cut()
	if err := s.order(ctx, batch/2); err != nil {
		return err
	}
	if err := s.interrupt(ctx, lasts); err != nil {
		return err
	}
	return s.caughtUp(ctx)
}

// interrupt cuts the line for a time.
func (s *scene) interrupt(ctx context.Context, lasts time.Duration) error {
	s.interruptions++
	s.line.Cut()
	defer s.line.Mend()
	return s.pause(ctx, lasts)
}

// pause is the outage itself, not a wait for anything.
func (s *scene) pause(ctx context.Context, d time.Duration) error {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// caughtUp waits until everything is issued, from when the line is back.
func (s *scene) caughtUp(ctx context.Context) error {
	began := time.Now()
	if err := s.issued(ctx, s.certificates); err != nil {
		return err
	}
	took := time.Since(began)
	s.catchUp = max(s.catchUp, took)
	if took > slow {
		return fmt.Errorf("it took %s to catch up when the line was back, more than %s", took.Round(time.Second), slow)
	}
	return nil
}

// The Lease of the contract.
const (
	leaseNamespace = "kube-system"
	leaseName      = "cert-manager-controller"
)

// standby has a second daemon, on a good line, take over from the one that is
// cut off, which then stands by in the same process.
func (s *scene) standby(ctx context.Context) error {
	near, err := s.stage.Daemon(ctx, "near")
	if err != nil {
		return err
	}
	holder, err := s.holder(ctx, "")
	if err != nil {
		return err
	}
	s.line.Cut()
	cut := time.Now()
	s.interruptions++
	if err := s.order(ctx, batch); err != nil {
		return err
	}
	if _, err := s.holder(ctx, holder); err != nil {
		return fmt.Errorf("the standby did not take over: %w", err)
	}
	if err := s.issued(ctx, s.certificates); err != nil {
		return err
	}
	s.progress.Line("   %-46s %s", "the standby had taken over and issued after", harness.Elapsed(time.Since(cut)))
	stood := s.said("Standing by")
	if err := s.pause(ctx, 90*time.Second-time.Since(cut)); err != nil {
		return err
	}
	s.line.Mend()
	if err := s.until(ctx, func() bool { return s.said("Standing by") > stood }); err != nil {
		return fmt.Errorf("the daemon that lost the lease does not stand by: %w", err)
	}
	if !near.Running() {
		return errors.New("the standby has ended")
	}
	return s.alive()
}

// holder waits until somebody else holds the lease.
func (s *scene) holder(ctx context.Context, before string) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, 2*time.Minute)
	defer cancel()
	lease, err := s.stage.Clients.Leases().Until(ctx, leaseNamespace, leaseName, func(l *coordinationv1.Lease) bool {
		now := l.Spec.HolderIdentity
		return now != nil && *now != "" && *now != before
	})
	if err != nil {
		return "", err
	}
	return *lease.Spec.HolderIdentity, nil
}

// until waits for something that cannot be watched.
func (s *scene) until(ctx context.Context, holds func() bool) error {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	for !holds() {
		if err := s.pause(ctx, 100*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
