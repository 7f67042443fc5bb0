package certificates

import (
	"testing"
	"time"

	cmapi "github.com/cert-manager/cert-manager/pkg/apis/certmanager/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
)

var start = time.Date(2026, time.March, 1, 12, 0, 0, 0, time.UTC)

func crtNamed(name string, uid types.UID) *cmapi.Certificate {
	return &cmapi.Certificate{ObjectMeta: metav1.ObjectMeta{Namespace: "team", Name: name, UID: uid}}
}

// Repairs in a row are prompt at first, then ever slower, up to a limit.
func TestPausesOfRepairs(t *testing.T) {
	t.Parallel()
	m, crt, now := newMemory(), crtNamed("web", "a"), start
	for i, want := range []time.Duration{
		0, 0, 10 * time.Second, 20 * time.Second, 40 * time.Second, 80 * time.Second,
		160 * time.Second, 5 * time.Minute, 5 * time.Minute, 5 * time.Minute,
	} {
		m.begin(crt, nil, true, false, now)
		m.end(crt, now)
		var got time.Duration
		if until := m.paused(crt); !until.IsZero() {
			got = until.Sub(now)
		}
		if got != want {
			t.Errorf("after repair %d: got a pause of %s, want %s", i+1, got, want)
		}
		now = now.Add(got)
	}
}

func TestRepairsAreForgiven(t *testing.T) {
	t.Parallel()
	for name, next := range map[string]struct {
		after time.Duration
		mends bool
	}{
		"by an issuance that is no repair": {0, false},
		"after a calm":                     {calm + time.Second, true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			m, crt, now := newMemory(), crtNamed("web", "a"), start
			for range 5 {
				m.begin(crt, nil, true, false, now)
				m.end(crt, now)
			}
			if m.paused(crt).IsZero() {
				t.Fatal("five repairs in a row: got no pause")
			}
			now = now.Add(next.after)
			m.begin(crt, nil, next.mends, false, now)
			m.end(crt, now)
			if until := m.paused(crt); !until.IsZero() {
				t.Errorf("got a pause of %s, want none", until.Sub(now))
			}
		})
	}
}

func TestHowLongAnIssuanceTook(t *testing.T) {
	t.Parallel()
	m, crt := newMemory(), crtNamed("web", "a")
	if took := m.end(crt, start); took != 0 {
		t.Errorf("one that this process did not see begin: got %s, want 0", took)
	}
	m.begin(crt, nil, false, false, start)
	m.begin(crt, nil, false, false, start.Add(time.Second)) // the next step of the same one
	if took := m.end(crt, start.Add(3*time.Second)); took != 3*time.Second {
		t.Errorf("got %s, want 3s", took)
	}
	m.begin(crt, nil, false, false, start)
	m.drop(crt) // it came to nothing
	m.begin(crt, nil, false, false, start.Add(time.Hour))
	if took := m.end(crt, start.Add(time.Hour+time.Second)); took != time.Second {
		t.Errorf("after a failed one: got %s, want 1s", took)
	}
}

// A Certificate deleted and made anew under its name remembers nothing of the
// one before, and one that is gone leaves nothing behind.
func TestANamesakeRemembersNothing(t *testing.T) {
	t.Parallel()
	m, first, second := newMemory(), crtNamed("web", "a"), crtNamed("web", "b")
	m.fail(first, "request")
	if got := m.lastFailed(first); got != "request" {
		t.Errorf("got %q, want the failed request", got)
	}
	if got := m.lastFailed(second); got != "" {
		t.Errorf("the namesake: got %q, want nothing", got)
	}
	for k := range m.crts {
		m.forget(k)
	}
	if len(m.crts) != 0 {
		t.Errorf("got %d Certificates left, want none", len(m.crts))
	}
}
