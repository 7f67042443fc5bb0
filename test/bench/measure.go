package main

import (
	"context"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/certwright/certwright/test/harness"
)

const (
	// restQuiet is how long the daemon must do nothing to count as at rest.
	restQuiet = 3 * time.Second
	// restLimit ends the wait for a daemon that never rests.
	restLimit = 90 * time.Second
	// restSample is how long the daemon is watched doing nothing.
	restSample = 10 * time.Second
)

// measure makes one run, from an empty control plane to the result.
func measure(ctx context.Context, progress *harness.Progress, r run) (result Run, err error) {
	progress.Line("%s", r.title())
	w, err := open(ctx, progress, r)
	if err != nil {
		return Run{}, err
	}
	defer func() {
		logs := w.close()
		progress.Done()
		if err != nil {
			err = fmt.Errorf("%w\n%s", err, logs)
		}
	}()
	return w.measure(ctx)
}

func (w *world) measure(ctx context.Context) (Run, error) {
	result := Run{Certificates: w.n, Namespaces: w.namespaces, Key: w.key, ACME: w.way}
	seen, err := observe(ctx, w.client())
	if err != nil {
		return result, err
	}
	defer seen.close()
	began, err := w.watchPlaces(ctx)
	if err != nil {
		return result, err
	}
	if result.Issue, err = w.phase(ctx, "issuing", seen, 1, createCall, w.createAll); err != nil {
		return result, err
	}
	if result.Places, err = began.end(result.Issue.Seconds); err != nil {
		return result, err
	}
	if w.renew {
		renewed, err := w.phase(ctx, "renewing", seen, 2, renewCall, w.renewAll)
		if err != nil {
			return result, err
		}
		result.Renew = &renewed
	}
	if result.Rest, err = w.rest(ctx); err != nil {
		return result, err
	}
	if w.restart {
		result.Restart, err = w.restartPhase(ctx, seen)
	}
	return result, err
}

// phase measures one way of giving the daemon N things to do at once.
func (w *world) phase(ctx context.Context, label string, seen *observer, revision int,
	own harness.Call, ask func(context.Context, *observer) error) (Phase, error) {
	before, err := w.snapshot(ctx)
	if err != nil {
		return Phase{}, err
	}
	seen.phase(revision)
	memory := harness.FollowRSS(w.daemon.PID())
	asked := make(chan error, 1)
	go func() { asked <- ask(ctx, seen) }()
	latencies, span, err := seen.wait(ctx, w.n, func(done int) { w.progress.Bar(label, done, w.n) })
	if err != nil {
		return Phase{}, err
	}
	if err := <-asked; err != nil {
		return Phase{}, err
	}
	rest, err := harness.UntilAtRest(ctx, w.daemon.PID(), restQuiet, restLimit)
	peak := memory.Stop()
	if err != nil {
		return Phase{}, err
	}
	after, err := w.snapshot(ctx)
	if err != nil {
		return Phase{}, err
	}
	phase := newPhase(w.n, latencies, span, before, after, after.calls.Minus(before.calls).Without(own, w.n))
	phase.RSS = Memory{Before: before.rss, Peak: peak, Rest: rest.RSS}
	return phase, nil
}

// snapshot is what is read before and after.
type snapshot struct {
	daemon, controlPlane, bench time.Duration
	rss                         int64
	calls                       harness.Tally
}

func (w *world) snapshot(ctx context.Context) (s snapshot, err error) {
	if s.calls, err = w.stage.Clients.Calls(ctx); err != nil {
		return s, err
	}
	if s.daemon, err = harness.CPU(w.daemon.PID()); err != nil {
		return s, fmt.Errorf("the daemon is gone: %w", err)
	}
	if s.controlPlane, err = harness.CPUOf(w.controlPlane()...); err != nil {
		return s, err
	}
	if s.bench, err = harness.CPU(os.Getpid()); err != nil {
		return s, err
	}
	s.rss, err = harness.RSS(w.daemon.PID())
	return s, err
}

// rest watches the daemon do nothing.
func (w *world) rest(ctx context.Context) (Rest, error) {
	before, err := w.snapshot(ctx)
	if err != nil {
		return Rest{}, err
	}
	fmt.Fprintln(w.progress, "watching it rest")
	select {
	case <-time.After(restSample):
	case <-ctx.Done():
		return Rest{}, context.Cause(ctx)
	}
	after, err := w.snapshot(ctx)
	if err != nil {
		return Rest{}, err
	}
	calls := after.calls.Minus(before.calls)
	return Rest{
		Seconds: restSample.Seconds(), RSS: after.rss,
		CPUMilliseconds: milliseconds(after.daemon - before.daemon),
		Requests:        calls.Sum(harness.Call.Ours), Writes: calls.Sum(harness.Call.Ours, harness.Call.Writes),
		Calls: perCall(calls, 1),
	}, nil
}

