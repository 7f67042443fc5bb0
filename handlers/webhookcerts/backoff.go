package webhookcerts

import "time"

const (
	// firstPause follows the first CA made because something was spoilt: long
	// enough for a rotation to end, short beside anything a person does by hand.
	firstPause = 10 * time.Minute
	// longestPause is also how long it must have been quiet for a new count.
	longestPause = 24 * time.Hour
	// prompt is how many CAs are made at once where there is none to go on with.
	prompt = 3
)

// pause is how long after a CA the next one may be made because somebody
// spoilt something that could be mended without.
func pause(remade int) time.Duration {
	if remade == 0 {
		return 0
	}
	return min(firstPause<<min(remade-1, 10), longestPause)
}

// pauseWithout is pause where the CA itself is gone, which cannot be mended:
// the bundles go on verifying what is served, but nothing can be renewed.
func pauseWithout(remade int) time.Duration {
	if remade < prompt {
		return 0
	}
	return min(time.Minute<<min(remade-prompt, 10), time.Hour)
}

// remade counts a CA made because something was spoilt.
func (o *Observed) remadeWith(now time.Time) int {
	switch {
	case o.Made.IsZero():
		return 0 // the first there is
	case now.Sub(o.Made) > longestPause:
		return 1
	}
	return o.Remade + 1
}
