package when

import (
	"testing"
	"time"
)

func TestRelativeAndAge(t *testing.T) {
	now := time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC)
	for d, want := range map[time.Duration]string{
		0:                       "now",
		-999 * time.Millisecond: "now",
		time.Second:             "in 1s",
		59 * 24 * time.Hour:     "in 59d",
		-3 * time.Hour:          "3h ago",
	} {
		if got := Relative(now.Add(d), now); got != want {
			t.Errorf("%s: got %q, want %q", d, got, want)
		}
	}
	if got := Age(now.Add(-time.Hour), now); got != "60m" {
		t.Error(got)
	}
}
