package acme

import (
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// leastPause keeps a server that says 0 from being asked at once.
	leastPause = time.Second
	// defaultPause is for a 429 that names no time.
	defaultPause = time.Minute
	// mostPause is how long one refusal stops all of an account. The limits
	// that are told in days concern one set of names (Let's Encrypt: the same
	// certificate five times a week), which must not stop all others: they are
	// tried again after this time, while the Error that met the limit keeps the
	// whole time told for its own Order.
	mostPause = time.Hour
	// mostTold bounds nonsense.
	mostTold = 31 * 24 * time.Hour
)

// told reads Retry-After (RFC 9110, section 10.2.3), as seconds or as a date;
// 0 when there is none that can be read.
func told(h http.Header, now time.Time) time.Duration {
	text := strings.TrimSpace(h.Get("Retry-After"))
	if text == "" {
		return 0
	}
	if seconds, err := strconv.ParseInt(text, 10, 64); err == nil {
		if seconds > int64(mostTold/time.Second) {
			return mostTold
		}
		return bounded(time.Duration(seconds) * time.Second)
	}
	at, err := http.ParseTime(text)
	if err != nil {
		return 0
	}
	return bounded(at.Sub(now))
}

func bounded(d time.Duration) time.Duration {
	return min(max(d, leastPause), mostTold)
}
