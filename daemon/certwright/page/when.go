package page

import (
	"time"

	"github.com/certwright/certwright/internal/when"
)

// Relative says how far t is from now: "in 59d", "3h ago", "now".
func Relative(t, now time.Time) string { return when.Relative(t, now) }

// Moment says when t is, exactly and from now: for a field, not for a column.
func Moment(t, now time.Time) string {
	return t.UTC().Format("2006-01-02 15:04:05 UTC") + " (" + Relative(t, now) + ")"
}

// Age is how old something made at t is: "3h".
func Age(t, now time.Time) string { return when.Age(t, now) }
