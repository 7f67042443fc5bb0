package daemon

import (
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"
)

// slow makes one kind of call take its time.
func slow(verb, resource string, d time.Duration) func(call) fault {
	return func(c call) fault {
		if c.verb == verb && c.resource == resource {
			return fault{pause: d}
		}
		return fault{}
	}
}

// startSlow starts a leader whose writes of Secrets take d, after there is a
// CA, and has it begin a Certificate: it is in the middle of writing the Secret
// when this returns.
func (w *world) startSlow(d time.Duration, change ...func(*config.Config)) *replica {
	w.Helper()
	before := w.start()
	w.withCA()
	w.must(before.stop())
	a := newActor(w.api, "daemon-2")
	a.fault = slow("patch", "secrets", d)
	r := w.launchOver(a, append(change, withLease)...)
	w.rest()
	w.create(certificate("web", "ca"))
	w.wait(time.Second)
	return r
}

// Handlers in flight finish within the grace time, under the lease, which is
// given back only after that.
func TestAShutdownLetsHandlersFinish(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.startSlow(10 * time.Second)
		began := time.Now()
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took < 8*time.Second || took > 12*time.Second {
			t.Errorf("the shutdown took %s", took)
		}
		if w.secret("web-tls") == nil {
			t.Error("the Secret was not stored")
		}
		w.expectLeaseLast(r)
		w.start()
		w.expectReady("web")
	})
}

// expectLeaseLast checks that the lease was given back, after all else that the
// daemon has changed; Events, which take no lease, may follow.
func (w *world) expectLeaseLast(r *replica) {
	w.Helper()
	if holder := w.holder(); holder != "" {
		w.Errorf("the lease is still held by %s", holder)
	}
	w.api.mu.Lock()
	defer w.api.mu.Unlock()
	last := ""
	for _, c := range w.commits {
		if c.by == r.name && c.kind.plural != "events" {
			last = c.kind.plural
		}
	}
	if last != "leases" {
		w.Errorf("the last that %s changed was of %s", r.name, last)
	}
}

// Handlers that outlast the grace time are cut off; the next daemon finishes
// their work.
func TestAShutdownCutsOffWhatOutlastsTheGrace(t *testing.T) {
	for _, grace := range []time.Duration{5 * time.Second, 0} {
		t.Run(grace.String(), func(t *testing.T) {
			bubble(t, func(w *world) {
				r := w.startSlow(10*time.Minute, func(cfg *config.Config) { cfg.ShutdownGracePeriod = grace })
				began := time.Now()
				if err := r.stop(); err != nil {
					t.Fatal(err)
				}
				if took := time.Since(began); took < grace || took > grace+2*time.Second {
					t.Errorf("the shutdown took %s", took)
				}
				if w.secret("web-tls") != nil {
					t.Error("the Secret was stored, though its handler was cut off")
				}
				w.expectLeaseLast(r)
				w.start()
				w.expectReady("web")
				w.expectTidy()
			})
		})
	}
}

// A daemon whose API server is gone stops all the same, within the time that a
// pod has by default.
func TestAShutdownWithoutAnAPIServer(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.startSlow(time.Second)
		r.cut()
		began := time.Now()
		_ = r.stop() // whatever it says
		if took := time.Since(began); took > 30*time.Second {
			t.Errorf("the shutdown took %s", took)
		}
	})
}

// Stopped while it waits for its caches, a daemon ends at once and in peace.
func TestAShutdownDuringTheStart(t *testing.T) {
	bubble(t, func(w *world) {
		w.absent("certificates")
		r := w.start(withLease)
		began := time.Now()
		if err := r.stop(); err != nil {
			t.Fatal(err)
		}
		if took := time.Since(began); took > time.Second {
			t.Errorf("the shutdown took %s", took)
		}
	})
}
