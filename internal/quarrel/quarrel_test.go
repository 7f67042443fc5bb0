package quarrel

import (
	"testing"
	"time"
)

func TestPauses(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	var s Streak[string]
	for i, want := range []time.Duration{0, 0, 0, 4 * time.Second, 8 * time.Second, 16 * time.Second, 32 * time.Second, 64 * time.Second, 128 * time.Second, 256 * time.Second, 5 * time.Minute, 5 * time.Minute} {
		got := s.Pause("a", now)
		if got != want {
			t.Errorf("before write %d of the same: pause %s, want %s", i+1, got, want)
		}
		now = now.Add(got)
		if n := s.Count("a", now); n != i+1 {
			t.Errorf("write %d counts as %d", i+1, n)
		}
	}
	if s.Pause("b", now) != 0 {
		t.Error("something else waits")
	}
	if s.Pause("a", now.Add(calm+time.Second)) != 0 || s.Count("a", now.Add(calm+time.Second)) != 1 {
		t.Error("it is not forgiven after being left alone")
	}
}
