package config

import (
	"fmt"
	"time"

	"github.com/certwright/certwright/scheduler"
)

// shortestSweepPause keeps a sweep from being a busy loop over every
// certificate.
const shortestSweepPause = time.Minute

// scheduleFaults judges --expiry-sweep-schedule and the spread beside it. A
// spread longer than the pause is no fault: the scheduler cuts it.
func (c Config) scheduleFaults() []error {
	const flag = "--expiry-sweep-schedule"
	faults := faultIf(c.ExpirySweepSpread < 0, "--expiry-sweep-spread: %s is below 0; write 0s for no spread", c.ExpirySweepSpread)
	// A fixed leap year, so that what is right today is right tomorrow.
	now := time.Date(2024, 1, 1, 0, 0, 0, 0, time.UTC)
	schedule, err := scheduler.Parse(c.ExpirySweepSchedule, now)
	if err != nil {
		return append(faults, fmt.Errorf("%s: %w", flag, err))
	}
	// Cron fields know whole minutes only, so that just @every can be shorter,
	// and its pauses are all the same.
	first := schedule.Next(now)
	pause := schedule.Next(first).Sub(first)
	return append(faults, faultIf(pause < shortestSweepPause,
		"%s: %q comes every %s; leave at least %s between two sweeps", flag, c.ExpirySweepSchedule, pause, shortestSweepPause)...)
}
