package daemon

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
)

// What is foreseen is what the next daemon does, and foreseeing writes nothing.
func TestForesee(t *testing.T) {
	bubble(t, func(w *world) {
		first := w.start()
		w.withCA()
		w.create(certificate("web", "ca"), certificate("spoilt", "ca"), certificate("bare", "ca"))
		w.rest()
		w.must(first.stop())
		w.changeSecret("spoilt-tls", func(s *corev1.Secret) { delete(s.Data, "tls.key") })
		w.changeSecret("bare-tls", func(s *corev1.Secret) { s.Labels = nil })
		w.create(certificate("new", "ca"))

		seer := newActor(w.api, "seer")
		got, err := foresee(w.ctx, alone(), seer.clients())
		w.must(err)
		want := []Prospect{
			{"shop", "bare", "dresses", ""},
			{"shop", "new", "issues", "Issuing certificate as Secret does not exist"},
			{"shop", "root", "stays", ""},
			{"shop", "spoilt", "reissues", "Issuing certificate as Secret does not contain a private key (tls.key)"},
			{"shop", "web", "stays", ""},
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("foreseen (-want +got):\n%s", diff)
		}
		if wrote := seer.take(call.writes); len(wrote) != 0 {
			t.Errorf("foreseeing wrote: %v", wrote)
		}

		second := w.start()
		for name, revision := range map[string]int{"bare": 1, "new": 1, "spoilt": 2, "web": 1} {
			w.expectReady(name)
			if is := w.certificate(name).Status.Revision; is == nil || *is != revision {
				t.Errorf("%s is at revision %v, want %d", name, is, revision)
			}
		}
		for _, wrote := range second.take(work) {
			if wrote == "update certificates/status shop/web" || wrote == "patch secrets shop/web-tls" {
				t.Errorf("web was to stay: %s", wrote)
			}
		}
	})
}

// Without the API, it says what is missing.
func TestForeseeInVain(t *testing.T) {
	bubble(t, func(w *world) {
		seer := newActor(w.api, "seer")
		seer.cut()
		ctx, cancel := context.WithTimeout(w.ctx, time.Minute)
		defer cancel()
		if got, err := foresee(ctx, alone(), seer.clients()); err == nil {
			t.Errorf("got %v", got)
		}
	})
}
