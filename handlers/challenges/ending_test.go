package challenges

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/certwright/certwright/internal/lag"
	"github.com/certwright/certwright/queue"

	cmacme "github.com/cert-manager/cert-manager/pkg/apis/acme/v1"
	"github.com/google/go-cmp/cmp"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

func TestDeletedAtAnyTime(t *testing.T) {
	t.Run("before its turn", func(t *testing.T) {
		bubble(t, func(w *world) {
			w.max = 0
			w.start()
			w.put("web", func(ch *cmacme.Challenge) {
				ch.Finalizers = []string{cmacme.ACMELegacyFinalizer, cmacme.ACMEDomainQualifiedFinalizer}
			})
			w.remove("web")
			w.rest()
			w.happened("nothing is taken away", these("finalizers shop/web"), nil, nil)
		})
	})
	t.Run("while it is presented", func(t *testing.T) {
		bubble(t, func(w *world) {
			w.change(func() { w.solver.takes[Present] = time.Minute })
			w.put("web")
			w.wait(time.Second)
			w.remove("web")
			w.wait(time.Second)
			w.happened("stopped and taken away", these("place shop/web true", "finalizers shop/web"), these("Normal Started"),
				these("present web", "remove web", "ask"))
		})
	})
	t.Run("after a restart, before anything of it was written", func(t *testing.T) {
		bubble(t, func(w *world) {
			w.solver.fail(Visible, errors.New("no"))
			w.put("web")
			w.rest()
			w.stop()
			w.remove("web")
			w.start()
			w.wait(time.Second)
			w.happened("taken away", these("place shop/web true", "finalizers shop/web"), these("Normal Started", "Normal Presented"),
				these("present web", "look web", "remove web", "ask"))
		})
	})
}

// A cache that lags does not have the finalizers taken away twice.
func TestLetGoOnce(t *testing.T) {
	bubble(t, func(w *world) {
		w.put("web")
		w.wait(time.Second)
		var asked []string // also for what is gone
		w.server.fate = func(write string) fate {
			asked = append(asked, write)
			return stored
		}
		show := w.server.after
		w.server.after = func(s *apiServer, write string) {
			if !strings.HasPrefix(write, "finalizers") {
				show(s, write)
				return
			}
			go func() {
				w.mu.Lock()
				defer w.mu.Unlock()
				w.wake(queue.Key{Kind: queue.Challenge, Namespace: "shop", Name: "web"})
			}()
		}
		w.remove("web")
		w.wait(lag.Net - time.Second)
		if diff := cmp.Diff(these("finalizers shop/web"), asked); diff != "" {
			t.Errorf("writes (-want +got):\n%s", diff)
		}
	})
}

// A deletion is hardly held up where nothing was put anywhere.
func TestCleanUpOfWhatWasNeverPresentedFails(t *testing.T) {
	bubble(t, func(w *world) {
		w.solver.fail(Present, Faulty("Secret shop/dns does not exist"))
		w.solver.fail(Remove, Faulty("Secret shop/dns does not exist"))
		w.put("web")
		w.rest()
		w.remove("web")
		w.wait(5 * time.Second)
		if w.get("web") == nil {
			t.Error("it is not tried again")
		}
		w.wait(5 * time.Second)
		if w.get("web") != nil {
			t.Error("it is kept for more than ten seconds")
		}
	})
}

// What can be mended by nobody any more does not keep an object for ever.
func TestCleanUpOfADeletedChallengeFails(t *testing.T) {
	bubble(t, func(w *world) {
		w.solver.fail(Visible, errors.New("no"))
		w.solver.fail(Remove, Faulty("Secret shop/dns does not exist"))
		w.put("web")
		w.rest()
		w.remove("web")
		w.wait(10 * time.Second)
		if s := w.status("web"); s.Processing || !s.Presented || s.Reason != "cannot take the proof away: Secret shop/dns does not exist" {
			t.Errorf("status %+v, want it without its place", s)
		}
		w.wait(3 * time.Minute)
		if w.get("web") != nil {
			t.Error("it is kept for more than three minutes")
		}
		told := w.events.told()
		if last := told[len(told)-1]; last != `Warning CleanUpError: gave up taking away the proof of "web.test" for HTTP-01, remove it by hand: Secret shop/dns does not exist` {
			t.Errorf("last event: %s", last)
		}
	})
}

func TestCleanUpInAnOutage(t *testing.T) {
	bubble(t, func(w *world) {
		w.solver.fail(Visible, errors.New("no"))
		w.solver.fail(Remove, errors.New("502"))
		w.put("web")
		w.rest()
		w.remove("web")
		w.wait(50 * time.Minute)
		if w.get("web") == nil {
			t.Fatal("it was let go although an outage may pass")
		}
		w.wait(15 * time.Minute)
		if w.get("web") != nil {
			t.Error("it is kept for more than an hour")
		}
	})
}

