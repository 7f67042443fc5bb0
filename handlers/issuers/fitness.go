package issuers

import (
	"sync"
	"time"
)

// Fitness is what a backend that asks a server remembers of how an issuer
// fares, so that one that is not fit is looked at again ever more slowly. The
// zero value is a fit issuer.
type Fitness struct {
	mu      sync.Mutex
	failing time.Time // since when it is not fit; zero: it is
}

// Works notes that the issuer is fit.
func (f *Fitness) Works() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.failing = time.Time{}
}

// Fails notes that it is not, and tells when to look again: one whose server is
// away after two seconds and never later than ten, one that somebody has to
// mend after a minute at the latest; but not before told, the server's own wish.
func (f *Fitness) Fails(away bool, told time.Duration, now time.Time) time.Duration {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.failing.IsZero() {
		f.failing = now
	}
	first, most := 5*time.Second, time.Minute
	if away {
		first, most = 2*time.Second, 10*time.Second
	}
	return max(told, min(most, max(first, now.Sub(f.failing)/2)))
}

// Usable is for how long a token that lasts so long is used: it is left in time
// for the calls that are under way with it.
func Usable(lasts time.Duration) time.Duration {
	return lasts - max(lasts/10, min(lasts/2, 10*time.Second))
}
