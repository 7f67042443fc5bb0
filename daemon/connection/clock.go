package connection

import (
	"net/http"
	"time"
)

// Tolerance is how far the clocks may be apart before anybody is told.
// Certificates are dated back by five minutes.
const Tolerance = time.Minute

// clock is what is known of the API server's.
type clock struct {
	told bool // that it differs
	away time.Duration
}

// Skew is how far our clock is ahead of the other side's, by an answer to a
// request that was sent between began and ended; behind: negative. HTTP tells
// whole seconds, so that less than a second and the time of the request is
// taken for none. ok is false when the answer does not tell.
func Skew(resp *http.Response, began, ended time.Time) (skew time.Duration, ok bool) {
	there, err := http.ParseTime(resp.Header.Get("Date"))
	if err != nil {
		return 0, false
	}
	switch { // the answer was written at some time between both
	case there.Add(time.Second).Before(began):
		return began.Sub(there.Add(time.Second)), true
	case there.After(ended):
		return ended.Sub(there), true
	}
	return 0, true
}

// told compares the clocks and says so when they come apart, or together.
func (l *Line) told(resp *http.Response, began time.Time) {
	ended := l.now()
	skew, ok := Skew(resp, began, ended)
	if !ok {
		return
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	apart := skew.Abs() > Tolerance
	switch {
	case apart && (!l.clock.told || (skew-l.clock.away).Abs() > Tolerance):
		l.clock = clock{told: true, away: skew}
		l.logger.Error(nil, SkewText(skew)+"; going on", "here", ended.UTC().Format(time.RFC3339), "there", resp.Header.Get("Date"),
			"remedy", SkewRemedy)
	case !apart && l.clock.told:
		l.clock = clock{}
		l.logger.Info("This machine's clock agrees with the API server's again")
	}
}

// SkewRemedy is what to do about clocks that differ.
const SkewRemedy = "set both clocks by NTP, and see which of them is wrong: timedatectl; until then certificates may begin in the future, end too soon or be renewed at the wrong time"

// SkewText says how far the clocks are apart.
func SkewText(skew time.Duration) string {
	word := "ahead of"
	if skew < 0 {
		word = "behind"
	}
	// It is known to a second or so, and to the round trip.
	return "This machine's clock is " + skew.Abs().Round(10*time.Second).String() + " " + word + " the API server's"
}
