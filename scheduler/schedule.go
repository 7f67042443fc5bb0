package scheduler

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// remedy ends every complaint about a schedule.
const remedy = `use five cron fields such as "0 3 * * *" (minute, hour, day of month, month, day of week), @hourly, @daily, @weekly, @monthly, or "@every 1h"`

// Parse reads a schedule: five cron fields, a word such as @daily, or "@every"
// with a duration of a second or more; "CRON_TZ=Europe/Berlin " may stand
// before it. It refuses what cron takes but never fires, such as 30 February,
// as seen from now. Its errors name the fault and the remedy; the caller adds
// the flag or field.
func Parse(text string, now time.Time) (cron.Schedule, error) {
	schedule, err := parse(text)
	if err != nil {
		return nil, fmt.Errorf("schedule %q: %w; %s", text, err, remedy)
	}
	if schedule.Next(now.UTC()).IsZero() {
		return nil, fmt.Errorf("schedule %q never fires, there is no such date; %s", text, remedy)
	}
	return schedule, nil
}

// parse keeps from cron what it mistakes: a time zone without a schedule
// panics, and an interval under a second becomes one of a second.
func parse(text string) (cron.Schedule, error) {
	rest := text
	if strings.HasPrefix(text, "TZ=") || strings.HasPrefix(text, "CRON_TZ=") {
		var ok bool
		if _, rest, ok = strings.Cut(text, " "); !ok {
			return nil, errors.New("a time zone needs a schedule after it")
		}
	}
	if every, ok := strings.CutPrefix(strings.TrimSpace(rest), "@every "); ok {
		d, err := time.ParseDuration(every)
		if err == nil && d < time.Second {
			return nil, errors.New("an interval must be at least 1s")
		}
	}
	return cron.ParseStandard(text)
}

const (
	// A schedule's pauses repeat: within a thousand firings, or two years, the
	// shortest has been met.
	sampleFirings = 1000
	sampleSpan    = 2 * 366 * 24 * time.Hour
)

// shortestPause is the least time between two firings of the schedule.
func shortestPause(schedule cron.Schedule, now time.Time) time.Duration {
	first := schedule.Next(now.UTC())
	last, shortest := first, sampleSpan
	for range sampleFirings {
		next := schedule.Next(last)
		if next.IsZero() || next.Sub(first) > sampleSpan {
			break
		}
		shortest = min(shortest, next.Sub(last))
		last = next
	}
	return shortest
}
