package daemon

import (
	"context"
	"errors"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// told records what systemd would hear, and when after the start.
type told struct {
	began time.Time
	what  []string
}

func (t *told) notify(state string) (bool, error) {
	t.what = append(t.what, time.Since(t.began).String()+" "+state)
	return true, nil
}

func TestWhatSystemdIsTold(t *testing.T) {
	const waits, works, stops, life = "STATUS=Waiting for the caches", "READY=1\nSTATUS=At work", "STOPPING=1\nSTATUS=Ending what is in flight", "WATCHDOG=1"
	for _, row := range []struct {
		name     string
		ready    time.Duration // after which the caches are filled
		dead     time.Duration // after which a restart would help
		watchdog time.Duration
		want     []string
	}{
		{"no watchdog", 0, time.Hour, 0, []string{"0s " + waits, "0s " + works, "1m0.5s " + stops}},
		{"a watchdog", 0, time.Hour, 40 * time.Second,
			[]string{"0s " + waits, "0s " + works, "20s " + life, "40s " + life, "1m0s " + life, "1m0.5s " + stops}},
		{"slow caches do not look dead", 50 * time.Second, time.Hour, 40 * time.Second,
			[]string{"0s " + waits, "20.1s " + life, "40.2s " + life, "50s " + works, "1m0.5s " + stops}},
		{"told to stop before it was ready", time.Hour, time.Hour, 0, []string{"0s " + waits, "1m0.5s " + stops}},
		{"a leader that should have given up", 0, 30 * time.Second, 40 * time.Second, []string{"0s " + waits, "0s " + works, "20s " + life, "1m0.5s " + stops}},
		{"long work in flight", 0, time.Hour, 10 * time.Second, []string{"0s " + waits, "0s " + works, "5s " + life, "10s " + life, "15s " + life,
			"20s " + life, "25s " + life, "30s " + life, "35s " + life, "40s " + life, "45s " + life, "50s " + life, "55s " + life, "1m0s " + life, "1m0.5s " + stops, "1m5.5s " + life}},
	} {
		t.Run(row.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				systemd := &told{began: time.Now()}
				s := &supervisor{watchdog: row.watchdog, notify: systemd.notify,
					ready: func() bool { return time.Since(systemd.began) >= row.ready },
					alive: func() error {
						if time.Since(systemd.began) > row.dead {
							return errors.New("the lease is overdue")
						}
						return nil
					}}
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute+500*time.Millisecond)
				defer cancel()
				under, release := context.WithTimeout(t.Context(), time.Minute+8*time.Second)
				defer release()
				s.run(ctx, under)
				if !slices.Equal(systemd.what, row.want) {
					t.Errorf("told\n%q, want\n%q", systemd.what, row.want)
				}
			})
		})
	}
}

// Without systemd nothing is told, and nothing waits.
func TestNobodyToTell(t *testing.T) {
	t.Setenv("NOTIFY_SOCKET", "")
	t.Setenv("WATCHDOG_USEC", "")
	s, err := newSupervisor(newHealth(func() bool { return false }))
	if err != nil {
		t.Fatal(err)
	}
	s.run(t.Context(), t.Context())
	t.Setenv("WATCHDOG_USEC", "soon")
	if _, err := newSupervisor(newHealth(nil)); err == nil {
		t.Error("WATCHDOG_USEC=soon is taken")
	}
}