// restartPhase restarts the daemon twice: to see it come to rest undisturbed,
// and to see how soon it serves a new Certificate.
func (w *world) restartPhase(ctx context.Context, seen *observer) (*Restart, error) {
	fmt.Fprintln(w.progress, "restarting the daemon")
	result, err := w.restartQuietly(ctx)
	if err != nil {
		return nil, err
	}
	fmt.Fprintln(w.progress, "restarting it once more, with a new Certificate to issue")
	result.NewReadySeconds, err = w.restartBusily(ctx, seen)
	return result, err
}

func (w *world) restartQuietly(ctx context.Context) (*Restart, error) {
	if err := w.daemon.Stop(ctx); err != nil {
		return nil, err
	}
	before, err := w.stage.Clients.Calls(ctx)
	if err != nil {
		return nil, err
	}
	start := time.Now()
	if err := w.daemon.Start(); err != nil {
		return nil, err
	}
	memory := harness.FollowRSS(w.daemon.PID())
	if err := w.daemon.WaitReady(ctx); err != nil {
		return nil, err
	}
	ready := time.Since(start)
	rest, err := harness.UntilAtRest(ctx, w.daemon.PID(), restQuiet, restLimit)
	peak := memory.Stop()
	if err != nil {
		return nil, err
	}
	used, err := harness.CPU(w.daemon.PID())
	if err != nil {
		return nil, err
	}
	after, err := w.stage.Clients.Calls(ctx)
	if err != nil {
		return nil, err
	}
	calls := after.Minus(before)
	return &Restart{
		ReadySeconds: seconds(ready), RestSeconds: seconds(ready + rest.After), CPUMilliseconds: milliseconds(used),
		RSS: Memory{Peak: peak, Rest: rest.RSS}, Calls: perCall(calls, 1),
		Requests: calls.Sum(harness.Call.Ours), Writes: calls.Sum(harness.Call.Ours, harness.Call.Writes),
	}, nil
}

// restartBusily creates one more Certificate the moment the daemon starts.
func (w *world) restartBusily(ctx context.Context, seen *observer) (float64, error) {
	if err := w.daemon.Stop(ctx); err != nil {
		return 0, err
	}
	if err := w.daemon.Start(); err != nil {
		return 0, err
	}
	seen.phase(1)
	body, err := w.manifest(w.n)
	if err != nil {
		return 0, err
	}
	ns, name := w.place(w.n)
	seen.begin(ns, name)
	if err := w.client().Post().Namespace(ns).Resource("certificates").Body(body).Do(ctx).Error(); err != nil {
		return 0, err
	}
	_, span, err := seen.wait(ctx, 1, func(int) {})
	return seconds(span), err
}

func newPhase(n int, latencies []time.Duration, span time.Duration, before, after snapshot, calls harness.Tally) Phase {
	slices.Sort(latencies)
	each := func(total time.Duration) float64 { return round(milliseconds(total) / float64(n)) }
	return Phase{
		Seconds: seconds(span), PerSecond: round(float64(n) / span.Seconds()),
		Latency: Latency{
			P50: seconds(percentile(latencies, 50)), P99: seconds(percentile(latencies, 99)), Max: seconds(percentile(latencies, 100)),
		},
		CPU: CPU{
			Daemon: each(after.daemon - before.daemon), ControlPlane: each(after.controlPlane - before.controlPlane),
			Bench: each(after.bench - before.bench),
		},
		Calls: perCall(calls, n), Conflicts: calls.Conflicts,
		Requests: perCertificate(n, calls.Sum(harness.Call.Ours)),
		Writes:   perCertificate(n, calls.Sum(harness.Call.Ours, harness.Call.Writes, notEvent)),
		Events:   perCertificate(n, calls.Sum(harness.Call.IsEvent, harness.Call.Writes)),
	}
}

func notEvent(c harness.Call) bool { return !c.IsEvent() }

// percentile of sorted values, by the nearest rank.
func percentile(sorted []time.Duration, p int) time.Duration {
	rank := (len(sorted)*p + 99) / 100
	return sorted[max(rank, 1)-1]
}