// The Order is not kept waiting by a slow clean-up, nor are those who wait for
// the place by one that fails.
func TestCleanUpAfterTheEnd(t *testing.T) {
	t.Run("slow", func(t *testing.T) {
		bubble(t, func(w *world) {
			w.change(func() { w.solver.takes[Remove] = 30 * time.Second })
			w.put("web")
			w.wait(3 * time.Second)
			if s := w.status("web"); s.State != cmacme.Valid || !s.Processing || !s.Presented {
				t.Errorf("status %+v, want valid and at work", s)
			}
			w.wait(30 * time.Second)
			if s := w.status("web"); s.State != cmacme.Valid || s.Processing || s.Presented {
				t.Errorf("status %+v, want valid and clean", s)
			}
			w.happened("three writes", these("place shop/web true", "status shop/web", "status shop/web"),
				these("Normal Started", "Normal Presented", "Normal DomainVerified"), these("present web", "look web", "remove web", "ask", "accept", "ask"))
		})
	})
	t.Run("failing", func(t *testing.T) {
		bubble(t, func(w *world) {
			w.solver.fail(Remove, errors.New("502"))
			w.put("web")
			w.wait(10 * time.Second)
			if s := w.status("web"); s.State != cmacme.Valid || s.Processing || !s.Presented {
				t.Errorf("status %+v, want valid, and without its place", s)
			}
			w.start()
			w.wait(time.Hour)
			if calls := w.calls(); len(calls) < 20 || len(calls) > 30 {
				t.Errorf("calls in an hour: %q", calls)
			}
			w.happened("told once", these("place shop/web true", "status shop/web"),
				these("Normal Started", "Normal Presented", "Normal DomainVerified", "Warning CleanUpError: cannot take the proof away: 502"), nil)
			w.solver.fail(Remove, nil)
			w.wait(6 * time.Minute)
			w.happened("clean at last", these("status shop/web"), nil, these("remove web"))
		})
	})
}

// A killed daemon goes on, and tells the server no second time.
func TestRestartAtAnyWrite(t *testing.T) {
	for after := 1; after <= 3; after++ {
		bubbleNamed(t, after, func(w *world) {
			stored := 0
			show := w.server.after
			w.server.after = func(s *apiServer, write string) {
				show(s, write)
				if stored++; stored == 1+after {
					go w.start()
				}
			}
			w.put("web")
			w.wait(time.Minute)
			if s := w.status("web"); s.State != cmacme.Valid || s.Processing || s.Presented {
				t.Errorf("killed after %d writes: status %+v", after, s)
			}
			accepts := 0
			for _, c := range w.calls() {
				if c == "accept" {
					accepts++
				}
			}
			if accepts != 1 {
				t.Errorf("killed after %d writes: accepted %d times", after, accepts)
			}
		})
	}
}

// Sixty that can never pass do not keep another waiting.
func TestHopelessOnesGiveWay(t *testing.T) {
	bubble(t, func(w *world) {
		w.max = 3
		w.start()
		w.change(func() { w.solver.blind = func(ch *cmacme.Challenge) bool { return ch.Name[0] == 'h' } })
		for _, name := range these("h1", "h2", "h3", "h4", "h5") {
			w.put(name)
		}
		w.wait(10 * time.Minute)
		w.put("web")
		w.wait(3 * time.Second)
		if s := w.status("web"); s.State != cmacme.Valid {
			t.Errorf("status %+v, want valid", s)
		}
		turns := map[string]int{}
		for _, write := range w.server.wrote() {
			turns[write]++
		}
		for _, name := range these("h1", "h2", "h3", "h4", "h5") {
			if n := turns["place shop/"+name+" true"]; n < 5 || n > 25 {
				t.Errorf("%s had %d turns in ten minutes", name, n)
			}
			if s := w.status(name); s.State != cmacme.Pending || !s.Presented {
				t.Errorf("%s: status %+v", name, s)
			}
		}
	})
}

// A namesake is another challenge.
func TestNamesake(t *testing.T) {
	bubble(t, func(w *world) {
		w.solver.fail(Visible, errors.New("no"))
		w.put("web")
		w.wait(time.Minute)
		w.solver.fail(Visible, nil)
		w.edit("web", func(ch *cmacme.Challenge) {
			now := metav1.Now()
			ch.DeletionTimestamp, ch.Finalizers = &now, nil
		})
		w.put("web", func(ch *cmacme.Challenge) { ch.UID = "another" })
		w.wait(time.Second)
		if s := w.status("web"); s.State != cmacme.Valid {
			t.Errorf("status %+v, want valid", s)
		}
	})
}
