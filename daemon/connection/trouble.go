package connection

import (
	"net/http"
	"time"
)

// How long after the last word another one is said of a trouble that lasts, and
// of one that looks different now.
const (
	tellAgain  = 5 * time.Minute
	tellChange = 30 * time.Second
)

// trouble notes that requests are not served, and tells it when it is news.
func (l *Line) trouble(resp *http.Response, err error) {
	config := l.current.Load().config
	fault, remedy := "refuses our credentials", Diagnose(config, l.now())
	if resp != nil {
		l.lookNow()
	} else {
		fault, remedy = "cannot be reached: "+Reason(err), Remedy(err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	now, pause := l.now(), tellAgain
	switch l.fault {
	case "":
		l.since, pause = now, 0
	case fault:
	default: // names of ports and the like change from try to try
		pause = tellChange
	}
	if l.fault = fault; now.Sub(l.said) >= pause {
		l.said = now
		l.logger.Error(nil, "The API server "+fault+"; trying on", "server", config.Host, "remedy", remedy)
	}
}

// answered notes that a request was served, and what time it is over there.
func (l *Line) answered(resp *http.Response, began time.Time) {
	l.told(resp, began)
	if resp.StatusCode == http.StatusUnauthorized {
		return
	}
	l.mu.Lock()
	mended := l.fault != ""
	if mended {
		l.fault = ""
		l.logger.Info("The API server serves us again", "after", l.now().Sub(l.since).Round(time.Second).String())
	}
	l.mu.Unlock()
	if mended {
		l.tryAgain()
	}
}

// Fault says what keeps requests from being served now; "" when nothing does.
func (l *Line) Fault() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fault
}

// lookNow has the files looked at, without waiting for it.
func (l *Line) lookNow() {
	select {
	case l.look <- struct{}{}:
	default: // that is asked for already
	}
}

// freshness is closed when there is reason to try again at once.
func (l *Line) freshness() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.fresh
}

func (l *Line) tryAgain() {
	l.mu.Lock()
	defer l.mu.Unlock()
	close(l.fresh)
	l.fresh = make(chan struct{})
}
