package daemon

import (
	"testing"
	"time"

	"github.com/certwright/certwright/daemon/config"
	"github.com/certwright/certwright/handlers/certificates"
	"github.com/certwright/certwright/queue"

	"github.com/google/go-cmp/cmp"
)

// Every kind of key has its handler, whatever is switched off. That each kind
// is woken by a route or an entry is the informers' to show.
func TestEveryKindHasAHandler(t *testing.T) {
	bubble(t, func(w *world) {
		for _, controllers := range [][]string{{"*"}, {"*", "-certificates", "-issuers"}, {"clusterissuers"}} {
			cfg := alone()
			cfg.Controllers = controllers
			d := w.launchWaiting()
			table := wire(cfg, d.clients, d.set, nil, func(certificates.Ending) {}, nil, nil, acmeServers{})
			for _, kind := range queue.Kinds() {
				if table[kind] == nil {
					t.Errorf("--controllers=%v: nobody serves %s", controllers, kind)
				}
			}
			if len(table) != len(queue.Kinds()) {
				t.Errorf("--controllers=%v: %d handlers for %d kinds", controllers, len(table), len(queue.Kinds()))
			}
		}
	})
}

// The sweep takes its schedule and spread from the options, and the keys of
// all that is kept.
func TestTheSweep(t *testing.T) {
	bubble(t, func(w *world) {
		r := w.start()
		w.withCA()
		w.create(certificate("web", "ca"), clusterIssuer("public", selfSigned()))
		w.rest()
		cfg := alone()
		cfg.ExpirySweepSchedule, cfg.ExpirySweepSpread = "@every 2h", time.Minute
		entry := sweep(cfg, r.daemon.set)
		if entry.Schedule != "@every 2h" || entry.Spread != time.Minute || entry.Field != "--expiry-sweep-schedule" {
			t.Errorf("entry is %+v", entry)
		}
		got := map[string]bool{}
		for key := range entry.Keys {
			got[key.String()] = true
		}
		want := map[string]bool{
			"certificate shop/root": true, "certificate shop/web": true, "issuer shop/selfsigned": true, "issuer shop/ca": true, "clusterissuer public": true}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("keys (-want +got):\n%s", diff)
		}
	})
}

// Each sweep hands every key to its handler once, not all of them at a time.
func TestASweepIsSpread(t *testing.T) {
	bubble(t, func(w *world) {
		began := time.Now()
		r := w.start()
		w.withCA()
		for _, name := range []string{"a", "b", "c", "d", "e", "f", "g", "h"} {
			w.create(certificate(name, "ca"))
		}
		w.rest()
		w.wait(58*time.Minute - time.Since(began))
		const calls = "certmanager_controller_sync_call_count{controller=certificates}"
		before := r.series(w)[calls]
		minutes := 0
		for last, end := before, time.Now().Add(20*time.Minute); time.Now().Before(end); {
			w.wait(time.Minute)
			if now := r.series(w)[calls]; now > last {
				minutes++
				last = now
			}
		}
		if got := r.series(w)[calls] - before; got != 9 {
			t.Errorf("%v calls in a sweep over 9 Certificates", got)
		}
		if minutes < 4 {
			t.Errorf("they were made in %d of %s", minutes, config.Default().ExpirySweepSpread)
		}
	})
}
