package page

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

// Moment says when t is, exactly and from now: for a field, not for a column.
func Moment(t, now time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 UTC") + " (" + Relative(t, now) + ")"
}

// Age is how old something made at t is: "3h".
func Age(t, now time.Time) string { return duration.HumanDuration(now.Sub(t)) }
