// Package when says times as people do: on the command line, on the web page,
// and in what both tell a Certificate waits for.
package when

import (
	"time"

	"k8s.io/apimachinery/pkg/util/duration"
)

// Relative says how far t is from now: "in 59d", "3h ago", "now".
func Relative(t, now time.Time) string {
	d := t.Sub(now)
	switch {
	case d >= time.Second:
		return "in " + duration.HumanDuration(d)
	case d <= -time.Second:
		return duration.HumanDuration(-d) + " ago"
	}
	return "now"
}

// Age is how old something made at t is: "3h".
func Age(t, now time.Time) string { return duration.HumanDuration(now.Sub(t)) }
