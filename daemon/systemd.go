package daemon

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/certwright/certwright/daemon/config"

	"github.com/coreos/go-systemd/v22/daemon"
	"k8s.io/klog/v2"
)

// supervisor tells systemd how the daemon does (sd_notify(3)): ready once the
// caches are filled, alive as long as it would answer /livez, stopping once it
// was told to. Where no systemd started the process, it says nothing.
type supervisor struct {
	ready func() bool
	alive func() error
	// notify sends a state; false when there is nobody to tell.
	notify func(state string) (bool, error)
	// watchdog is the time within which a sign of life is expected; 0: none is.
	watchdog time.Duration
}

// newSupervisor reads what systemd wants from the environment.
func newSupervisor(h *health) (*supervisor, error) {
	watchdog, err := daemon.SdWatchdogEnabled(false)
	if err != nil {
		return nil, fmt.Errorf("WATCHDOG_USEC, which systemd sets, is not understood: %w", err)
	}
	return &supervisor{
		ready: h.synced, alive: h.alive, watchdog: watchdog,
		notify: func(state string) (bool, error) { return daemon.SdNotify(false, state) },
	}, nil
}

// readyLook is how often readiness is looked at. systemd holds back what is
// ordered after the service until then.
const readyLook = 100 * time.Millisecond

// run tells until ctx, which a signal ends, and then under, which lasts while
// work in flight ends. Signs of life go on until that is over.
func (s *supervisor) run(ctx, under context.Context) {
	if told, err := s.notify("STATUS=Waiting for the caches"); err != nil || !told {
		if err != nil {
			klog.FromContext(ctx).Error(err, "Cannot tell systemd anything; it will take the service for dead. Check NotifyAccess= of the unit")
		}
		return
	}
	s.become(ctx)
	for s.wait(ctx, s.watchdog/2) {
		s.sign(ctx)
	}
	_, _ = s.notify(ending(ctx) + "\nSTATUS=Ending what is in flight")
	for s.wait(under, s.watchdog/2) {
		s.sign(under)
	}
}

// ending is the state of a service that ends, or that begins anew: for systemd
// the latter goes on, and would be killed after its stop timeout if it had said
// that it stops.
func ending(ctx context.Context) string {
	if errors.Is(context.Cause(ctx), config.ErrReload) {
		return daemon.SdNotifyReloading + monotonic()
	}
	return daemon.SdNotifyStopping
}

// become waits until the daemon is ready, with signs of life meanwhile.
func (s *supervisor) become(ctx context.Context) {
	last := time.Now()
	for !s.ready() {
		if !s.wait(ctx, readyLook) {
			return
		}
		if s.watchdog > 0 && time.Since(last) > s.watchdog/2 {
			last = time.Now()
			s.sign(ctx)
		}
	}
	_, _ = s.notify(daemon.SdNotifyReady + "\nSTATUS=At work")
}

// sign gives a sign of life, unless a restart would help.
func (s *supervisor) sign(ctx context.Context) {
	if err := s.alive(); err != nil {
		klog.FromContext(ctx).Error(err, "No sign of life to systemd, which will restart the service")
		return
	}
	_, _ = s.notify(daemon.SdNotifyWatchdog)
}

// wait waits for d, for ever when it is 0, and tells whether ctx goes on.
func (s *supervisor) wait(ctx context.Context, d time.Duration) bool {
	if d <= 0 {
		<-ctx.Done()
		return false
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-t.C:
		return true
	}
}
