package scheduler

import (
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/robfig/cron/v3"

	"github.com/certwright/certwright/queue"
)

// Entry is one thing to do by the clock: enqueue some keys.
type Entry struct {
	// Name is the entry's name in logs and metrics: "expiry-sweep".
	Name string
	// Schedule says when; see Parse for what it may be.
	Schedule string
	// Field is the flag or configuration field that Schedule came from, for
	// error messages: "--expiry-sweep-schedule". Empty means the entry's name.
	Field string
	// Spread is the window over which the keys of one run are spread; it is cut
	// to the shortest pause of the schedule. Zero enqueues all of them at once.
	Spread time.Duration
	// Keys yields the keys to enqueue, anew for every run. It should read from
	// caches only. Runs of one entry never overlap.
	Keys iter.Seq[queue.Key]
}

// planned is an Entry that was found sound.
type planned struct {
	Entry
	schedule cron.Schedule
}

// plan checks the entry and works out its schedule and window.
func plan(e Entry, now time.Time) (planned, error) {
	field := e.Field
	if field == "" {
		field = fmt.Sprintf("entry %q", e.Name)
	}
	switch {
	case e.Name == "":
		return planned{}, fmt.Errorf("%s: an entry needs a name", field)
	case e.Keys == nil:
		return planned{}, fmt.Errorf("%s: an entry needs keys", field)
	case e.Spread < 0:
		return planned{}, fmt.Errorf("%s: spread %s is negative; use 0 for none", field, e.Spread)
	}
	schedule, err := Parse(e.Schedule, now)
	if err != nil {
		return planned{}, fmt.Errorf("%s: %w", field, err)
	}
	e.Spread = min(e.Spread, shortestPause(schedule, now))
	return planned{e, schedule}, nil
}

// planAll plans every entry and joins the faults of all of them.
func planAll(entries []Entry, now time.Time) ([]planned, error) {
	var all []planned
	var faults []error
	names := map[string]bool{}
	for _, e := range entries {
		p, err := plan(e, now)
		if err == nil && names[e.Name] {
			err = fmt.Errorf("entry %q: there are two of that name", e.Name)
		}
		names[e.Name] = true
		all, faults = append(all, p), append(faults, err)
	}
	return all, errors.Join(faults...)
}
